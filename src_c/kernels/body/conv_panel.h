/* Panels of a convolution's input: the matrix whose row k = (channel, ky, kx) holds, for each output pixel, the input
 * that this weight meets (zero in the padding). Only a block of pixels is ever made, in scratch memory.
 *
 * Pixels are numbered through the batch: p = (image*oh + oy)*ow + ox.
 */
#ifndef CONV_PANEL_H
#define CONV_PANEL_H

#include "gemm_tile.h"

enum { BLOCK_V = 24 };              /* at most so many vectors of pixels in a block */
enum { BLOCK_C = 16 };              /* channels that are packed while their lines stay in the first cache */

/* Lanes [lo, hi) of a vector: pixels of one output row, the first one meeting input (iy, ix) at ky = kx = 0. */
typedef struct {
    const float *image;             /* channel 0 of the group */
    int64_t iy, ix;
    int lo, hi;
} panel_run;

/* One vector of pixels: its runs, and where its row 0 goes. */
typedef struct {
    float *to;
    int64_t ld;
    int first, last;                /* runs[first..last) */
} panel_vector;

/* x, c (of one group), h, w, oh, ow, kernel and steps of the convolution whose input is packed. */
typedef struct {
    const float *x;
    int64_t n, c, h, w, oh, ow, kh, kw, sh, sw, ph, pw, dh, dw, stride;
} panel_shape;

/* Lanes [lo, hi) of a row of the panel, for cs channels: from[c*plane + lane*step] to row[c*ld + lane]. Other lanes become zero, or stay as
 * they are when `more`. */
static inline __attribute__((always_inline)) void panel_part(float *row, int64_t ld, const float *from, int64_t plane, int64_t cs,
                                                             int step, int lo, int hi, int more)
{
    for (int64_t c = 0; c < cs; c++) {
        vf v = step == 1 ? vf_load_range(from + c * plane, lo, hi) : vf_load_step(from + c * plane, step, lo, hi);
        vf_store(row + c * ld, more ? vf_or(v, vf_load(row + c * ld)) : v);
    }
}

static void panel_part_any(float *row, int64_t ld, const float *from, int64_t plane, int64_t cs, int64_t step, int lo, int hi, int more)
{
    switch (step) {
    case 1: panel_part(row, ld, from, plane, cs, 1, lo, hi, more); return;
    case 2: panel_part(row, ld, from, plane, cs, 2, lo, hi, more); return;
    case 3: panel_part(row, ld, from, plane, cs, 3, lo, hi, more); return;
    case 4: panel_part(row, ld, from, plane, cs, 4, lo, hi, more); return;
    }
    for (int64_t c = 0; c < cs; c++) {
        if (!more)
            vf_store(row + c * ld, vf_zero());
        for (int i = lo; i < hi; i++)
            row[c * ld + i] = from[c * plane + i * step];
    }
}

/* Runs of the `lanes` pixels from p on; returns how many. */
static int panel_runs(const panel_shape *s, const float *x, int64_t p, int64_t lanes, panel_run *runs)
{
    int count = 0;
    int64_t row = scl_div(p, s->ow), image = scl_div(row, s->oh), ox = p - row * s->ow, oy = row - image * s->oh;
    for (int64_t lane = 0; lane < lanes;) {
        int64_t hi = lane + s->ow - ox < lanes ? lane + s->ow - ox : lanes;
        runs[count++] = (panel_run){x + image * s->stride, oy * s->sh - s->ph, ox * s->sw - s->pw, (int)lane, (int)hi};
        lane = hi;
        ox = 0;
        if (++oy == s->oh) {
            oy = 0;
            image++;
        }
    }
    return count;
}

/* Packs all rows k of the pixels [p0, p1) of one group (x points to its first channel) into `to`: panels of at most TILE_V vectors
 * one after another, as even_begin says; within a panel, row after row. The last lanes of the last vector are zero. */
static void panel_pack(const panel_shape *s, const float *x, int64_t p0, int64_t p1, float *to)
{
    panel_run runs[BLOCK_V * VL];
    panel_vector vectors[BLOCK_V];
    int64_t kk = s->kh * s->kw, nv = even_count(p1 - p0, VL), panels = even_count(nv, TILE_V);
    int count = 0;
    for (int64_t panel = 0; panel < panels; panel++) {
        int64_t begin = even_begin(nv, panels, panel), end = even_begin(nv, panels, panel + 1);
        for (int64_t v = begin; v < end; v++) {
            int64_t p = p0 + v * VL, left = p1 - p < VL ? p1 - p : VL;
            int more = panel_runs(s, x, p, left, runs + count);
            vectors[v] = (panel_vector){to + begin * VL * s->c * kk + (v - begin) * VL, (end - begin) * VL, count, count + more};
            count += more;
        }
    }
    int64_t plane = s->h * s->w;
    for (int64_t c0 = 0; c0 < s->c; c0 += BLOCK_C) {
        int64_t cs = s->c - c0 < BLOCK_C ? s->c - c0 : BLOCK_C;
        for (int64_t k = 0; k < kk; k++) {
            int64_t ky = scl_div(k, s->kw) * s->dh, kx = scl_mod(k, s->kw) * s->dw;
            for (int64_t v = 0; v < nv; v++) {
                int64_t ld = vectors[v].ld * kk;
                float *row = vectors[v].to + c0 * ld + k * vectors[v].ld;
                int parts = 0;
                for (int r = vectors[v].first; r < vectors[v].last; r++) {
                    const panel_run *run = &runs[r];
                    int64_t iy = run->iy + ky, ix = run->ix + kx;
                    int lo = run->lo, hi = run->hi;
                    if (iy < 0 || iy >= s->h || ix >= s->w)
                        continue;
                    if (ix < 0)
                        lo += (int)scl_div(-ix + s->sw - 1, s->sw);
                    if (ix + (hi - run->lo - 1) * s->sw >= s->w)
                        hi = run->lo + (int)scl_div(s->w - ix + s->sw - 1, s->sw);
                    if (lo >= hi)
                        continue;
                    const float *from = run->image + c0 * plane + iy * s->w + ix - run->lo * s->sw;
                    if (s->sw == 1 && lo == 0 && hi == VL)
                        for (int64_t c = 0; c < cs; c++)
                            vf_store(row + c * ld, vf_load(from + c * plane));
                    else if (s->sw == 2 && lo == 0 && hi == VL && ix + 2 * VL <= s->w)
                        for (int64_t c = 0; c < cs; c++)
                            vf_store(row + c * ld, vf_even(vf_load(from + c * plane), vf_load(from + c * plane + VL)));
                    else
                        panel_part_any(row, ld, from, plane, cs, s->sw, lo, hi, parts);
                    parts++;
                }
                if (!parts)
                    for (int64_t c = 0; c < cs; c++)
                        vf_store(row + c * ld, vf_zero());
            }
        }
    }
}

#endif
