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

/* A batch of one reads the weights of some panels at once, since memory gives several streams faster than one, and fetches each so
 * many floats in advance. Two partial sums for each output, and the sums of all panels hide the latency of an FMA. */
enum { PANELS = VL == 16 ? 4 : 3, ROW_AHEAD = 64, SUMS = 2 };

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

/* One row of x and `np` panels, one behind the other, all but a single one TILE_N wide. */
static inline __attribute__((always_inline)) void fc_row_run(int np, int nv, const fc_tile *t)
{
    vf acc[PANELS][SUMS][TILE_V];
    const float *w = t->w, *x = t->x;
    const int64_t panel = t->k * TILE_N;
    int64_t k = t->k;
#pragma GCC unroll 4
    for (int p = 0; p < np; p++)
#pragma GCC unroll 8
        for (int u = 0; u < SUMS * nv; u++)
            acc[p][u / nv][u % nv] = vf_zero();
    for (; k >= SUMS; k -= SUMS, x += SUMS)
#pragma GCC unroll 2
        for (int u = 0; u < SUMS; u++, w += t->ldw) {
            const vf input = vf_set1(x[u]);
#pragma GCC unroll 4
            for (int p = 0; p < np; p++)
#pragma GCC unroll 8
                for (int j = 0; j < nv; j++) {
                    if (j * VL % 16 == 0)
                        __builtin_prefetch(w + p * panel + j * VL + ROW_AHEAD);
                    acc[p][u][j] = vf_fma(input, vf_load(w + p * panel + j * VL), acc[p][u][j]);
                }
        }
    if (k)
#pragma GCC unroll 4
        for (int p = 0; p < np; p++)
#pragma GCC unroll 8
            for (int j = 0; j < nv; j++)
                acc[p][0][j] = vf_fma(vf_set1(x[0]), vf_load(w + p * panel + j * VL), acc[p][0][j]);
#pragma GCC unroll 4
    for (int p = 0; p < np; p++) {
        fc_tile end = *t;
        end.bias = t->bias ? t->bias + p * TILE_N : NULL;
        end.slope = t->slope ? t->slope + p * TILE_N : NULL;
#pragma GCC unroll 8
        for (int j = 0; j < nv; j++)
            fc_tile_end(&end, j, vf_add(acc[p][0][j], acc[p][1][j]), t->y + p * TILE_N);
    }
}

static void fc_row_of_panels(const fc_tile *t) { fc_row_run(PANELS, TILE_V, t); }

#define TILE_DEFINE(mr, nv) \
    static void fc_tile_##mr##x##nv(const fc_tile *t) { mr == 1 ? fc_row_run(1, nv, t) : fc_tile_run(mr, nv, t); }
TILE_EACH(TILE_DEFINE)
#define TILE_NAME(mr, nv) fc_tile_##mr##x##nv,
static void (*const fc_tiles[TILE_M * TILE_V])(const fc_tile *) = {TILE_EACH(TILE_NAME)};

/* The panel that begins with output m, and the first row of x. */
static fc_tile fc_panel(const scl_args_fc *a, int64_t m)
{
    fc_tile t = {.x = a->x, .y = a->y + m, .k = a->k, .ldx = a->k, .ldy = a->m, .act = a->act, .p0 = a->p0, .p1 = a->p1};
    t.outputs = a->m - m < TILE_N ? a->m - m : TILE_N;
    t.ldw = even_count(t.outputs, WIDTH) * WIDTH;
    t.w = (const float *)a->w + m * a->k;
    t.bias = a->bias ? (const float *)a->bias + m : NULL;
    t.slope = a->act == SCL_ACT_PRELU ? (const float *)a->slope + m : NULL;
    return t;
}

void FC_DENSE(const void *args, int tid, int nt)
{
    const scl_args_fc *a = args;
    int64_t panels = even_count(a->m, TILE_N), tiles = even_count(a->n, TILE_M), m0, m1, n0, n1;
    grid_part(tiles, panels, 2, 0, tid, nt, &m0, &m1, &n0, &n1);      /* a panel comes from memory in the time that some two tiles take */
    for (int64_t panel = n0; panel < n1; panel++) {
        fc_tile t = fc_panel(a, panel * TILE_N);
        if (a->n == 1 && m0 < m1 && panel + PANELS <= n1 && (panel + PANELS) * TILE_N <= a->m) {
            fc_row_of_panels(&t);
            panel += PANELS - 1;
            continue;
        }
        for (int64_t tile = m0; tile < m1; tile++) {
            int64_t row = even_begin(a->n, tiles, tile), rows = even_begin(a->n, tiles, tile + 1) - row;
            t.x = a->x + row * a->k;
            t.y = a->y + row * a->m + panel * TILE_N;
            fc_tiles[(rows - 1) * TILE_V + even_count(t.outputs, VL) - 1](&t);
        }
    }
}
