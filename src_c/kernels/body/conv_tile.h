/* The register tile of a convolution by matrix product, with its epilogue.
 *
 * Before including: a simd header, TILE_M and TILE_V.
 */
#ifndef CONV_TILE_H
#define CONV_TILE_H

#include "gemm_tile.h"

enum { AHEAD = 1024 };              /* floats by which weights are fetched in advance */

/* One register tile: y[i][p] = act(sum_k a[k][i]*b[k][p] + bias[i] + add[i][p]), i < mr, p < nv*VL - VL + tail. */
typedef struct {
    const float *a, *b, *bias, *slope, *add;
    float *y;
    int64_t k, ldy, ldadd, tail, act;
    float p0, p1;
} conv_tile;

/* plain: nothing is added, the activation is a ReLU with slope p0, and all lanes of the last vector count. */
static inline __attribute__((always_inline)) void conv_tile_run(int mr, int nv, int plain, const conv_tile *t)
{
    vf acc[TILE_M][TILE_V];
    gemm_tile(mr, nv, t->k, t->a, mr, 1, t->b, nv * VL, AHEAD, 0, acc);
    vf p0 = vf_set1(t->p0), p1 = vf_set1(t->p1);
#pragma GCC unroll 8
    for (int i = 0; i < mr; i++) {
        vf bias = t->bias ? vf_set1(t->bias[i]) : vf_zero();
        vf slope = !plain && t->slope ? vf_set1(t->slope[i]) : p0;
        float *y = t->y + i * t->ldy;
        const float *add = plain || !t->add ? NULL : t->add + i * t->ldadd;
#pragma GCC unroll 8
        for (int j = 0; j < nv; j++) {
            vf v = vf_add(acc[i][j], bias);
            int64_t lanes = j == nv - 1 && !plain ? t->tail : VL;
            if (add)
                v = vf_add(v, lanes == VL ? vf_load(add + j * VL) : vf_loadn(add + j * VL, lanes));
            v = vf_activate(v, plain ? SCL_ACT_RELU : t->act, slope, p1);
            if (lanes == VL)
                vf_store(y + j * VL, v);
            else
                vf_storen(y + j * VL, lanes, v);
        }
    }
}

#define TILE_DEFINE(mr, nv) \
    static void conv_tile_##mr##x##nv(const conv_tile *t) { conv_tile_run(mr, nv, 0, t); } \
    static void conv_plain_##mr##x##nv(const conv_tile *t) { conv_tile_run(mr, nv, 1, t); }
TILE_EACH(TILE_DEFINE)
#define TILE_NAME(mr, nv) {conv_tile_##mr##x##nv, conv_plain_##mr##x##nv},
static void (*const conv_tiles[TILE_M * TILE_V][2])(const conv_tile *) = {TILE_EACH(TILE_NAME)};

/* The parts of a tile that are the same for a whole convolution. A ReLU with slope 1 is none at all. */
static conv_tile conv_tile_of(const scl_args_conv *a, int64_t k)
{
    int none = a->act == SCL_ACT_NONE;
    return (conv_tile){.k = k, .act = none ? SCL_ACT_RELU : a->act, .p0 = none ? 1.0f : a->p0, .p1 = a->p1};
}

/* Runs the tile of mr channels from channel m on; t->tail lanes of its last vector count, of nv. */
static void conv_tile_any(const scl_args_conv *a, int64_t mr, int64_t m, int64_t nv, conv_tile *t)
{
    t->bias = a->bias ? (const float *)a->bias + m : NULL;
    t->slope = a->act == SCL_ACT_PRELU ? (const float *)a->slope + m : NULL;
    conv_tiles[(mr - 1) * TILE_V + nv - 1][!t->add && t->act == SCL_ACT_RELU && t->tail == VL](t);
}

#endif
