/* Fully connected in slices, one weight after another: what the vector kernels are judged by. */
#include "scl_epilogue.h"
#include "scl_slices.h"

/* Output j < outs of lane `lane` with one image. A weight j of a group meets input idx + j, or makes output j when `out`. */
static float lane_sum(const scl_args_fc *a, const scl_slices *s, int64_t lane, int64_t width, int out, int64_t j, const float *x)
{
    const float *w = a->w;
    const uint16_t *idx = a->idx;
    int64_t slice = lane / SLICE, band = slice / s->band;
    float sum = 0;
    for (int64_t c = 0; c < s->chunks; c++) {
        const uint32_t *start = s->starts + (band * s->chunks + c) * s->band + slice % s->band;
        for (int64_t step = start[0]; step < start[1]; step++) {
            int64_t group = step * SLICE + lane % SLICE;
            for (int64_t i = 0; i < width; i++)
                if (!out)
                    sum += w[group * width + i] * x[idx[group] + i];
                else if (i == j)
                    sum += w[group * width + i] * x[idx[group]];
        }
    }
    return sum;
}

static void fc_slices(const scl_args_fc *a, int64_t width, int out, int tid, int nt)
{
    scl_slices s = scl_slices_of(a->ptr);
    const float *bias = a->bias;
    int64_t begin, end, outs = out ? width : 1;
    scl_part_bands(&s, tid, nt, &begin, &end);
    for (int64_t lane = begin * s.band * SLICE; lane < end * s.band * SLICE; lane++)
        for (int64_t j = 0; j < outs; j++) {
            int64_t m = s.rows[lane] == NO_ROW ? a->m : s.rows[lane] * outs + j;
            for (int64_t b = 0; m < a->m && b < a->n; b++) {
                float v = lane_sum(a, &s, lane, width, out, j, a->x + b * a->k);
                v = bias ? v + bias[lane * outs + j] : v;
                a->y[b * a->m + m] = scl_activate(v, a->act, a->p0, a->p1, a->slope, lane * outs + j);
            }
        }
}
