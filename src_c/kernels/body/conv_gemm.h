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
            float *at = y + scl_div(p, plane) * stride + i * plane + scl_mod(p, plane), *in = tile + i * TILE_N + p - p0;
            if (to_y)
                *at = *in;
            else
                *in = *at;
        }
}

/* A panel of pixels [p0, p1) and the place of its outputs, the same for all channels. */
typedef struct {
    const float *b;
    int64_t p0, p1, vectors, tail, y, add;      /* y, add: in channel 0 */
    int split;                                  /* the pixels are not all of one image */
} panel_place;

static void panel_place_of(const scl_args_conv *a, const float *b, int64_t p0, int64_t p1, panel_place *to)
{
    int64_t plane = a->oh * a->ow, image = scl_div(p0, plane), at = p0 - image * plane, vectors = even_count(p1 - p0, VL);
    *to = (panel_place){b, p0, p1, vectors, p1 - p0 - (vectors - 1) * VL, image * a->y_stride + at, image * a->add_stride + at,
                        at + p1 - p0 > plane};
}

/* The pixels of a panel for `mr` channels from channel m on. */
static void conv_tile_place(const scl_args_conv *a, int64_t mr, int64_t m, const panel_place *p, conv_tile *t)
{
    int64_t plane = a->oh * a->ow;
    t->b = p->b;
    t->tail = p->tail;
    if (!p->split) {
        t->y = a->y + p->y + m * plane;
        t->add = a->add ? a->add + p->add + m * plane : NULL;
        t->ldy = t->ldadd = plane;
        conv_tile_any(a, mr, m, p->vectors, t);
        return;
    }
    float y[TILE_M * TILE_N], add[TILE_M * TILE_N];
    if (a->add)
        copy_pixels(add, a->add + m * plane, mr, p->p0, p->p1, plane, a->add_stride, 0);
    t->y = y;
    t->add = a->add ? add : NULL;
    t->ldy = t->ldadd = TILE_N;
    conv_tile_any(a, mr, m, p->vectors, t);
    copy_pixels(y, a->y + m * plane, mr, p->p0, p->p1, plane, a->y_stride, 1);
}

void CONV_GEMM(const void *args, int tid, int nt)
{
    const scl_args_conv *a = args;
    panel_shape s = panel_shape_of(a);
    int64_t k = s.c * s.kh * s.kw, mg = a->m / a->group, pixels = a->n * a->oh * a->ow, m0, m1, v0, v1;
    int64_t tiles = even_count(mg, TILE_M), block = a->scratch_stride / (k * VL);
    block = block < TILE_V ? TILE_V : block > BLOCK_V ? BLOCK_V : block;
    grid_part(tiles, even_count(pixels, VL), 1, 2, tid, nt, &m0, &m1, &v0, &v1);
    if (m0 == m1 || v0 == v1)
        return;
    float *panel = SCL_SCRATCH(a);
    conv_tile t = conv_tile_of(a, k);
    for (int64_t g = 0; g < a->group; g++) {
        int64_t blocks = even_count(v1 - v0, block);
        for (int64_t b = 0; b < blocks; b++) {
            int64_t bv0 = v0 + even_begin(v1 - v0, blocks, b), bv1 = v0 + even_begin(v1 - v0, blocks, b + 1);
            int64_t end = bv1 * VL < pixels ? bv1 * VL : pixels, panels = even_count(bv1 - bv0, TILE_V);
            panel_place places[BLOCK_V];
            for (int64_t i = 0; i < panels; i++) {
                int64_t pv0 = even_begin(bv1 - bv0, panels, i), pv1 = bv0 + even_begin(bv1 - bv0, panels, i + 1);
                panel_place_of(a, panel + pv0 * VL * k, (bv0 + pv0) * VL, pv1 * VL < end ? pv1 * VL : end, &places[i]);
            }
            panel_pack(&s, a->x + g * s.c * a->h * a->wd, bv0 * VL, end, panel);
            for (int64_t tile = m0; tile < m1; tile++) {
                int64_t row = even_begin(mg, tiles, tile), rows = even_begin(mg, tiles, tile + 1) - row;
                t.a = (const float *)a->w + (g * mg + row) * k;
                for (int64_t i = 0; i < panels; i++)
                    conv_tile_place(a, rows, g * mg + row, &places[i], &t);
            }
        }
    }
}
