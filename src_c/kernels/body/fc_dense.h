/* Fully connected, dense: see docs/kernels.md.
 *
 * w: panels of TILE_N outputs, each [k][output]; the last panel is as wide as is needed, rounded up to a multiple of WIDTH, which is
 * the lesser of TILE_N and 16; outputs that are not there have weight 0. No scratch.
 *
 * Before including: a simd header, TILE_M, TILE_V and FC_DENSE (the symbol).
 */
#include "gemm_tile.h"
#include "scl_kernels.h"

#define WIDTH (TILE_N < 16 ? TILE_N : 16)

enum { AHEAD = 1024 };              /* floats by which a batch fetches its weights in advance */

/* Partial sums of a batch of one: enough accumulators to hide the latency of an FMA. */
#define UNROLL(nv) (12 / (nv))

/* y[i][j] for `mr` rows of x and the outputs of one panel, of which `outputs` exist and `nv` vectors are stored. */
typedef struct {
    const float *x, *w, *bias, *slope;
    float *y;
    int64_t k, ldx, ldy, ldw, outputs, act;
    float p0, p1;
} fc_tile;

static inline __attribute__((always_inline)) void fc_tile_end(const fc_tile *t, int j, vf v, float *y)
{
    int64_t lanes = t->outputs - j * VL;
    lanes = lanes < VL ? lanes : VL;
    if (lanes <= 0)
        return;
    if (t->bias)
        v = vf_add(v, vf_loadn(t->bias + j * VL, lanes));
    v = vf_activate(v, t->act, t->slope ? vf_loadn(t->slope + j * VL, lanes) : vf_set1(t->p0), vf_set1(t->p1));
    vf_storen(y + j * VL, lanes, v);
}

static inline __attribute__((always_inline)) void fc_tile_run(int mr, int nv, const fc_tile *t)
{
    vf acc[TILE_M][TILE_V];
    gemm_tile(mr, nv, t->k, t->x, 1, t->ldx, t->w, t->ldw, 0, AHEAD, acc);
#pragma GCC unroll 8
    for (int i = 0; i < mr; i++)
#pragma GCC unroll 8
        for (int j = 0; j < nv; j++)
            fc_tile_end(t, j, acc[i][j], t->y + i * t->ldy);
}

/* One row of x: the weights stream by once, row after row. To prefetch them by hand only costs time. */
static inline __attribute__((always_inline)) void fc_row_run(int nv, const fc_tile *t)
{
    vf acc[UNROLL(1)][TILE_V];
    const float *w = t->w, *x = t->x;
    int64_t k = t->k;
#pragma GCC unroll 12
    for (int u = 0; u < UNROLL(nv); u++)
#pragma GCC unroll 8
        for (int j = 0; j < nv; j++)
            acc[u][j] = vf_zero();
    for (; k >= UNROLL(nv); k -= UNROLL(nv), x += UNROLL(nv)) {
#pragma GCC unroll 12
        for (int u = 0; u < UNROLL(nv); u++, w += t->ldw)
#pragma GCC unroll 8
            for (int j = 0; j < nv; j++)
                acc[u][j] = vf_fma(vf_set1(x[u]), vf_load(w + j * VL), acc[u][j]);
    }
    for (; k > 0; k--, x++, w += t->ldw)
#pragma GCC unroll 8
        for (int j = 0; j < nv; j++)
            acc[0][j] = vf_fma(vf_set1(x[0]), vf_load(w + j * VL), acc[0][j]);
#pragma GCC unroll 8
    for (int j = 0; j < nv; j++) {
#pragma GCC unroll 12
        for (int u = 1; u < UNROLL(nv); u++)
            acc[0][j] = vf_add(acc[0][j], acc[u][j]);
        fc_tile_end(t, j, acc[0][j], t->y);
    }
}

#define TILE_DEFINE(mr, nv) \
    static void fc_tile_##mr##x##nv(const fc_tile *t) { mr == 1 ? fc_row_run(nv, t) : fc_tile_run(mr, nv, t); }
TILE_EACH(TILE_DEFINE)
#define TILE_NAME(mr, nv) fc_tile_##mr##x##nv,
static void (*const fc_tiles[TILE_M * TILE_V])(const fc_tile *) = {TILE_EACH(TILE_NAME)};

void FC_DENSE(const void *args, int tid, int nt)
{
    const scl_args_fc *a = args;
    int64_t panels = even_count(a->m, TILE_N), tiles = even_count(a->n, TILE_M), m0, m1, n0, n1;
    grid_part(tiles, panels, 2, 0, tid, nt, &m0, &m1, &n0, &n1);      /* a panel comes from memory in the time that some two tiles take */
    fc_tile t = {.k = a->k, .ldx = a->k, .ldy = a->m, .act = a->act, .p0 = a->p0, .p1 = a->p1};
    for (int64_t panel = n0; panel < n1; panel++) {
        int64_t m = panel * TILE_N;
        t.outputs = a->m - m < TILE_N ? a->m - m : TILE_N;
        t.ldw = even_count(t.outputs, WIDTH) * WIDTH;
        t.w = (const float *)a->w + m * a->k;
        t.bias = a->bias ? (const float *)a->bias + m : NULL;
        t.slope = a->act == SCL_ACT_PRELU ? (const float *)a->slope + m : NULL;
        for (int64_t tile = m0; tile < m1; tile++) {
            int64_t row = even_begin(a->n, tiles, tile), rows = even_begin(a->n, tiles, tile + 1) - row;
            t.x = a->x + row * a->k;
            t.y = a->y + row * a->m + m;
            fc_tiles[(rows - 1) * TILE_V + even_count(t.outputs, VL) - 1](&t);
        }
    }
}
