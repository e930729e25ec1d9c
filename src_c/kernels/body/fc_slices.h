/* Fully connected in slices of eight rows (scl_slices.h): see docs/kernels.md. Serves fc_csr, fc_group_in and fc_group_out.
 *
 * Eight accumulators, one for each row of a slice (or each part of a row, or each of several images), run over the steps in lockstep,
 * so that no branch depends on the length of a row. Lanes run along a group; without groups, along the rows of a slice.
 *
 * No scratch. Before including: a simd header.
 */
#include "scl_slices.h"

#include <string.h>

enum { IMAGES = 4 };                /* that share a load of the weights */
#define INLINE static inline __attribute__((always_inline))

/* What a kernel makes of a group of `width` weights: sums over the inputs idx ..., or `width` outputs from one input. */
typedef enum { IN, OUT } axis;

/* Floats of the partial sums of one row. */
#define PARTIAL(width, axis) (axis == OUT || width < VL ? width : VL)

/* Runs `steps` steps of `rows` rows of a slice for `nb` images: acc[image][8][PARTIAL] = the partial sums.
 * Everything before `steps` is a constant where this is inlined. */
INLINE void run_steps(int width, axis axis, int rows, int nb, int64_t steps, const float *w, const uint16_t *idx, const float *x,
                      int64_t ldx, float *acc)
{
    const int pair = width < VL, vectors = pair ? 1 : width / VL, parts = axis == OUT ? vectors : 1, units = pair ? rows / 2 : rows;
    const int step = SLICE * PARTIAL(width, axis);
    vf sum[IMAGES][SLICE][SLICE];
#pragma GCC unroll 8
    for (int b = 0; b < nb; b++)
#pragma GCC unroll 8
        for (int u = 0; u < units; u++)
#pragma GCC unroll 8
            for (int p = 0; p < parts; p++)
                sum[b][u][p] = vf_zero();
    for (; steps > 0; steps--, w += SLICE * width, idx += SLICE) {
        uint64_t numbers = 0;
#pragma GCC unroll 8
        for (int u = 0; u < units; u++) {
            int64_t i, j = 0;
            if (u * (pair + 1) % 4 == 0)    /* one load for four indices: loads are what is short */
                __builtin_memcpy(&numbers, idx + u * (pair + 1), rows < 4 ? 2 * (size_t)rows : 8);
            i = numbers & 0xffff;
            numbers >>= 16;
            if (pair) {
                j = numbers & 0xffff;
                numbers >>= 16;
            }
#pragma GCC unroll 8
            for (int v = 0; v < vectors; v++) {
                vf wv = vf_load(w + (u * vectors + v) * VL);
#pragma GCC unroll 8
                for (int b = 0; b < nb; b++) {
                    const float *xb = x + b * ldx;
                    vf xv = axis == IN ? (pair ? vf_load2(xb + i, xb + j) : vf_load(xb + i + v * VL))
                                       : (pair ? vf_set2(xb[i], xb[j]) : vf_set1(xb[i]));
                    sum[b][u][axis == OUT ? v : 0] = vf_fma(wv, xv, sum[b][u][axis == OUT ? v : 0]);
                }
            }
        }
    }
#pragma GCC unroll 8
    for (int b = 0; b < nb; b++)
#pragma GCC unroll 8
        for (int u = 0; u < units; u++)
#pragma GCC unroll 8
            for (int p = 0; p < parts; p++)
                vf_store(acc + b * step + (u * parts + p) * VL, sum[b][u][p]);
}

/* The same for single weights, whose lanes are the rows. */
INLINE void run_single(int nb, int64_t steps, const float *w, const uint16_t *idx, const float *x, int64_t ldx, float *acc)
{
    vf sum[IMAGES][SLICE / VL];
#pragma GCC unroll 8
    for (int b = 0; b < nb; b++)
#pragma GCC unroll 8
        for (int p = 0; p < SLICE / VL; p++)
            sum[b][p] = vf_zero();
    for (; steps > 0; steps--, w += SLICE, idx += SLICE)
#pragma GCC unroll 8
        for (int p = 0; p < SLICE / VL; p++) {
            vf wv = vf_load(w + p * VL);
#pragma GCC unroll 8
            for (int b = 0; b < nb; b++)
                sum[b][p] = vf_fma(wv, vf_gather(x + b * ldx, idx + p * VL), sum[b][p]);
        }
#pragma GCC unroll 8
    for (int b = 0; b < nb; b++)
#pragma GCC unroll 8
        for (int p = 0; p < SLICE / VL; p++)
            vf_store(acc + b * SLICE + p * VL, sum[b][p]);
}

/* A chunk of one slice. */
INLINE void run_chunk(int width, axis axis, int nb, int64_t steps, const float *w, const uint16_t *idx, const float *x, int64_t ldx,
                      float *acc)
{
    /* as many rows at once as eight accumulators can hold */
    const int each = (axis == OUT && width > VL ? width / VL : 1) * nb, some = SLICE / each * (width < VL ? 2 : 1);
    const int rows = some < 1 ? 1 : some < SLICE ? some : SLICE;
    if (width == 1)
        run_single(nb, steps, w, idx, x, ldx, acc);
    else
        for (int r = 0; r < SLICE; r += rows)
            run_steps(width, axis, rows, nb, steps, w + r * width, idx + r, x, ldx, acc + r * PARTIAL(width, axis));
}

/* sums[r] = the sum of the `partial` floats of row r of a slice; one order of additions for all rows. */
INLINE void sum_rows(int partial, const float *acc, float *sums)
{
    for (int r = 0; r < SLICE; r += 4) {
        __m128 row[4];
        for (int i = 0; i < 4; i++) {
            row[i] = _mm_loadu_ps(acc + (r + i) * partial);
            for (int j = 4; j < partial; j += 4)
                row[i] = _mm_add_ps(row[i], _mm_loadu_ps(acc + (r + i) * partial + j));
        }
        _mm_storeu_ps(sums + r, _mm_hadd_ps(_mm_hadd_ps(row[0], row[1]), _mm_hadd_ps(row[2], row[3])));
    }
}

/* to[i] += from[i], i < count; count is a constant where this is inlined. */
INLINE void add_to(float *to, const float *from, int count)
{
#pragma GCC unroll 4
    for (int i = 0; i < count; i += VL)
        if (count % VL == 0)
            vf_store(to + i, vf_add(vf_load(to + i), vf_load(from + i)));
        else if (count % 4 == 0)
            for (int j = i; j < count; j += 4)
                _mm_storeu_ps(to + j, _mm_add_ps(_mm_loadu_ps(to + j), _mm_loadu_ps(from + j)));
        else
            to[i] += from[i];
}

/* v[i] = act(v[i] + bias[i]) for i < count, a constant where this is inlined; `place` is where bias and slope of v[0] are. */
INLINE void end_places(const scl_args_fc *a, int64_t place, int count, float *v)
{
    const float *bias = a->bias, *slope = a->act == SCL_ACT_PRELU ? a->slope : NULL;
#pragma GCC unroll 4
    for (int i = 0; i < count; i += VL) {
        int n = count - i < VL ? count - i : VL;
        vf sum = n == VL ? vf_load(v + i) : vf_loadn(v + i, n);
        if (bias)
            sum = vf_add(sum, n == VL ? vf_load(bias + place + i) : vf_loadn(bias + place + i, n));
        if (a->act)
            sum = vf_activate(sum, a->act, slope ? vf_loadn(slope + place + i, n) : vf_set1(a->p0), vf_set1(a->p1));
        if (n == VL)
            vf_store(v + i, sum);
        else
            vf_storen(v + i, n, sum);
    }
}

/* From the partial sums of the slice of places place ... place + 7 to y. */
INLINE void end_slice(const scl_args_fc *a, int width, axis axis, const uint32_t *rows, int64_t place, float *acc, float *y)
{
    const int outs = axis == OUT ? width : 1;
    float sums[SLICE], *ends = acc;
    if (axis == IN && width > 1) {
        sum_rows(PARTIAL(width, axis), acc, sums);
        ends = sums;
    }
    end_places(a, place * outs, SLICE * outs, ends);
#pragma GCC unroll 8
    for (int r = 0; r < SLICE; r++) {
        int64_t m = (int64_t)rows[r] * outs;
        if (rows[r] == NO_ROW)
            continue;
        if (m + outs <= a->m)
            __builtin_memcpy(y + m, ends + r * outs, (size_t)outs * sizeof *y);
        else
            for (int j = 0; m + j < a->m; j++)
                y[m + j] = ends[r * outs + j];
    }
}

INLINE void fc_images(const scl_args_fc *a, const scl_slices *s, int width, axis axis, int nb, int64_t band, int64_t image)
{
    const int each = PARTIAL(width, axis), partial = SLICE * each;
    const float *w = a->w, *x = a->x + image * a->k;
    const uint16_t *idx = a->idx;
    const uint32_t *start = s->starts + band * s->chunks * s->band, *rows = s->rows + band * s->band * SLICE;
    float some[IMAGES * SLICE * 16], acc[IMAGES][(BAND_MOST + 1) * SLICE * 16];
    if (s->chunks > 1)
        for (int b = 0; b < nb; b++)
            memset(acc[b], 0, (size_t)(s->band * SLICE + 1) * (size_t)each * sizeof **acc);
    for (int64_t c = 0; c < s->chunks; c++, x += s->base)
        for (int64_t i = 0; i < s->band; i++, start++) {
            run_chunk(width, axis, nb, (int64_t)start[1] - start[0], w + (int64_t)start[0] * SLICE * width, idx + (int64_t)start[0] * SLICE,
                      x, a->k, some);
            if (s->chunks > 1) {
                const uint32_t *places = s->places + (start - s->starts) * SLICE;
                for (int b = 0; b < nb; b++)
#pragma GCC unroll 8
                    for (int r = 0; r < SLICE; r++)
                        add_to(acc[b] + places[r] * each, some + b * partial + r * each, each);
            } else {
                for (int b = 0; b < nb; b++)
                    end_slice(a, width, axis, rows, band * SLICE, some + b * partial, a->y + (image + b) * a->m);
            }
        }
    if (s->chunks > 1)
        for (int64_t i = 0; i < s->band; i++)
            for (int b = 0; b < nb; b++)
                end_slice(a, width, axis, rows + i * SLICE, (band * s->band + i) * SLICE, acc[b] + i * partial,
                          a->y + (image + b) * a->m);
}

INLINE void fc_slices(const scl_args_fc *a, int width, axis axis, int tid, int nt)
{
    scl_slices s = scl_slices_of(a->ptr);
    int64_t begin, end;
    scl_part_bands(&s, tid, nt, &begin, &end);
    for (int64_t band = begin; band < end; band++) {
        int64_t image = 0;
        for (; image + IMAGES <= a->n; image += IMAGES)
            fc_images(a, &s, width, axis, IMAGES, band, image);
        for (; image < a->n; image++)
            fc_images(a, &s, width, axis, 1, band, image);
    }
}
