/* Fully connected in slices, one weight after another: what the vector kernels are judged by. */
#include "scl_epilogue.h"
#include "scl_slices.h"

/* The sums of the places of a band, `outs` for each. A weight of a group meets the input idx + its number, or makes the output of its
 * number when `out`. */
static void band_sums(const scl_args_fc *a, const scl_slices *s, int64_t band, int64_t width, int out, const float *x, float *sums)
{
    const float *w = a->w;
    const uint16_t *idx = a->idx;
    for (int64_t c = 0; c < s->chunks; c++, x += s->base)
        for (int64_t i = 0; i < s->band; i++) {
            int64_t slice = (band * s->chunks + c) * s->band + i;
            for (int64_t group = s->starts[slice] * INT64_C(8); group < s->starts[slice + 1] * INT64_C(8); group++) {
                int64_t place = s->chunks > 1 ? s->places[slice * SLICE + group % SLICE] : group % SLICE;
                for (int64_t j = 0; j < width; j++)
                    if (out)
                        sums[place * width + j] += w[group * width + j] * x[idx[group]];
                    else
                        sums[place] += w[group * width + j] * x[idx[group] + j];
            }
        }
}

static void fc_slices(const scl_args_fc *a, int64_t width, int out, int tid, int nt)
{
    scl_slices s = scl_slices_of(a->ptr);
    const float *bias = a->bias;
    int64_t begin, end, outs = out ? width : 1, places = s.band * SLICE;
    scl_part_bands(&s, tid, nt, &begin, &end);
    for (int64_t band = begin; band < end; band++)
        for (int64_t b = 0; b < a->n; b++) {
            float sums[(BAND_MOST + 1) * SLICE * 16] = {0};
            band_sums(a, &s, band, width, out, a->x + b * a->k, sums);
            for (int64_t i = 0; i < places * outs; i++) {
                int64_t at = band * places * outs + i, row = s.rows[at / outs], m = row * outs + at % outs;
                if (row == NO_ROW || m >= a->m)
                    continue;
                float v = bias ? sums[i] + bias[at] : sums[i];
                a->y[b * a->m + m] = scl_activate(v, a->act, a->p0, a->p1, a->slope, at);
            }
        }
}
