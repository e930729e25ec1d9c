/* Convolution with groups of `width` neighbouring output channels: see docs/kernels.md.
 *
 * A unit is a block of `width` channels. w[i][width] for ptr[unit] <= i < ptr[unit + 1] (uint32) are its groups, idx[i] (int32) the offset
 * of their weight k in the window. table: scl_window.
 *
 * A register tile of channels x vectors of pixels: each group loads its pixels once, and meets them with all its weights. What is
 * done is what a dense kernel does, but for the groups that are not there.
 *
 * Before including: a simd header.
 */
#include "conv_window.h"

/* The channels [from, from + rows) of every block. width, rows, vectors and masked are constants where this is inlined. */
INLINE void group_out_tile(int width, int from, int rows, int vectors, int masked, const conv_tile *t)
{
    const scl_args_conv *a = t->a;
    int64_t mg = a->m / a->group, units = (mg + width - 1) / width;
    const uint32_t *ptr = (const uint32_t *)a->ptr + t->g * units;
    const int32_t *idx = a->idx;
    const float *src = t->src;
    for (int64_t u = t->begin; u < t->end; u++) {
        const float *w = (const float *)a->w + (int64_t)ptr[u] * width + from;
        vf sum[8][8];
#pragma GCC unroll 8
        for (int r = 0; r < rows; r++)
#pragma GCC unroll 8
            for (int v = 0; v < vectors; v++)
                sum[r][v] = vf_zero();
        for (uint32_t i = ptr[u]; i < ptr[u + 1]; i++, w += width) {
            const float *x = src + idx[i];
            vf pixels[8];
#pragma GCC unroll 8
            for (int v = 0; v < vectors; v++)
                pixels[v] = masked && v == vectors - 1 ? vf_loadn(x + v * VL, t->tail) : vf_load(x + v * VL);
#pragma GCC unroll 8
            for (int r = 0; r < rows; r++) {
                vf wv = vf_set1(w[r]);
#pragma GCC unroll 8
                for (int v = 0; v < vectors; v++)
                    sum[r][v] = vf_fma(wv, pixels[v], sum[r][v]);
            }
        }
#pragma GCC unroll 8
        for (int r = 0; r < rows; r++)
            if (u * width + from + r < mg)
                end_channel(t, vectors, u * width + from + r, sum[r]);
    }
}

#define TILE(W, R, V) \
    if (t->vectors == V) { \
        for (int from = 0; from < W; from += R) \
            t->masked && t->tail < VL ? group_out_tile(W, from, R, V, 1, t) : group_out_tile(W, from, R, V, 0, t); \
        return; \
    }

static void group_out_windows(const scl_args_conv *a, conv_tile_run *run, int most, int width, int tid, int nt)
{
    conv_windows(a, run, most, a->ptr, (a->m / a->group + width - 1) / width, tid, nt);
}
