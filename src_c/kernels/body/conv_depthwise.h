/* Convolution of each channel by itself (c = group), any kernel, stride, padding and dilation: see docs/kernels.md.
 *
 * Kernels of 3x3 and 5x5 with stride 1 read the image where it is. Else a band of input rows is copied to scratch with its padding; the
 * columns that neighbouring outputs meet are told apart in registers (3x3 and 5x5 with stride 2), or a stride of sw deals the columns of
 * a row out to sw heaps, so that they lie next to each other.
 *
 * w[m][ky][kx], as Caffe has it. scratch: rows of `pitch` floats, pitch = sw*heap and heap = ceil((wd + 2*pw) / sw) + VL; at least
 * (kh - 1)*dh + 1 of them. With more rows, bands get larger.
 *
 * Before including: a simd header and CONV_DEPTHWISE (the symbol).
 */
#include "parts.h"
#include "scl_kernels.h"

enum { ROWS = 4 };                  /* rows of outputs at a time */

/* What happens to sums before they are stored. Copied where it is used: a vector store might change anything behind a pointer. */
typedef struct {
    vf bias, p0, p1;
    int64_t act, width;             /* of a row of outputs */
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

/* Copies an input row (zeros if NULL) to a row of the band, in one piece or dealt out to `heaps` = sw. Stores run over the ends by less
 * than VL, from left to right. */
static void row_in(const dw_plane *p, const float *from, float *to, int64_t heaps)
{
    const scl_args_conv *a = p->a;
    int64_t w = a->wd, pw = a->pw, used = even_count(w + 2 * pw, heaps);
    if (!from) {
        for (int64_t heap = 0; heap < heaps; heap++)
            fill_zero(to + heap * p->heap, used);
    } else if (heaps == 1) {
        fill_zero(to, pw);
        int64_t x = 0;
        for (; x + VL <= w; x += VL)
            vf_store(to + pw + x, vf_load(from + x));
        vf_store(to + pw + x, vf_loadn(from + x, w - x));
        fill_zero(to + pw + x + VL, pw + w - x - VL);
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

static inline __attribute__((always_inline)) void row_end(const dw_end *e, int64_t at, int64_t lanes, vf v)
{
    v = vf_add(v, e->bias);
    if (e->add)
        v = vf_add(v, lanes == VL ? vf_load(e->add + at) : vf_loadn(e->add + at, lanes));
    v = vf_activate(v, e->act, e->p0, e->p1);
    if (lanes == VL)
        vf_store(e->y + at, v);
    else
        vf_storen(e->y + at, lanes, v);
}

/* Where the inputs of a block of rows are: those of output column 0 start at from + i*pitch + column[kx] for input row i and kernel
 * column kx, or at from + i*pitch + kx in the band. */
typedef struct {
    const float *from;
    int64_t pitch, column[5];
    int64_t first, last;            /* rows [first, last) exist, the others are padding; so do columns [0, width) of the rows */
    int64_t width;
} dw_input;

/* `rows` rows of `lanes` outputs from column ox on, the first of them at y + at; rows, k, s and `inside` are constants where this is
 * inlined. `inside`: no input is padding. */
static inline __attribute__((always_inline)) void rows_part(int rows, int k, int s, int inside, const dw_input *in, const vf *w,
                                                            const dw_end *end, int64_t ox, int64_t at, int64_t lanes)
{
    vf acc[ROWS];
    int lo[5], hi[5];
#pragma GCC unroll 8
    for (int kx = 0; kx < k; kx++) {
        int64_t before = -(in->column[kx] + ox), left = in->width + before;
        lo[kx] = before < 0 ? 0 : before < VL ? (int)before : VL;
        hi[kx] = left < lo[kx] ? lo[kx] : left < VL ? (int)left : VL;
    }
#pragma GCC unroll 4
    for (int r = 0; r < rows; r++)
        acc[r] = vf_zero();
#pragma GCC unroll 16
    for (int i = 0; i < (rows - 1) * s + k; i++) {
        if (!inside && (i < in->first || i >= in->last))
            continue;
        const float *from = in->from + i * in->pitch + s * ox;
        vf row[6];
#pragma GCC unroll 8
        for (int kx = 0; s == 2 && kx < k; kx += 2) {
            vf a = vf_load(from + kx), b = vf_load(from + kx + VL);
            row[kx] = vf_even(a, b);
            row[kx + 1] = vf_odd(a, b);
        }
#pragma GCC unroll 8
        for (int kx = 0; kx < k; kx++) {
            vf v = s == 2 ? row[kx]
                 : vf_keep(inside ? vf_load(from + in->column[kx]) : vf_load_range(from + in->column[kx], lo[kx], hi[kx]));
#pragma GCC unroll 4
            for (int r = 0; r < rows; r++)
                if (i >= r * s && i - r * s < k)
                    acc[r] = vf_fma(w[(i - r * s) * k + kx], v, acc[r]);
        }
    }
#pragma GCC unroll 4
    for (int r = 0; r < rows; r++)
        row_end(end, at + r * end->width + ox, lanes, acc[r]);
}

/* `rows` rows of outputs from oy on; `near`: their inputs lie in the image itself, and not with their padding in the band. */
static inline __attribute__((always_inline)) void rows_out(const dw_plane *p, int rows, int k, int s, int near, const dw_input *input, int64_t oy)
{
    const dw_end end = p->end;
    const dw_input in = *input;
    int64_t ow = end.width, at = oy * ow, ox = 0, inside = 0;
    vf w[25];
#pragma GCC unroll 25
    for (int i = 0; i < k * k; i++)
        w[i] = vf_set1(p->w[i]);
    if (near && in.first <= 0 && in.last >= (rows - 1) * s + k)
        inside = in.width - in.column[k - 1];
    for (; ox + VL <= ow; ox += VL) {
        if (!near || (ox + in.column[0] >= 0 && ox + VL <= inside))
            rows_part(rows, k, s, 1, &in, w, &end, ox, at, VL);
        else
            rows_part(rows, k, s, 0, &in, w, &end, ox, at, VL);
    }
    if (ox < ow)
        rows_part(rows, k, s, !near, &in, w, &end, ox, at, ow - ox);
}

/* The same for one row and any kernel. */
static void row_out_any(const dw_plane *p, const float *in, int64_t oy)
{
    const scl_args_conv *a = p->a;
    for (int64_t ox = 0; ox < a->ow; ox += VL) {
        vf acc = vf_zero();
        for (int64_t ky = 0; ky < a->kh; ky++)
            for (int64_t kx = 0; kx < a->kw; kx++)
                acc = vf_fma(vf_set1(p->w[ky * a->kw + kx]),
                             vf_load(in + ky * a->dh * p->pitch + kx * a->dw % a->sw * p->heap + kx * a->dw / a->sw + ox), acc);
        row_end(&p->end, oy * a->ow + ox, a->ow - ox < VL ? a->ow - ox : VL, acc);
    }
}

typedef void (*dw_rows)(const dw_plane *p, int64_t rows, const dw_input *in, int64_t oy);

#define ROWS_OUT(k, s, near) \
    static void rows_out_##k##_##s##_##near(const dw_plane *p, int64_t rows, const dw_input *in, int64_t oy) \
    { \
        switch (rows) { \
        case 1: rows_out(p, 1, k, s, near, in, oy); return; \
        case 2: rows_out(p, 2, k, s, near, in, oy); return; \
        case 3: rows_out(p, 3, k, s, near, in, oy); return; \
        default: rows_out(p, 4, k, s, near, in, oy); return; \
        } \
    }
ROWS_OUT(3, 1, 1)
ROWS_OUT(3, 2, 0)
ROWS_OUT(5, 1, 1)
ROWS_OUT(5, 2, 0)

/* A plane whose kernel (3x3 or 5x5, stride 1) reads the image where it is. */
static void plane_near(const dw_plane *p, dw_rows several)
{
    const scl_args_conv *a = p->a;
    int64_t blocks = even_count(a->oh, ROWS);
    dw_input in = {.pitch = a->wd, .width = a->wd};
    for (int kx = 0; kx < a->kw; kx++)
        in.column[kx] = kx - a->pw;
    for (int64_t b = 0; b < blocks; b++) {
        int64_t oy = even_begin(a->oh, blocks, b), end = even_begin(a->oh, blocks, b + 1), iy = oy - a->ph;
        in.from = p->x + iy * a->wd;
        in.first = -iy;
        in.last = a->h - iy;
        several(p, end - oy, &in, oy);
    }
}

/* Any other plane, band by band. */
static void plane_far(const dw_plane *p, dw_rows several, int64_t band)
{
    const scl_args_conv *a = p->a;
    int64_t bands = even_count(a->oh, band);
    dw_input in = {.pitch = p->pitch};
    for (int64_t b = 0; b < bands; b++) {
        int64_t oy = even_begin(a->oh, bands, b), end = even_begin(a->oh, bands, b + 1), iy = oy * a->sh - a->ph;
        for (int64_t i = 0; i < (end - oy - 1) * a->sh + (a->kh - 1) * a->dh + 1; i++)
            row_in(p, iy + i >= 0 && iy + i < a->h ? p->x + (iy + i) * a->wd : NULL, p->band + i * p->pitch,
                   several ? 1 : a->sw);
        in.from = p->band;
        for (int64_t rows; oy < end; oy += rows, in.from += rows * a->sh * p->pitch) {
            rows = !several ? 1 : end - oy < ROWS ? end - oy : ROWS;
            if (several)
                several(p, rows, &in, oy);
            else
                row_out_any(p, in.from, oy);
        }
    }
}

void CONV_DEPTHWISE(const void *args, int tid, int nt)
{
    const scl_args_conv *a = args;
    int64_t begin, end, heap = even_count(a->wd + 2 * a->pw, a->sw) + VL, pitch = a->sw * heap;
    int64_t band = (a->scratch_stride / pitch - (a->kh - 1) * a->dh - 1) / a->sh + 1;
    dw_rows several = NULL;
    if (a->kh == a->kw && a->sh == a->sw && a->dh == 1 && a->dw == 1)
        several = a->kh == 3 ? a->sh == 1 ? rows_out_3_1_1 : a->sh == 2 ? rows_out_3_2_0 : NULL
                : a->kh == 5 ? a->sh == 1 ? rows_out_5_1_1 : a->sh == 2 ? rows_out_5_2_0 : NULL : NULL;
    scl_part(a->n * a->m, 1, tid, nt, &begin, &end);
    for (int64_t i = begin; i < end; i++) {
        int64_t image = i / a->m, m = i % a->m, out = m * a->oh * a->ow;
        dw_plane p = {
            .a = a,
            .x = a->x + image * a->x_stride + m * a->c / a->m * a->h * a->wd,
            .w = (const float *)a->w + m * a->kh * a->kw,
            .band = a->scratch + tid * a->scratch_stride,
            .heap = heap,
            .pitch = pitch,
            .end = {
                .bias = vf_set1(a->bias ? ((const float *)a->bias)[m] : 0),
                .p0 = vf_set1(a->act == SCL_ACT_PRELU ? ((const float *)a->slope)[m] : a->p0),
                .p1 = vf_set1(a->p1),
                .act = a->act,
                .width = a->ow,
                .add = a->add ? a->add + image * a->add_stride + out : NULL,
                .y = a->y + image * a->y_stride + out,
            },
        };
        if (several && a->sh == 1)
            plane_near(&p, several);
        else
            plane_far(&p, several, band);
    }
}
