/* Convolution as a matrix product whose right side is made on the fly: see docs/kernels.md.
 *
 * w: for each group, panels of at most TILE_M output channels, as even_begin says; within a panel [k][channel], k = (channel, ky, kx).
 * scratch: room for the panels of at least one register tile of pixels, (c/group)*kh*kw*TILE_N floats; with more room, blocks of
 * pixels get larger, so that the weights are read less often.
 *
 * Before including: a simd header, TILE_M, TILE_V and CONV_GEMM (the symbol).
 */
#include "conv_panel.h"
#include "conv_tile.h"
#include "scl_kernels.h"

/* A 1x1 kernel that meets every pixel once sees an image as one long row. */
static panel_shape panel_shape_of(const scl_args_conv *a)
{
    panel_shape s = {a->x, a->n, a->c / a->group, a->h, a->wd, a->oh, a->ow, a->kh, a->kw, a->sh, a->sw, a->ph, a->pw, a->dh,
                     a->dw, a->x_stride};
    if (s.kh == 1 && s.kw == 1 && s.sh == 1 && s.sw == 1 && s.ph == 0 && s.pw == 0) {
        s.w = s.ow = s.h * s.w;
        s.h = s.oh = 1;
    }
    return s;
}

/* Copies rows x pixels between a plain tile and y or add, whose images are `stride` apart and hold `plane` pixels a row. */
static void copy_pixels(float *tile, float *y, int64_t rows, int64_t p0, int64_t p1, int64_t plane, int64_t stride, int to_y)
{
    for (int64_t i = 0; i < rows; i++)
        for (int64_t p = p0; p < p1; p++) {
            float *at = y + p / plane * stride + i * plane + p % plane, *in = tile + i * TILE_N + p - p0;
            if (to_y)
                *at = *in;
            else
                *in = *at;
        }
}

/* The pixels [p0, p1) of `mr` channels from channel m on; the panel of these pixels is t->b. */
static void conv_tile_place(const scl_args_conv *a, int64_t mr, int64_t m, int64_t p0, int64_t p1, conv_tile *t)
{
    int64_t plane = a->oh * a->ow, image = p0 / plane, nv = even_count(p1 - p0, VL);
    t->tail = p1 - p0 - (nv - 1) * VL;
    if (p1 <= (image + 1) * plane) {
        t->y = a->y + image * a->y_stride + m * plane + p0 % plane;
        t->add = a->add ? a->add + image * a->add_stride + m * plane + p0 % plane : NULL;
        t->ldy = t->ldadd = plane;
        conv_tile_any(a, mr, m, nv, t);
        return;
    }
    float y[TILE_M * TILE_N], add[TILE_M * TILE_N];
    if (a->add)
        copy_pixels(add, a->add + m * plane, mr, p0, p1, plane, a->add_stride, 0);
    t->y = y;
    t->add = a->add ? add : NULL;
    t->ldy = t->ldadd = TILE_N;
    conv_tile_any(a, mr, m, nv, t);
    copy_pixels(y, a->y + m * plane, mr, p0, p1, plane, a->y_stride, 1);
}

void CONV_GEMM(const void *args, int tid, int nt)
{
    const scl_args_conv *a = args;
    panel_shape s = panel_shape_of(a);
    int64_t k = s.c * s.kh * s.kw, mg = a->m / a->group, pixels = a->n * a->oh * a->ow, m0, m1, v0, v1;
    int64_t tiles = even_count(mg, TILE_M), block = a->scratch_stride / (k * VL);
    block = block < TILE_V ? TILE_V : block > BLOCK_V ? BLOCK_V : block;
    grid_part(tiles, even_count(pixels, VL), 1, tid, nt, &m0, &m1, &v0, &v1);
    if (m0 == m1 || v0 == v1)
        return;
    float *panel = a->scratch + tid * a->scratch_stride;
    conv_tile t = {.k = k, .act = a->act, .p0 = a->p0, .p1 = a->p1};
    for (int64_t g = 0; g < a->group; g++) {
        int64_t blocks = even_count(v1 - v0, block);
        for (int64_t b = 0; b < blocks; b++) {
            int64_t bv0 = v0 + even_begin(v1 - v0, blocks, b), bv1 = v0 + even_begin(v1 - v0, blocks, b + 1);
            int64_t end = bv1 * VL < pixels ? bv1 * VL : pixels, panels = even_count(bv1 - bv0, TILE_V);
            panel_pack(&s, a->x + g * s.c * a->h * a->wd, bv0 * VL, end, panel);
            for (int64_t tile = m0; tile < m1; tile++) {
                int64_t row = even_begin(mg, tiles, tile), rows = even_begin(mg, tiles, tile + 1) - row;
                t.a = (const float *)a->w + (g * mg + row) * k;
                for (int64_t i = 0; i < panels; i++) {
                    int64_t pv0 = even_begin(bv1 - bv0, panels, i), pv1 = even_begin(bv1 - bv0, panels, i + 1);
                    t.b = panel + pv0 * VL * k;
                    conv_tile_place(a, rows, g * mg + row, (bv0 + pv0) * VL, (bv0 + pv1) * VL < end ? (bv0 + pv1) * VL : end, &t);
                }
            }
        }
    }
}
