/* Convolution with groups of `width` neighbouring weights of an output channel: see docs/kernels.md.
 *
 * A unit is a block of UNIT output channels or less. ptr (uint32): the group at which each unit starts, [group*units + 1]; the entry at
 * which it starts, [group*units + 1]; and the entries (k, count): `count` channels of the unit keep the weights k ... k + width - 1. Groups
 * follow each other in the order of entries: w[i][width], and idx[i] (uint16), the channel in the unit. table: scl_window, and behind its
 * lists the offsets of all weights in the window.
 *
 * The pixels that a group of weights meets are loaded into registers once, and every channel that keeps the group adds its product to
 * sums in the first cache. Entries are sorted by count, so that the end of the loop over channels can be foreseen.
 *
 * Before including: a simd header; UNIT, channels whose sums for a tile fit the first cache.
 */
#include "conv_window.h"

/* The products of weights [from, from + some) of each group. width, from, some, vectors and mode are constants where this is
 * inlined. */
INLINE void group_in_entry(int width, int from, int some, int vectors, int mode, const conv_tile *t, const int32_t *offsets,
                           const uint16_t *channels, int64_t count, const float *w, float *sums)
{
    vf pixels[8][8];
#pragma GCC unroll 8
    for (int k = 0; k < some; k++)
#pragma GCC unroll 8
        for (int v = 0; v < vectors; v++)
            pixels[k][v] = tile_load(t, mode, tile_source(t, mode) + offsets[from + k], v);
    w += from;
    for (int64_t i = 0; i < count; i++, w += width) {
        float *to = sums + channels[i] * (vectors * VL);
        vf sum[8];
#pragma GCC unroll 8
        for (int v = 0; v < vectors; v++)
            sum[v] = vf_load(to + v * VL);
#pragma GCC unroll 8
        for (int k = 0; k < some; k++) {
            vf wv = vf_set1(w[k]);
#pragma GCC unroll 8
            for (int v = 0; v < vectors; v++)
                sum[v] = vf_fma(wv, pixels[k][v], sum[v]);
        }
#pragma GCC unroll 8
        for (int v = 0; v < vectors; v++)
            vf_store(to + v * VL, sum[v]);
    }
}

INLINE void group_in_tile(int width, int some, int vectors, const conv_tile *t)
{
    const scl_args_conv *a = t->a;
    const scl_window *win = a->table;
    const int32_t *offsets = win->lists + win->starts + win->phases;
    int64_t mg = t->mg, units = (mg + UNIT - 1) / UNIT;
    const uint32_t *groups = (const uint32_t *)a->ptr + t->g * units, *first = groups + a->group * units + 1;
    const uint32_t *entries = (const uint32_t *)a->ptr + 2 * (a->group * units + 1);
    _Alignas(64) float sums[UNIT * 8 * VL];     /* no vector in two cache lines */
    for (int64_t u = t->begin; u < t->end; u++) {
        int64_t channels = mg - u * UNIT < UNIT ? mg - u * UNIT : UNIT;
        const float *w = (const float *)a->w + (int64_t)groups[u] * width;
        const uint16_t *idx = (const uint16_t *)a->idx + groups[u];
        for (int64_t i = 0; i < channels * vectors; i++)
            vf_store(sums + i * VL, vf_zero());
        for (uint32_t e = first[u]; e < first[u + 1]; e++) {
            int64_t k = entries[2 * e], count = entries[2 * e + 1];
#pragma GCC unroll 4
            for (int from = 0; from < width; from += some)
                switch (t->mode) {
                case IN_A_ROW: group_in_entry(width, from, some, vectors, IN_A_ROW, t, offsets + k, idx, count, w, sums); break;
                case ANYWHERE: group_in_entry(width, from, some, vectors, ANYWHERE, t, offsets + k, idx, count, w, sums); break;
                default: group_in_entry(width, from, some, vectors, MASKED, t, offsets + k, idx, count, w, sums);
                }
            w += count * width;
            idx += count;
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

#define TILE(W, S, V) \
    if (t->vectors == V) { \
        group_in_tile(W, S, V, t); \
        return; \
    }

static void group_in_windows(const scl_args_conv *a, conv_tile_run *run, int most, int tid, int nt)
{
    conv_windows(a, run, most, a->ptr, (a->m / a->group + UNIT - 1) / UNIT, tid, nt);
}
