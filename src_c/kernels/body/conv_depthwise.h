/* Convolution of each channel by itself (c = group), any kernel, stride, padding and dilation: see docs/kernels.md.
 *
 * Input rows are copied to scratch with their padding, so that no product has to ask whether its pixels exist: a band of a large plane,
 * or several small planes, since what was stored a moment ago is slow to load across the edges of the stores. Kernels of 3x3 and 5x5
 * with stride 1 or 2 make several rows of outputs from pixels that were loaded once; the columns that neighbouring outputs meet at
 * stride 2 are told apart in registers. For all others a stride of sw deals the columns of a row out to sw heaps, so that they lie
 * next to each other.
 *
 * w[m][ky][kx], as Caffe has it. scratch: rows of `pitch` floats, the sw heaps of ceil((wd + 2*pw) / sw) + VL each, to a multiple of VL;
 * at least (kh - 1)*dh + 1 of them. With more rows, bands get larger.
 *
 * Before including: a simd header and CONV_DEPTHWISE (the symbol).
 */
#include "parts.h"
#include "scl_kernels.h"
#include <string.h>

enum { ROWS = 4 };                  /* rows of outputs at a time */

/* What happens to sums before they are stored. Copied where it is used: a vector store might change anything behind a pointer. */
typedef struct {
    vf bias, p0, p1;
    int64_t act, width, size;       /* of a row of outputs, of all of them */
    const float *add;
    float *y;
} dw_end;

/* One plane of outputs. */
typedef struct {
    const scl_args_conv *a;
    const float *x, *w;
    float *band;
    int64_t heap, pitch;
    dw_end end;
} dw_plane;

static void fill_zero(float *to, int64_t count)
{
    for (int64_t i = 0; i < count; i += VL)
        vf_store(to + i, vf_zero());
}

/* Copies an input row to a row of the band whose padding is zero already. */
static inline void row_in(const dw_plane *p, const float *from, float *to)
{
    int64_t w = p->a->wd, x = 0;
    to += p->a->pw;
    for (; x + VL <= w; x += VL)
        vf_store(to + x, vf_load(from + x));
    if (x < w)
        vf_store(to + x, vf_loadn(from + x, w - x));
}

/* Deals an input row (zeros if NULL) out to the sw heaps of a row of the band. Stores run over the ends by less than VL, from left to
 * right. */
static void row_dealt(const dw_plane *p, const float *from, float *to)
{
    const scl_args_conv *a = p->a;
    int64_t w = a->wd, pw = a->pw, used = even_count(w + 2 * pw, a->sw);
    if (!from) {
        fill_zero(to, p->pitch);
    } else if (a->sw == 2) {
        float *even = to + pw % 2 * p->heap, *odd = to + (pw + 1) % 2 * p->heap;
        int64_t e = pw / 2, o = (pw + 1) / 2;
        fill_zero(even, e);
        fill_zero(odd, o);
        for (int64_t x = 0; x < w; x += 2 * VL, e += VL, o += VL) {
            int64_t left = w - x;
            vf a0 = left >= VL ? vf_load(from + x) : vf_loadn(from + x, left);
            vf a1 = left >= 2 * VL ? vf_load(from + x + VL) : left > VL ? vf_loadn(from + x + VL, left - VL) : vf_zero();
            vf_store(even + e, vf_even(a0, a1));
            vf_store(odd + o, vf_odd(a0, a1));
        }
        fill_zero(even + e, used - e);
        fill_zero(odd + o, used - o);
    } else {
        for (int64_t heap = 0; heap < a->sw; heap++)
            for (int64_t i = 0; i < used; i++) {
                int64_t x = i * a->sw + heap - pw;
                to[heap * p->heap + i] = x >= 0 && x < w ? from[x] : 0;
            }
    }
}

static inline __attribute__((always_inline)) void row_end(int rectified, const dw_end *e, int64_t at, int64_t lanes, vf v)
{
    const float *add = rectified ? NULL : e->add;
    if (add)
        v = vf_add(v, lanes == VL ? vf_load(add + at) : vf_loadn(add + at, lanes));
    v = vf_activate(v, rectified ? SCL_ACT_RELU : e->act, e->p0, e->p1);
    if (lanes == VL || (!add && at + VL <= e->size))    /* the row below has yet to write over what is too much */
        vf_store(e->y + at, v);
    else
        vf_storen(e->y + at, lanes, v);
}

/* `rows` rows of `lanes` outputs from column ox on, the first of them at y + at, from the rows of the band at `from`; rows, k, s and
 * `rectified` (nothing is added, and the activation is a ReLU) are constants where this is inlined. */
static inline __attribute__((always_inline)) void rows_part(int rows, int k, int s, int rectified, const float *from, int64_t pitch,
                                                            const vf *w, const dw_end *end, int64_t ox, int64_t at, int64_t lanes)
{
    vf acc[ROWS];
#pragma GCC unroll 4
    for (int r = 0; r < rows; r++)
        acc[r] = end->bias;
    from += s * ox;
#pragma GCC unroll 16
    for (int i = 0; i < (rows - 1) * s + k; i++, from += pitch) {
        vf row[6];
#pragma GCC unroll 8
        for (int kx = 0; s == 2 && kx < k; kx += 2) {
            vf a = vf_load(from + kx), b = vf_load(from + kx + VL);
            row[kx] = vf_some_even(a, b);
            row[kx + 1] = vf_some_odd(a, b);
        }
#pragma GCC unroll 8
        for (int kx = 0; kx < k; kx++) {
            vf v = s == 2 ? row[kx] : vf_keep(vf_load(from + kx));
#pragma GCC unroll 4
            for (int r = 0; r < rows; r++)
                if (i >= r * s && i - r * s < k)
                    acc[r] = vf_fma(w[(i - r * s) * k + kx], v, acc[r]);
        }
    }
#pragma GCC unroll 4
    for (int r = 0; r < rows; r++)
        row_end(rectified, end, at + r * end->width + ox, lanes, s == 2 ? vf_in_order(acc[r]) : acc[r]);
}

/* `rows` rows of outputs from y + at on. The ends of the rows come first, since they may run over the beginnings of the next. */
static inline __attribute__((always_inline)) void rows_out(int rows, int k, int s, int rectified, const float *from, int64_t pitch,
                                                           const vf *w, const dw_end *end, int64_t at)
{
    int64_t tail = end->width % VL, whole = end->width - tail;
    if (tail)
        rows_part(rows, k, s, rectified, from, pitch, w, end, whole, at, tail);
    for (int64_t ox = 0; ox < whole; ox += VL)
        rows_part(rows, k, s, rectified, from, pitch, w, end, ox, at, VL);
}

/* The rows [oy, stop) of outputs, ROWS at a time. */
static inline __attribute__((always_inline)) void band_rows(int k, int s, int rectified, const dw_plane *p, const float *from, int64_t oy,
                                                            int64_t stop)
{
    const dw_end end = p->end;
    int64_t pitch = p->pitch, at = oy * end.width;
    vf w[25];
#pragma GCC unroll 25
    for (int i = 0; i < k * k; i++)
        w[i] = vf_set1(p->w[i]);
    for (; oy + ROWS <= stop; oy += ROWS, from += ROWS * s * pitch, at += ROWS * end.width)
        rows_out(ROWS, k, s, rectified, from, pitch, w, &end, at);
    switch (stop - oy) {
    case 1: rows_out(1, k, s, rectified, from, pitch, w, &end, at); break;
    case 2: rows_out(2, k, s, rectified, from, pitch, w, &end, at); break;
    case 3: rows_out(3, k, s, rectified, from, pitch, w, &end, at); break;
    }
}

/* The same, row by row, for any kernel. */
static void band_rows_any(const dw_plane *p, const float *from, int64_t oy, int64_t stop)
{
    const scl_args_conv *a = p->a;
    for (; oy < stop; oy++, from += a->sh * p->pitch)
        for (int64_t ox = 0; ox < a->ow; ox += VL) {
            vf acc = p->end.bias;
            for (int64_t ky = 0; ky < a->kh; ky++)
                for (int64_t kx = 0; kx < a->kw; kx++)
                    acc = vf_fma(vf_set1(p->w[ky * a->kw + kx]),
                                 vf_load(from + ky * a->dh * p->pitch + scl_mod(kx * a->dw, a->sw) * p->heap + scl_div(kx * a->dw, a->sw)
                                         + ox), acc);
            row_end(0, &p->end, oy * a->ow + ox, a->ow - ox < VL ? a->ow - ox : VL, acc);
        }
}

typedef void dw_rows(const dw_plane *p, const float *from, int64_t oy, int64_t stop);

#define BAND_ROWS(k, s, rectified) \
    static void band_rows_##k##_##s##_##rectified(const dw_plane *p, const float *from, int64_t oy, int64_t stop) \
    { \
        band_rows(k, s, rectified, p, from, oy, stop); \
    }
BAND_ROWS(3, 1, 0)
BAND_ROWS(3, 2, 0)
BAND_ROWS(5, 1, 0)
BAND_ROWS(5, 2, 0)
BAND_ROWS(3, 1, 1)
BAND_ROWS(3, 2, 1)
BAND_ROWS(5, 1, 1)
BAND_ROWS(5, 2, 1)

/* [5x5][stride 2][rectified] */
static dw_rows *const BAND_ROWS_OF[2][2][2] = {{{band_rows_3_1_0, band_rows_3_1_1}, {band_rows_3_2_0, band_rows_3_2_1}},
                                               {{band_rows_5_1_0, band_rows_5_1_1}, {band_rows_5_2_0, band_rows_5_2_1}}};

/* The rows [first, first + count) of a plane go to a band. */
static void band_in(const dw_plane *p, int dealt, int64_t first, int64_t count)
{
    const scl_args_conv *a = p->a;
    for (int64_t i = 0; i < count; i++) {
        const float *from = first + i >= 0 && first + i < a->h ? p->x + (first + i) * a->wd : NULL;
        float *to = p->band + i * p->pitch;
        if (dealt)
            row_dealt(p, from, to);
        else if (from)
            row_in(p, from, to);
        else
            fill_zero(to, p->pitch);
    }
}

static dw_plane plane_of(const scl_args_conv *a, int64_t i, float *band, int64_t heap, int64_t pitch)
{
    int64_t image = a->n == 1 ? 0 : scl_div(i, a->m), m = i - image * a->m, out = m * a->oh * a->ow;
    return (dw_plane){
        .a = a,
        .x = a->x + image * a->x_stride + (a->c == a->m ? m : scl_div(m * a->c, a->m)) * a->h * a->wd,
        .w = (const float *)a->w + m * a->kh * a->kw,
        .band = band,
        .heap = heap,
        .pitch = pitch,
        .end = {
            .bias = vf_set1(a->bias ? ((const float *)a->bias)[m] : 0),
            .p0 = vf_set1(a->act == SCL_ACT_PRELU ? ((const float *)a->slope)[m] : a->p0),
            .p1 = vf_set1(a->p1),
            .act = a->act,
            .width = a->ow,
            .size = a->oh * a->ow,
            .add = a->add ? a->add + image * a->add_stride + out : NULL,
            .y = a->y + image * a->y_stride + out,
        },
    };
}

void CONV_DEPTHWISE(const void *args, int tid, int nt)
{
    const scl_args_conv *a = args;
    int64_t begin, end, heap = even_count(a->wd + 2 * a->pw, a->sw) + VL, pitch = even_count(a->sw * heap, VL) * VL;
    int64_t reach = (a->kh - 1) * a->dh + 1, space = a->scratch_stride / pitch;     /* rows that an output reads, that there is room for */
    int64_t bands = even_count(a->oh, (space - reach) / a->sh + 1);
    int64_t at_once = bands > 1 ? 1 : space / ((a->oh - 1) * a->sh + reach);        /* small planes */
    int rectified = !a->add && (a->act == SCL_ACT_RELU || a->act == SCL_ACT_PRELU);
    float *scratch = SCL_SCRATCH(a);
    dw_rows *band_rows_of = band_rows_any;
    if (a->kh == a->kw && (a->kh == 3 || a->kh == 5) && a->sh == a->sw && a->sh <= 2 && a->dh == 1 && a->dw == 1)
        band_rows_of = BAND_ROWS_OF[a->kh == 5][a->sh == 2][rectified];
    scl_part(a->n * a->m, 1, tid, nt, &begin, &end);
    if (begin < end)
        memset(scratch, 0, (size_t)a->scratch_stride * sizeof *scratch);
    for (int64_t i = begin; i < end; i += at_once)
        for (int64_t b = 0; b < bands; b++) {
            int64_t oy = even_begin(a->oh, bands, b), until = even_begin(a->oh, bands, b + 1);
            int64_t count = (until - oy - 1) * a->sh + reach, planes = end - i < at_once ? end - i : at_once;
            for (int64_t j = 0; j < planes; j++) {
                dw_plane p = plane_of(a, i + j, scratch + j * count * pitch, heap, pitch);
                band_in(&p, band_rows_of == band_rows_any && a->sw > 1, oy * a->sh - a->ph, count);
            }
            for (int64_t j = 0; j < planes; j++) {
                dw_plane p = plane_of(a, i + j, scratch + j * count * pitch, heap, pitch);
                band_rows_of(&p, p.band, oy, until);
            }
        }
}
