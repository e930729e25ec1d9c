/* Convolution with a 1x1 kernel and no padding, lanes along output channels: for images of few pixels, of which vectors along pixels
 * would leave lanes idle. The input is read where it is: see docs/kernels.md.
 *
 * w: for each group, panels of TILE_N output channels, each [k][channel], k = input channel of the group; the last panel is as wide as
 * is needed, rounded up to a multiple of WIDTH, which is the lesser of TILE_N and 16; channels that are not there have weight 0.
 * scratch: none.
 *
 * Before including: a simd header, TILE_M, TILE_V and CONV_POINTWISE (the symbol).
 */
#include "gemm_tile.h"
#include "scl_kernels.h"

#define WIDTH (TILE_N < 16 ? TILE_N : 16)

enum {
    BLOCK = 48 * 1024,              /* floats of input that meet all weights before the next are read */
    AHEAD = 1024                    /* floats by which weights are fetched in advance */
};

/* `mr` neighbouring outputs of one row, of `outputs` channels from the first of a panel on. */
typedef struct {
    const float *x, *w, *bias, *slope, *add;
    float *y;
    int64_t k, plane, step, ldw, outputs, out_plane, act;
    float p0, p1;
} point_tile;

/* The first tile of a panel brings its weights along (`ahead`), for the others they are there. */
static inline __attribute__((always_inline)) void point_tile_run(int mr, int nv, int ahead, const point_tile *t)
{
    vf acc[TILE_M][TILE_V];
    gemm_tile(mr, nv, t->k, t->x, t->plane, t->step, t->w, t->ldw, 0, ahead, acc);
    vf p0 = vf_set1(t->p0), p1 = vf_set1(t->p1);
#pragma GCC unroll 8
    for (int j = 0; j < nv; j++) {
        vf r[VL];
        int64_t lanes = t->outputs - j * VL < VL ? t->outputs - j * VL : VL;
#pragma GCC unroll 16
        for (int i = 0; i < VL; i++)
            r[i] = i < mr ? acc[i][j] : vf_zero();
        vf_transpose(r);
        for (int64_t l = 0; l < lanes; l++) {
            int64_t m = j * VL + l;
            vf v = vf_add(r[l], t->bias ? vf_set1(t->bias[m]) : vf_zero());
            const int64_t at = m * t->out_plane;
            if (t->add)
                v = vf_add(v, vf_loadn(t->add + at, mr));
            vf_storen(t->y + at, mr, vf_activate(v, t->act, t->slope ? vf_set1(t->slope[m]) : p0, p1));
        }
    }
}

#define TILE_DEFINE(mr, nv) \
    static void point_tile_##mr##x##nv(const point_tile *t) { point_tile_run(mr, nv, 0, t); } \
    static void point_first_##mr##x##nv(const point_tile *t) { point_tile_run(mr, nv, AHEAD, t); }
TILE_EACH(TILE_DEFINE)
#define TILE_NAME(mr, nv) {point_tile_##mr##x##nv, point_first_##mr##x##nv},
static void (*const point_tiles[TILE_M * TILE_V][2])(const point_tile *) = {TILE_EACH(TILE_NAME)};

/* How outputs are numbered: rows of `width` outputs that lie next to each other, each cut into `tiles`; an image of stride 1 is one row. */
typedef struct {
    int64_t rows, width, tiles;
} point_rows;

/* Tile number i of all images, for the channels of one panel, from channel m of all on. */
static void point_tile_at(const scl_args_conv *a, const point_rows *r, int64_t i, int64_t channel, int64_t m, int first,
                          point_tile *t)
{
    int64_t all = scl_div(i, r->tiles), image = scl_div(all, r->rows), row = all - image * r->rows, part = i - all * r->tiles;
    int64_t begin = even_begin(r->width, r->tiles, part), mr = even_begin(r->width, r->tiles, part + 1) - begin;
    int64_t at = m * t->out_plane + row * r->width + begin;
    t->x = a->x + image * a->x_stride + channel * t->plane + row * a->sh * a->wd + begin * a->sw;
    t->y = a->y + image * a->y_stride + at;
    t->add = a->add ? a->add + image * a->add_stride + at : NULL;
    point_tiles[(mr - 1) * TILE_V + even_count(t->outputs, VL) - 1][first](t);
}

void CONV_POINTWISE(const void *args, int tid, int nt)
{
    const scl_args_conv *a = args;
    int64_t k = a->c / a->group, mg = a->m / a->group, panels = even_count(mg, TILE_N), m0, m1, i0, i1;
    point_rows r = {.rows = a->oh, .width = a->ow};
    if (a->sh == 1 && a->sw == 1)
        r = (point_rows){.rows = 1, .width = a->oh * a->ow};
    r.tiles = even_count(r.width, TILE_M);
    int64_t block = BLOCK / (k * TILE_M) > 0 ? BLOCK / (k * TILE_M) : 1;
    grid_part(panels, a->n * r.rows * r.tiles, 0, 2, tid, nt, &m0, &m1, &i0, &i1);
    if (m0 == m1 || i0 == i1)
        return;
    point_tile t = {.k = k, .plane = a->h * a->wd, .step = a->sw, .out_plane = a->oh * a->ow, .act = a->act, .p0 = a->p0, .p1 = a->p1};
    int64_t blocks = even_count(i1 - i0, block), padded = even_count(mg, WIDTH) * WIDTH;
    for (int64_t g = 0; g < a->group; g++)
        for (int64_t b = 0; b < blocks; b++)
            for (int64_t panel = m0; panel < m1; panel++) {
                int64_t from = panel * TILE_N, m = g * mg + from;
                t.outputs = mg - from < TILE_N ? mg - from : TILE_N;
                t.ldw = even_count(t.outputs, WIDTH) * WIDTH;
                t.w = (const float *)a->w + (g * padded + from) * k;
                t.bias = a->bias ? (const float *)a->bias + m : NULL;
                t.slope = a->act == SCL_ACT_PRELU ? (const float *)a->slope + m : NULL;
                int64_t begin = i0 + even_begin(i1 - i0, blocks, b), end = i0 + even_begin(i1 - i0, blocks, b + 1);
                for (int64_t i = begin; i < end; i++)
                    point_tile_at(a, &r, i, g * k, m, i == begin, &t);
            }
}
