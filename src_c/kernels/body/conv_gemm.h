/* Convolution as a matrix product whose right side is made on the fly: see docs/kernels.md.
 *
 * w: for each group, panels of at most TILE_M output channels, as even_begin says; within a panel [k][channel], k = (channel, ky, kx).
 * scratch: room for the panels of at least one register tile of pixels, (c/group)*kh*kw*TILE_N floats; with more room, blocks of
 * pixels get larger, so that the weights are read less often.
 *
 * Before including: a simd header, TILE_M, TILE_V and CONV_GEMM (the symbol).
 */
#include "conv_panel.h"
#include "scl_kernels.h"

/* One register tile: y[i][p] = act(sum_k a[k][i]*b[k][p] + bias[i] + add[i][p]), i < mr, p < nv*VL - VL + tail. */
typedef struct {
    const float *a, *b, *bias, *slope, *add;
    float *y;
    int64_t k, ldy, ldadd, tail, act;
    float p0, p1;
} conv_tile;

static inline __attribute__((always_inline)) void conv_tile_run(int mr, int nv, const conv_tile *t)
{
    vf acc[TILE_M][TILE_V];
#pragma GCC unroll 8
    for (int i = 0; i < mr; i++)
#pragma GCC unroll 8
        for (int j = 0; j < nv; j++)
            acc[i][j] = vf_zero();
    gemm_tile(mr, nv, t->k, t->a, mr, 1, t->b, nv * VL, 0, acc);
    vf p0 = vf_set1(t->p0), p1 = vf_set1(t->p1);
#pragma GCC unroll 8
    for (int i = 0; i < mr; i++) {
        vf bias = t->bias ? vf_set1(t->bias[i]) : vf_zero();
        vf slope = t->slope ? vf_set1(t->slope[i]) : p0;
        float *y = t->y + i * t->ldy;
        const float *add = t->add + i * t->ldadd;
#pragma GCC unroll 8
        for (int j = 0; j < nv; j++) {
            vf v = vf_add(acc[i][j], bias);
            int64_t lanes = j == nv - 1 ? t->tail : VL;
            if (t->add)
                v = vf_add(v, lanes == VL ? vf_load(add + j * VL) : vf_loadn(add + j * VL, lanes));
            v = vf_activate(v, t->act, slope, p1);
            if (lanes == VL)
                vf_store(y + j * VL, v);
            else
                vf_storen(y + j * VL, lanes, v);
        }
    }
}

#define TILE_DEFINE(mr, nv) \
    static void conv_tile_##mr##x##nv(const conv_tile *t) { conv_tile_run(mr, nv, t); }
TILE_EACH(TILE_DEFINE)
#define TILE_NAME(mr, nv) conv_tile_##mr##x##nv,
static void (*const conv_tiles[TILE_M * TILE_V])(const conv_tile *) = {TILE_EACH(TILE_NAME)};

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
    void (*run)(const conv_tile *) = conv_tiles[(mr - 1) * TILE_V + nv - 1];
    t->tail = p1 - p0 - (nv - 1) * VL;
    t->bias = a->bias ? (const float *)a->bias + m : NULL;
    t->slope = a->act == SCL_ACT_PRELU ? (const float *)a->slope + m : NULL;
    if (p1 <= (image + 1) * plane) {
        t->y = a->y + image * a->y_stride + m * plane + p0 % plane;
        t->add = a->add ? a->add + image * a->add_stride + m * plane + p0 % plane : NULL;
        t->ldy = t->ldadd = plane;
        run(t);
        return;
    }
    float y[TILE_M * TILE_N], add[TILE_M * TILE_N];
    if (a->add)
        copy_pixels(add, a->add + m * plane, mr, p0, p1, plane, a->add_stride, 0);
    t->y = y;
    t->add = a->add ? add : NULL;
    t->ldy = t->ldadd = TILE_N;
    run(t);
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
