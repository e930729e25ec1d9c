/* Convolution, unstructured zeros: see docs/kernels.md.
 *
 * A unit is a block of UNIT output channels or less. ptr (uint32): the weight at which each unit starts, [group*units + 1]; the segment at
 * which it starts, [group*units + 1]; and the segments, count*65536 + channel in the unit: a segment is the weights that one channel keeps
 * in one block of k. Weights follow each other in the order of segments: w[i], and idx[i] (int32), its offset in the window. Segments of
 * one block of k follow each other, the longest first, so that the end of a segment can be foreseen. table: scl_window.
 *
 * Every product loads its pixels: what bounds it is the first cache, so a block of k is small enough for its pixels to stay there, and the
 * window is laid out so that no load crosses a cache line, where that does not cost too much.
 *
 * Before including: a simd header; UNIT, channels whose sums for a tile fit the first cache beside the pixels.
 */
#include "conv_window.h"

/* vectors and mode are constants where this is inlined. */
INLINE void csr_tile(int vectors, int mode, const conv_tile *t)
{
    const scl_args_conv *a = t->a;
    int64_t mg = t->mg, units = (mg + UNIT - 1) / UNIT;
    const uint32_t *start = (const uint32_t *)a->ptr + t->g * units, *first = start + a->group * units + 1;
    const uint32_t *segments = (const uint32_t *)a->ptr + 2 * (a->group * units + 1);
    const float *src = tile_source(t, mode);
    _Alignas(64) float sums[UNIT * 8 * VL];     /* no vector in two cache lines */
    for (int64_t u = t->begin; u < t->end; u++) {
        int64_t channels = mg - u * UNIT < UNIT ? mg - u * UNIT : UNIT;
        const float *w = (const float *)a->w + start[u];
        const int32_t *idx = (const int32_t *)a->idx + start[u];
        for (int64_t i = 0; i < channels * vectors; i++)
            vf_store(sums + i * VL, vf_zero());
        for (uint32_t s = first[u]; s < first[u + 1]; s++) {
            float *to = sums + (segments[s] & 0xffff) * (vectors * VL);
            vf sum[8];
#pragma GCC unroll 8
            for (int v = 0; v < vectors; v++)
                sum[v] = vf_load(to + v * VL);
            for (const float *end = w + (segments[s] >> 16); w < end; w++, idx++) {
                const float *x = src + *idx;
                vf wv = vf_set1(*w);
#pragma GCC unroll 8
                for (int v = 0; v < vectors; v++)
                    sum[v] = vf_fma(wv, tile_load(t, mode, x, v), sum[v]);
            }
#pragma GCC unroll 8
            for (int v = 0; v < vectors; v++)
                vf_store(to + v * VL, sum[v]);
        }
        for (int64_t m = 0; m < channels; m++) {
            vf sum[8];
#pragma GCC unroll 8
            for (int v = 0; v < vectors; v++)
                sum[v] = vf_load(sums + (m * vectors + v) * VL);
            end_channel(t, vectors, u * UNIT + m, sum);
        }
    }
}

#define TILE(V) \
    if (t->vectors == V) { \
        switch (t->mode) { \
        case IN_A_ROW: csr_tile(V, IN_A_ROW, t); break; \
        case ANYWHERE: csr_tile(V, ANYWHERE, t); break; \
        default: csr_tile(V, MASKED, t); \
        } \
        return; \
    }

static void tile(const conv_tile *t) { TILE(8) TILE(7) TILE(6) TILE(5) TILE(4) TILE(3) TILE(2) TILE(1) }

static void csr_windows(const scl_args_conv *a, int tid, int nt)
{
    conv_windows(a, tile, 8, a->ptr, (a->m / a->group + UNIT - 1) / UNIT, tid, nt);
}
