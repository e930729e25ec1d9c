/* Convolution of stride 1 by Winograd's minimal filtering, F(OUT x OUT, SIZE x SIZE): see docs/kernels.md for the points, the numerics
 * and the sizes of blocks. Tiles of IN x IN inputs are transformed, IN*IN matrix products follow, and their results are transformed
 * back to tiles of OUT x OUT outputs, a block of tiles at a time. Vectors hold one element of VL tiles.
 *
 * Tiles are numbered through the batch: t = (image*down + row)*across + column.
 *
 * w: for each group, bands of at most ROWS output channels, as even_begin says; within a band, for each of the IN*IN points, panels of at
 * most TILE_M channels, as even_begin says; within a panel [c/group][channel]. So the weights are read from front to back.
 * scratch: IN*IN * ((c/group + ROWS + 1)*tiles + 32) floats for blocks of at least VL `tiles`.
 *
 * Before including: a simd header, TILE_M, TILE_V, OUT (2 or 4), SIZE (3 or 5; OUT + SIZE is 5 or 7) and CONV_WINOGRAD (the symbol).
 */
#include "gemm_tile.h"
#include "scl_kernels.h"

enum {
    IN = OUT + SIZE - 1,
    POINTS = IN * IN,
    ROWS = 4 * TILE_M,              /* output channels whose products are kept at a time */
    BLOCK_V = 96 / VL,              /* at most so many vectors of tiles in a block */
    CHUNK = VL - (IN - 1) / OUT,    /* tiles that VL*OUT pixels of a row are enough for */
    AHEAD = 1024                    /* floats by which weights are fetched in advance */
};

/* t = B'd for one line of a tile. */
static inline __attribute__((always_inline)) void to_points(const vf d[IN], vf t[IN])
{
#if OUT + SIZE == 5                 /* points 0, 1, -1, infinity */
    t[0] = vf_sub(d[2], d[0]);
    t[1] = vf_add(d[2], d[1]);
    t[2] = vf_sub(d[2], d[1]);
    t[3] = vf_sub(d[3], d[1]);
#else                               /* points 0, +-sqrt(1/2), +-sqrt(2), infinity */
    vf a = vf_set1(0.70710678f), b = vf_set1(1.41421356f), half = vf_set1(0.5f), two = vf_set1(2), sum = vf_set1(2.5f);
    vf even = vf_fnma(two, d[2], d[4]), odd = vf_mul(a, vf_fnma(two, d[1], d[3]));
    t[1] = vf_add(even, odd);
    t[2] = vf_sub(even, odd);
    even = vf_fnma(half, d[2], d[4]);
    odd = vf_mul(b, vf_fnma(half, d[1], d[3]));
    t[3] = vf_add(even, odd);
    t[4] = vf_sub(even, odd);
    t[0] = vf_fnma(sum, d[2], vf_add(d[0], d[4]));
    t[5] = vf_fnma(sum, d[3], vf_add(d[1], d[5]));
#endif
}

/* y = A't. */
static inline __attribute__((always_inline)) void from_points(const vf t[IN], vf y[OUT])
{
#if OUT + SIZE == 5
    y[0] = vf_add(t[0], vf_add(t[1], t[2]));
    y[1] = vf_add(t[3], vf_sub(t[1], t[2]));
#else
    vf a = vf_set1(0.70710678f), b = vf_set1(1.41421356f);
    vf even_a = vf_add(t[1], t[2]), odd_a = vf_mul(a, vf_sub(t[1], t[2]));
    vf even_b = vf_add(t[3], t[4]), odd_b = vf_mul(b, vf_sub(t[3], t[4]));
    y[0] = vf_add(t[0], vf_add(even_a, even_b));
    y[1] = vf_add(odd_a, odd_b);
#if OUT == 4
    vf half = vf_set1(0.5f), two = vf_set1(2);
    y[2] = vf_fma(half, even_a, vf_mul(two, even_b));
    y[3] = vf_fma(half, odd_a, vf_fma(two, odd_b, t[5]));
#else
    y[1] = vf_add(y[1], t[5]);
#endif
#endif
}

/* OUT vectors of neighbouring pixels to OUT vectors, of which v[i] holds pixel i of every tile. */
static inline __attribute__((always_inline)) void split_pixels(vf v[OUT])
{
#if OUT == 2
    vf even = vf_even(v[0], v[1]), odd = vf_odd(v[0], v[1]);
    v[0] = even;
    v[1] = odd;
#else
    vf e0 = vf_even(v[0], v[1]), o0 = vf_odd(v[0], v[1]), e1 = vf_even(v[2], v[3]), o1 = vf_odd(v[2], v[3]);
    v[0] = vf_even(e0, e1);
    v[1] = vf_even(o0, o1);
    v[2] = vf_odd(e0, e1);
    v[3] = vf_odd(o0, o1);
#endif
}

/* The other way round. */
static inline __attribute__((always_inline)) void join_pixels(vf v[OUT])
{
#if OUT == 2
    vf lo = vf_zip_lo(v[0], v[1]), hi = vf_zip_hi(v[0], v[1]);
    v[0] = lo;
    v[1] = hi;
#else
    vf e0 = vf_zip_lo(v[0], v[2]), e1 = vf_zip_hi(v[0], v[2]), o0 = vf_zip_lo(v[1], v[3]), o1 = vf_zip_hi(v[1], v[3]);
    v[0] = vf_zip_lo(e0, o0);
    v[1] = vf_zip_hi(e0, o0);
    v[2] = vf_zip_lo(e1, o1);
    v[3] = vf_zip_hi(e1, o1);
#endif
}

/* Neighbouring tiles of one row of tiles. */
typedef struct {
    int64_t image, row, column;     /* of the first */
    int64_t begin, count;           /* place in the block */
} tile_run;

/* Lanes [lo, hi) of vector `pixels` of a joined row of outputs: pixels from `at` on, in a plane of y and in the image. */
typedef struct {
    int64_t image, at, row;
    int pixels, lo, hi;
} tile_piece;

/* A block of tiles: its runs, and for each vector of tiles the pieces of its outputs. */
typedef struct {
    int64_t nv, panels;
    int runs, first[BLOCK_V + 1];
    tile_run run[BLOCK_V * VL];
    tile_piece piece[BLOCK_V * VL * 2];
} tile_block;

static void block_of(const scl_args_conv *a, int64_t t0, int64_t t1, tile_block *b)
{
    int64_t across = even_count(a->ow, OUT), down = even_count(a->oh, OUT);
    b->nv = even_count(t1 - t0, VL);
    b->panels = even_count(b->nv, TILE_V);
    b->runs = 0;
    for (int64_t t = t0; t < t1;) {
        int64_t row = scl_div(t, across), image = scl_div(row, down), column = t - row * across;
        int64_t count = across - column < t1 - t ? across - column : t1 - t;
        b->run[b->runs++] = (tile_run){image, row - image * down, column, t - t0, count};
        t += count;
    }
    int pieces = 0, r = 0;
    for (int64_t v = 0; v < b->nv; v++) {
        b->first[v] = pieces;
        for (int pixels = 0; pixels < OUT; pixels++) {
            int64_t begin = v * VL * OUT + pixels * VL, end = begin + VL;           /* in pixels of the joined block */
            while (r > 0 && b->run[r].begin * OUT > begin)
                r--;
            for (; r < b->runs && b->run[r].begin * OUT < end; r++) {
                const tile_run *run = &b->run[r];
                int64_t lo = run->begin * OUT, hi = lo + run->count * OUT, edge = lo + a->ow - run->column * OUT;
                hi = hi < edge ? hi : edge;
                int64_t from = lo > begin ? lo : begin, to = hi < end ? hi : end;
                if (from < to)
                    b->piece[pieces++] = (tile_piece){run->image, run->row * OUT * a->ow + run->column * OUT + begin - lo,
                                                      run->row * OUT, pixels, (int)(from - begin), (int)(to - begin)};
            }
            r = r < b->runs ? r : b->runs - 1;
        }
    }
    b->first[b->nv] = pieces;
}

/* Gathers the tiles of one channel, their columns transformed already: lines[point down][column of a tile][tile], `ld` apart. */
static void tiles_in(const scl_args_conv *a, const tile_block *b, const float *x, float *lines, int64_t ld)
{
    for (int r = 0; r < b->runs; r++) {
        const tile_run *run = &b->run[r];
        const float *image = x + run->image * a->x_stride;
        int64_t iy = run->row * OUT - a->ph;
        for (int64_t chunk = 0; chunk < run->count; chunk += CHUNK) {
            int64_t ix = (run->column + chunk) * OUT - a->pw;
            float *to = lines + run->begin + chunk;
            vf points[IN][OUT];
#pragma GCC unroll 4
            for (int j = 0; j < OUT; j++) {
                int64_t left = ix + j * VL;
                int lo = left < 0 ? left < -VL ? VL : (int)-left : 0, hi = a->wd - left < VL ? (int)(a->wd - left) : VL;
                vf d[IN], t[IN];
#pragma GCC unroll 8
                for (int i = 0; i < IN; i++) {
                    const float *line = image + (iy + i) * a->wd + left;
                    if (iy + i < 0 || iy + i >= a->h || lo >= hi)
                        d[i] = vf_zero();
                    else if (hi - lo == VL)
                        d[i] = vf_load(line);
                    else
                        d[i] = vf_load_range(line, lo, hi);
                }
                to_points(d, t);
#pragma GCC unroll 8
                for (int i = 0; i < IN; i++)
                    points[i][j] = t[i];
            }
#pragma GCC unroll 8
            for (int i = 0; i < IN; i++) {
                vf *v = points[i];
                split_pixels(v);
#pragma GCC unroll 8
                for (int j = 0; j < IN; j++) {
                    vf_store(to + (i * IN + j) * ld, v[j % OUT]);
                    v[j % OUT] = vf_next(v[j % OUT]);
                }
            }
        }
    }
}

/* Transforms the rows of the gathered tiles of channel c: panels[point] + the place that gemm_tile expects, `ldp` from point to point. */
static void rows_in(const tile_block *b, const float *lines, int64_t ld, int64_t c, int64_t channels, float *panels, int64_t ldp)
{
    for (int64_t p = 0; p < b->panels; p++) {
        int64_t begin = even_begin(b->nv, b->panels, p), width = even_begin(b->nv, b->panels, p + 1) - begin;
        for (int64_t v = 0; v < width; v++) {
            float *to = panels + (begin * channels + c * width + v) * VL;
            for (int i = 0; i < IN; i++) {
                vf d[IN], t[IN];
#pragma GCC unroll 8
                for (int j = 0; j < IN; j++)
                    d[j] = vf_load(lines + (i * IN + j) * ld + (begin + v) * VL);
                to_points(d, t);
#pragma GCC unroll 8
                for (int j = 0; j < IN; j++)
                    vf_store(to + (i * IN + j) * ldp, t[j]);
            }
        }
    }
}

/* products[row][point][tile] = sum over channels of w[point][channel][row] * panels[point][channel][tile]. */
typedef struct {
    const float *w, *panel;
    float *products;
    int64_t channels, ldr;
} wino_tile;

static inline __attribute__((always_inline)) void wino_tile_run(int mr, int nv, const wino_tile *t)
{
    vf acc[TILE_M][TILE_V];
    gemm_tile(mr, nv, t->channels, t->w, mr, 1, t->panel, nv * VL, AHEAD, 0, acc);
#pragma GCC unroll 8
    for (int i = 0; i < mr; i++)
#pragma GCC unroll 8
        for (int j = 0; j < nv; j++)
            vf_store(t->products + i * t->ldr + j * VL, acc[i][j]);
}

#define TILE_DEFINE(mr, nv) \
    static void wino_tile_##mr##x##nv(const wino_tile *t) { wino_tile_run(mr, nv, t); }
TILE_EACH(TILE_DEFINE)
#define TILE_NAME(mr, nv) wino_tile_##mr##x##nv,
static void (*const wino_tiles[TILE_M * TILE_V])(const wino_tile *) = {TILE_EACH(TILE_NAME)};

/* Transforms vector v of tiles of channel m back and ends it: products[point][tile], `ld` apart. */
static void tiles_out(const scl_args_conv *a, const tile_block *b, int64_t v, int64_t m, const float *products, int64_t ld)
{
    vf half[IN][OUT];
#pragma GCC unroll 8
    for (int j = 0; j < IN; j++) {
        vf t[IN];
#pragma GCC unroll 8
        for (int i = 0; i < IN; i++)
            t[i] = vf_load(products + (i * IN + j) * ld + v * VL);
        from_points(t, half[j]);
    }
    vf bias = vf_set1(a->bias ? ((const float *)a->bias)[m] : 0);
    vf p0 = vf_set1(a->act == SCL_ACT_PRELU ? ((const float *)a->slope)[m] : a->p0), p1 = vf_set1(a->p1);
    int64_t plane = a->oh * a->ow;
#pragma GCC unroll 4
    for (int i = 0; i < OUT; i++) {
        vf t[IN], y[OUT];
#pragma GCC unroll 8
        for (int j = 0; j < IN; j++)
            t[j] = half[j][i];
        from_points(t, y);
        join_pixels(y);
        float line[OUT * VL];
#pragma GCC unroll 4
        for (int j = 0; j < OUT; j++)
            vf_store(line + j * VL, vf_add(y[j], bias));
        for (int p = b->first[v]; p < b->first[v + 1]; p++) {
            const tile_piece *piece = &b->piece[p];
            if (piece->row + i >= a->oh)
                continue;
            int64_t at = m * plane + piece->at + i * a->ow;
            vf value = vf_load(line + piece->pixels * VL);
            if (a->add)
                value = vf_add(value, vf_load_range(a->add + piece->image * a->add_stride + at, piece->lo, piece->hi));
            value = vf_activate(value, a->act, p0, p1);
            float *to = a->y + piece->image * a->y_stride + at;
            if (piece->hi - piece->lo == VL)
                vf_store(to, value);
            else
                vf_store_range(to, piece->lo, piece->hi, value);
        }
    }
}

/* Multiplies and transforms back the `rows` output channels of one band, from channel m of all on: w and panels as above. */
static void band_out(const scl_args_conv *a, const tile_block *b, int64_t channels, int64_t m, int64_t rows, const float *w,
                     const float *panels, int64_t ldp, float *products)
{
    int64_t width = b->nv * VL, tiles = even_count(rows, TILE_M);
    for (int64_t point = 0; point < POINTS; point++)
        for (int64_t tile = 0; tile < tiles; tile++) {
            int64_t row = even_begin(rows, tiles, tile), mr = even_begin(rows, tiles, tile + 1) - row;
            for (int64_t p = 0; p < b->panels; p++) {
                int64_t begin = even_begin(b->nv, b->panels, p), nv = even_begin(b->nv, b->panels, p + 1) - begin;
                wino_tile t = {w + (point * rows + row) * channels, panels + point * ldp + begin * VL * channels,
                               products + (row * POINTS + point) * width + begin * VL, channels, POINTS * width};
                wino_tiles[(mr - 1) * TILE_V + nv - 1](&t);
            }
        }
    for (int64_t row = 0; row < rows; row++)
        for (int64_t v = 0; v < b->nv; v++)
            tiles_out(a, b, v, m + row, products + row * POINTS * width, width);
}

void CONV_WINOGRAD(const void *args, int tid, int nt)
{
    const scl_args_conv *a = args;
    int64_t channels = a->c / a->group, mg = a->m / a->group, bands = even_count(mg, ROWS);
    int64_t tiles = a->n * even_count(a->oh, OUT) * even_count(a->ow, OUT), m0, m1, v0, v1;
    int64_t most = (a->scratch_stride / POINTS - 32) / ((channels + ROWS + 1) * VL);
    most = most < 1 ? 1 : most > BLOCK_V ? BLOCK_V : most;
    grid_part(bands, even_count(tiles, VL), 1, 2, tid, nt, &m0, &m1, &v0, &v1);
    if (m0 == m1 || v0 == v1)
        return;
    tile_block b;
    for (int64_t g = 0; g < a->group; g++) {
        int64_t blocks = even_count(v1 - v0, most);
        for (int64_t block = 0; block < blocks; block++) {
            int64_t t0 = (v0 + even_begin(v1 - v0, blocks, block)) * VL, t1 = (v0 + even_begin(v1 - v0, blocks, block + 1)) * VL;
            block_of(a, t0, t1 < tiles ? t1 : tiles, &b);
            int64_t width = b.nv * VL, ldp = channels * width + 16;
            float *panels = SCL_SCRATCH(a), *products = panels + POINTS * ldp;
            float *lines = products + POINTS * ROWS * width;
            for (int64_t c = 0; c < channels; c++) {
                tiles_in(a, &b, a->x + (g * channels + c) * a->h * a->wd, lines, width + 16);
                rows_in(&b, lines, width + 16, c, channels, panels, ldp);
            }
            for (int64_t band = m0; band < m1; band++) {
                int64_t row = even_begin(mg, bands, band), rows = even_begin(mg, bands, band + 1) - row;
                band_out(a, &b, channels, g * mg + row, rows, (const float *)a->w + (g * mg + row) * POINTS * channels, panels, ldp,
                         products);
            }
        }
    }
}
