/* What the sparse convolutions share: copying the input into windows (scl_window.h), sharing the work out, and the ends of tiles.
 *
 * A kernel gives conv_windows the function that makes one tile, TILE_V vectors of pixels or less of one output row or run of rows.
 * The work is cut into units: a unit is some output channels of one convolution group, ptr[group*units + u] counts what they keep.
 *
 * Before including: a simd header.
 */
#include "scl_window.h"

#define INLINE static inline __attribute__((always_inline))

/* One tile: up to 8 vectors of pixels. */
typedef struct {
    const scl_args_conv *a;
    const float *src, *add;         /* src: where the offsets of weights count from */
    float *y;                       /* of channel 0 of the convolution group, like add */
    int64_t g, mg, begin, end;      /* group; output channels of each; units */
    int64_t from[8], at[8];         /* where the pixels of each vector are, counted from src, and where they go, counted from y */
    int64_t lanes[8];               /* how many of them exist */
    int vectors, mode;
} conv_tile;

/* How the pixels of a tile lie: one vector after another; anywhere; anywhere, and those that do not exist may not be read. */
enum { IN_A_ROW, ANYWHERE, MASKED };

typedef void conv_tile_run(const conv_tile *t);

/* Lanes [lo, hi) of a vector that starts where the elements [first, end) count from. */
typedef struct {
    int lo, hi;
} lanes;

static inline lanes lanes_in(int64_t first, int64_t end)
{
    int lo = first < 0 ? 0 : first < VL ? (int)first : VL, hi = end < lo ? lo : end < VL ? (int)end : VL;
    return (lanes){lo, hi};
}

/* VL elements from[lane*step]; 0, and not read, where lane*step is not in `in` (step 1, step 2 with `in2` for the second vector). */
INLINE vf window_load(const float *from, int64_t step, lanes in, lanes in2)
{
    vf v = in.lo == 0 && in.hi == VL ? vf_load(from) : vf_load_range(from, in.lo, in.hi);
    if (step == 1)
        return v;
    return vf_even(v, in2.lo == 0 && in2.hi == VL ? vf_load(from + VL) : vf_load_range(from + VL, in2.lo, in2.hi));
}

/* Row r < rows of a plane of a window: row y + r*sh of the input x, from column `start` on, every step-th element (step: 1 or 2); zero
 * outside of the input, rows of zeros above and below. What the last vector of a row writes beyond its end, the next row mends; the last
 * row goes up to VL - 1 elements beyond. */
INLINE void plane_copy(const scl_args_conv *a, int64_t step, const float *x, int64_t y, int64_t start, int64_t rows, int64_t pitch,
                       float *to)
{
    const int64_t last = (pitch - 1) / VL * VL, at = start + last * step, none = a->wd;
    const lanes in = lanes_in(-start, none - start), in2 = lanes_in(-start - VL, none - start - VL);
    const lanes end = lanes_in(-at, none - at), end2 = lanes_in(-at - VL, none - at - VL);
    int64_t lo = y < 0 ? scl_div(-y + a->sh - 1, a->sh) : 0, hi = y < a->h ? scl_div(a->h - y + a->sh - 1, a->sh) : 0;
    lo = lo < rows ? lo : rows;
    hi = hi < lo ? lo : hi < rows ? hi : rows;
    for (int64_t j = 0; j < lo * pitch; j += VL)
        vf_store(to + j, vf_zero());
    const float *from = x + (y + lo * a->sh) * a->wd + start;
    to += lo * pitch;
    if (last == 0) {
        for (int64_t r = lo; r < hi; r++, from += a->sh * a->wd, to += pitch)
            vf_store(to, window_load(from, step, end, end2));
    } else {
        for (int64_t r = lo; r < hi; r++, from += a->sh * a->wd, to += pitch) {
            vf_store(to, window_load(from, step, in, in2));
            for (int64_t j = VL; j < last; j += VL)
                vf_store(to + j, window_load(from + j * step, step, (lanes){0, VL}, (lanes){0, VL}));
            vf_store(to + last, window_load(from + last * step, step, end, end2));
        }
    }
    for (int64_t j = 0; j < (rows - hi) * pitch; j += VL)
        vf_store(to + j, vf_zero());
}

/* The same for any step and any padding. */
static void plane_gather(const scl_args_conv *a, const float *x, int64_t y, int64_t start, int64_t rows, int64_t pitch, float *to)
{
    for (int64_t r = 0; r < rows; r++, y += a->sh)
        for (int64_t j = 0, at = start; j < pitch; j++, at += a->sw)
            *to++ = y >= 0 && y < a->h && at >= 0 && at < a->wd ? x[y * a->wd + at] : 0;
}

/* The windows of convolution group g of one image for the output rows [oy, oy + rows). */
static void window_copy(const scl_args_conv *a, const scl_window *win, int64_t image, int64_t g, int64_t oy, int64_t rows, float *to)
{
    int64_t channels = a->c / a->group, plane = a->h * a->wd, used = win->plane_rows - win->rows + rows;
    const float *x = a->x + image * a->x_stride + g * channels * plane;
    const int32_t *starts = win->lists, *phases = win->lists + win->starts;
    for (int64_t c = 0; c < channels; c++, x += plane)
        for (int32_t s = 0; s < win->starts; s++)
            for (int32_t p = 0; p < win->phases; p++, to += (int64_t)win->plane_rows * win->pitch) {
                int64_t y = oy * a->sh + phases[p] - a->ph, last = (win->pitch - 1) / VL * VL;
                int simple = starts[s] > -VL && starts[s] + last * a->sw <= a->wd;  /* only the first and the last vector meet an edge */
                if (a->sw == 1 && simple)
                    plane_copy(a, 1, x, y, starts[s], used, win->pitch, to);
                else if (a->sw == 2 && simple)
                    plane_copy(a, 2, x, y, starts[s], used, win->pitch, to);
                else
                    plane_gather(a, x, y, starts[s], used, win->pitch, to);
            }
}

/* The first unit of group g at or behind the share `part` of `parts` of all that the group keeps. */
static int64_t unit_at(const uint32_t *ptr, int64_t units, int64_t part, int64_t parts)
{
    int64_t low = 0, high = units;
    uint64_t at = ptr[0] + ((uint64_t)(ptr[units] - ptr[0]) + 1) * (uint64_t)part / (uint64_t)parts;
    while (low < high) {
        int64_t mid = (low + high) / 2;
        if (ptr[mid] < at)
            low = mid + 1;
        else
            high = mid;
    }
    return part == parts ? units : part ? low : 0;
}

/* Rows of `length` pixels, each starting with a new vector, `pitch` apart in the source; `readable` elements from src on may be read. */
typedef struct {
    int64_t rows, length, pitch, readable;
} pixel_rows;

/* The share part/parts of the tiles of some rows of pixels, as even as can be, with at most `most` vectors. */
static void run_tiles(conv_tile *t, conv_tile_run *run, int most, const pixel_rows *p, int64_t part, int64_t parts)
{
    int64_t each = (p->length + VL - 1) / VL, vectors = p->rows * each, tiles = (vectors + most - 1) / most;
    for (int64_t i = scl_div(tiles * part, parts), stop = scl_div(tiles * (part + 1), parts); i < stop; i++) {
        int64_t begin = scl_div(vectors * i, tiles), end = scl_div(vectors * (i + 1), tiles);
        int64_t row = scl_div(begin, each), column = (begin - row * each) * VL;
        t->vectors = (int)(end - begin);
        for (int v = 0; v < t->vectors; v++) {
            t->from[v] = row * p->pitch + column;
            t->at[v] = row * p->length + column;
            t->lanes[v] = p->length - column < VL ? p->length - column : VL;
            column += VL;
            if (column >= p->length) {
                column = 0;
                row++;
            }
        }
        int64_t last = t->from[t->vectors - 1];
        t->mode = last + VL > p->readable ? MASKED : last == t->from[0] + (end - begin - 1) * VL ? IN_A_ROW : ANYWHERE;
        run(t);
    }
}

/* Part tid of nt of the convolution: so many blocks of output rows, the first and the last perhaps for some of their units only; where
 * that gives no even shares, of all blocks some tiles. most: TILE_V. */
static void conv_windows(const scl_args_conv *a, conv_tile_run *run, int most, const uint32_t *ptr, int64_t units, int tid, int nt)
{
    const scl_window *win = a->table;
    int64_t blocks = (a->oh + win->rows - 1) / win->rows, all = a->n * a->group * blocks, plane = a->oh * a->ow, mg = a->m / a->group;
    int64_t begin = all * tid, end = begin + all, part = 0, parts = 1;     /* in parts of a block, of which each has nt */
    if (all * units < 4 * nt)
        begin = 0, end = all * nt, part = tid, parts = nt;
    float *copy = win->direct ? NULL : SCL_SCRATCH(a);
    for (int64_t i = scl_div(begin, nt); i * nt < end; i++) {
        int64_t group = scl_div(i, blocks), image = scl_div(group, a->group), g = group - image * a->group;
        int64_t oy = (i - group * blocks) * win->rows;
        int64_t rows = a->oh - oy < win->rows ? a->oh - oy : win->rows, at = g * mg * plane + oy * a->ow;
        conv_tile t = {.a = a, .g = g, .mg = mg, .src = copy, .y = a->y + image * a->y_stride + at};
        pixel_rows pixels = {rows, a->ow, win->pitch, INT64_MAX};
        t.add = a->add ? a->add + image * a->add_stride + at : NULL;
        t.begin = unit_at(ptr + g * units, units, begin > i * nt ? begin - i * nt : 0, nt);
        t.end = unit_at(ptr + g * units, units, end < (i + 1) * nt ? end - i * nt : nt, nt);
        if (t.begin == t.end)
            continue;
        if (win->direct) {
            int64_t skip = g * (a->c / a->group) * a->h * a->wd + oy * a->wd;
            t.src = a->x + image * a->x_stride + skip;
            pixels.readable = (a->n - 1 - image) * a->x_stride + a->c * a->h * a->wd - skip - win->reach;
        } else {
            window_copy(a, win, image, g, oy, rows, copy);
        }
        if (win->pitch == a->ow) {
            pixels.length *= rows;
            pixels.rows = 1;
        }
        run_tiles(&t, run, most, &pixels, part, parts);
    }
}

/* The pixels of vector v that a weight meets; x: tile_source plus the weight's offset. mode is a constant where this is inlined. */
INLINE const float *tile_source(const conv_tile *t, int mode) { return mode == IN_A_ROW ? t->src + t->from[0] : t->src; }
INLINE vf tile_load(const conv_tile *t, int mode, const float *x, int v)
{
    return mode == IN_A_ROW ? vf_load(x + v * VL) : mode == ANYWHERE ? vf_load(x + t->from[v]) : vf_loadn(x + t->from[v], t->lanes[v]);
}

/* Ends output channel m of the group for one tile: y = act(sum + bias + add). `vectors` is a constant where this is inlined. */
INLINE void end_channel(const conv_tile *t, int vectors, int64_t m, const vf *sum)
{
    const scl_args_conv *a = t->a;
    int64_t at = m * a->oh * a->ow, channel = t->g * t->mg + m;
    vf bias = a->bias ? vf_set1(((const float *)a->bias)[channel]) : vf_zero();
    vf p0 = vf_set1(a->act == SCL_ACT_PRELU ? ((const float *)a->slope)[channel] : a->p0), p1 = vf_set1(a->p1);
#pragma GCC unroll 8
    for (int v = 0; v < vectors; v++) {
        int64_t to = at + t->at[v];
        int64_t n = t->lanes[v];
        vf out = vf_add(sum[v], bias);
        if (t->add)
            out = vf_add(out, n == VL ? vf_load(t->add + to) : vf_loadn(t->add + to, n));
        out = vf_activate(out, a->act, p0, p1);
        if (n == VL)
            vf_store(t->y + to, out);
        else
            vf_storen(t->y + to, n, out);
    }
}
