/* Convolution with groups of `width` neighbouring output channels: see docs/kernels.md.
 *
 * A unit is a block of `width` channels. ptr (uint32): the group at which each unit starts, [group*units + 1], then the number of its
 * block in the convolution group, [group*units]: blocks with most groups come first, so that the end of one can be foreseen. w[i][width];
 * idx[i] (int32), the offset of weight k in the window, and AHEAD more elements (any offsets). table: scl_window.
 *
 * A register tile of channels x vectors of pixels: each group loads its pixels once, and meets them with all its weights. What is
 * done is what a dense kernel does, but for the groups that are not there.
 *
 * Before including: a simd header.
 */
#include "conv_window.h"

enum { AHEAD = 12 };                /* groups by which pixels are fetched in advance: they lie where no stream leads to */

/* The channels [from, from + rows) of every block. width, rows, vectors and mode are constants where this is inlined. */
INLINE void group_out_tile(int width, int from, int rows, int vectors, int mode, const conv_tile *t)
{
    const scl_args_conv *a = t->a;
    int64_t mg = t->mg, units = (mg + width - 1) / width;
    const uint32_t *ptr = (const uint32_t *)a->ptr + t->g * units, *blocks = ptr + a->group * units + 1;
    const int32_t *idx = a->idx;
    const float *src = tile_source(t, mode);
    for (int64_t u = t->begin; u < t->end; u++) {
        const float *w = (const float *)a->w + (int64_t)ptr[u] * width + from;
        vf sum[8][8];
#pragma GCC unroll 8
        for (int r = 0; r < rows; r++)
#pragma GCC unroll 8
            for (int v = 0; v < vectors; v++)
                sum[r][v] = vf_zero();
        for (uint32_t i = ptr[u]; i < ptr[u + 1]; i++, w += width) {
            const float *x = src + idx[i], *ahead = src + idx[i + AHEAD];
            vf pixels[8];
#pragma GCC unroll 8
            for (int v = 0; v < vectors; v++) {
                if (mode == ANYWHERE)
                    __builtin_prefetch(ahead + t->from[v]);
                else if (mode == IN_A_ROW && v * VL % 16 == 0)
                    __builtin_prefetch(ahead + v * VL);
                pixels[v] = tile_load(t, mode, x, v);
            }
            if (mode == IN_A_ROW)
                __builtin_prefetch(ahead + vectors * VL - 1);
#pragma GCC unroll 8
            for (int r = 0; r < rows; r++) {
                vf wv = vf_set1(w[r]);
#pragma GCC unroll 8
                for (int v = 0; v < vectors; v++)
                    sum[r][v] = vf_fma(wv, pixels[v], sum[r][v]);
            }
        }
        int64_t m = (int64_t)blocks[u] * width + from;
#pragma GCC unroll 8
        for (int r = 0; r < rows; r++)
            if (m + r < mg)
                end_channel(t, vectors, m + r, sum[r]);
    }
}

#define TILE(W, R, V) \
    if (t->vectors == V) { \
        for (int from = 0; from < W; from += R) \
            switch (t->mode) { \
            case IN_A_ROW: group_out_tile(W, from, R, V, IN_A_ROW, t); break; \
            case ANYWHERE: group_out_tile(W, from, R, V, ANYWHERE, t); break; \
            default: group_out_tile(W, from, R, V, MASKED, t); \
            } \
        return; \
    }

static void group_out_windows(const scl_args_conv *a, conv_tile_run *run, int most, int width, int tid, int nt)
{
    conv_windows(a, run, most, a->ptr, (a->m / a->group + width - 1) / width, tid, nt);
}
