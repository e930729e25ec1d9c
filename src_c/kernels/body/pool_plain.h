/* Pooling with Caffe's windows.
 *
 * Small windows stay in registers (window.h). For the others a row of outputs is made in two passes: down the columns of its windows into
 * a row in a buffer, in which everything beyond the image is empty, then along that row. The scalar kernel tells what is right where a
 * window lies outside of the image.
 */
#include "scl_kernels.h"
#include "window.h"

enum { ROW = 1024, BLOCK = 16 };        /* columns in the buffer; rows of outputs that are made together */

/* Rows of outputs of one plane: oy to oy + rows - 1. */
typedef struct { const float *x; float *y; int64_t oy, rows; } block;

/* Cuts rows [*row, end) of the outputs of all planes into blocks; 0 when none is left. */
INLINE int next_block(const scl_args_pool *a, int64_t *row, int64_t end, block *b)
{
    if (*row >= end)
        return 0;
    int64_t plane = scl_div(*row, a->oh), image = scl_div(plane, a->c), channel = plane - image * a->c;
    b->oy = *row - plane * a->oh;
    b->rows = least(least(end - *row, a->oh - b->oy), BLOCK);
    b->x = a->x + image * a->x_stride + channel * a->h * a->wd;
    b->y = a->y + image * a->y_stride + (channel * a->oh + b->oy) * a->ow;
    *row += b->rows;
    return 1;
}

/* The rows of the image that the windows of output row oy see, and their height as Caffe counts it for the divisor. */
typedef struct { int64_t from, count, height; } rows_of;

INLINE rows_of window_rows(const scl_args_pool *a, int64_t oy)
{
    int64_t top = oy * a->sh - a->ph, from = least(most(top, 0), a->h);
    return (rows_of){from, least(top + a->kh, a->h) - from, least(top + a->kh, a->h + a->ph) - top};
}

/* The widths of windows ox, ox + 1 ... for the divisor. */
INLINE vf window_widths(const scl_args_pool *a, int64_t ox)
{
    float width[VL];
    for (int i = 0; i < VL; i++) {
        int64_t left = (ox + i) * a->sw - a->pw;
        width[i] = (float)(least(left + a->kw, a->wd + a->pw) - left);
    }
    return vf_load(width);
}

/* Windows of kw <= 3 with a stride of sw <= 2: a block in strips of one vector. */
INLINE void small_windows(const scl_args_pool *a, int64_t begin, int64_t end, int kw, int sw, int op)
{
    for (block b; next_block(a, &begin, end, &b);)
        for (int64_t ox = 0; ox < a->ow; ox += WINDOW_WHOLE(kw, sw)) {
            int64_t j = ox * sw - a->pw, n = least(a->ow - ox, VL), height = 0;
            window_lanes first = window_columns(j, a->wd), second = window_columns(j + VL, a->wd);
            vf width = op == WINDOW_SUM ? window_widths(a, ox) : vf_zero(), factor = vf_zero();
            float *y = b.y + ox;
            for (int64_t oy = b.oy; oy < b.oy + b.rows; oy++, y += a->ow) {
                rows_of r = window_rows(a, oy);
                const float *x = b.x + r.from * a->wd + j;
                vf v = r.count == kw ? window_small(x, a->wd, kw, first, second, kw, sw, op)
                                     : window_small(x, a->wd, r.count, first, second, kw, sw, op);
                if (op == WINDOW_SUM) {
                    if (r.height != height || oy == b.oy)
                        factor = vf_div(vf_set1(1), vf_mul(width, vf_set1((float)r.height)));
                    height = r.height;
                    v = vf_mul(v, factor);
                }
                vf_storen(y, n, v);     /* lanes that are not whole are written over by the next strip */
            }
        }
}

/* The same for maxima with a mask, and a stride of 2. */
INLINE void masked_windows(const scl_args_pool *a, int64_t begin, int64_t end, int kw)
{
    float *mask = a->mask + begin * a->ow;
    for (block b; next_block(a, &begin, end, &b); mask += b.rows * a->ow)
        for (int64_t ox = 0; ox < a->ow; ox += WINDOW_WHOLE(kw, 2)) {
            int64_t j = ox * 2 - a->pw, n = least(a->ow - ox, VL), at = ox;
            window_lanes first = window_columns(j, a->wd), second = window_columns(j + VL, a->wd);
            for (int64_t oy = b.oy; oy < b.oy + b.rows; oy++, at += a->ow) {
                rows_of r = window_rows(a, oy);
                int64_t place = r.from * a->wd + j;
                window_best v = window_best_small(b.x + place, a->wd, r.count, first, second, place, kw);
                vf_storen(b.y + at, n, v.value);
                vf_storen(mask + at, n, v.place);
            }
        }
}

/* row[j] = all of the windows' rows in column first + j, for j < count; empty where that is no column of the image. */
INLINE void down(float *row, const float *x, rows_of r, int64_t w, int64_t first, int64_t count, int op)
{
    for (int64_t j = 0; j < count; j += VL)
        vf_store(row + j, window_down(x + r.from * w + first + j, w, r.count, window_columns(first + j, w), op));
}

/* Windows of kw columns that begin at columns 0, sw, 2*sw ... < count of `row`, in place. */
INLINE void along(float *row, int64_t count, int64_t kw, int64_t sw, int op)
{
    for (int64_t j = 0; j < count; j += VL) {
        vf all = window_empty(op);
        for (int64_t k = 0; k < kw; k++)
            all = window_join(all, vf_load(row + j + k), op);
        vf_store(row + j, all);
    }
    for (int64_t o = 1; sw > 1 && o * sw < count; o++)
        row[o] = row[o * sw];
}

/* Windows of any stride, and of any width that the buffer holds; columns [from, to) of the outputs. */
INLINE void wide_windows(const scl_args_pool *a, int64_t begin, int64_t end, int64_t from, int64_t to, int op)
{
    float row[2 * ROW + 2 * VL];
    int64_t first = from * a->sw - a->pw, count = (to - from - 1) * a->sw + 1;
    for (block b; next_block(a, &begin, end, &b);)
        for (int64_t oy = b.oy; oy < b.oy + b.rows; oy++, b.y += a->ow) {
            rows_of r = window_rows(a, oy);
            down(row, b.x, r, a->wd, first, count + a->kw - 1, op);
            along(row, count, a->kw, a->sw, op);
            for (int64_t ox = from; ox < to; ox += VL) {
                vf v = vf_load(row + ox - from);
                if (op == WINDOW_SUM)
                    v = vf_div(v, vf_mul(window_widths(a, ox), vf_set1((float)r.height)));
                vf_storen(b.y + ox, least(to - ox, VL), v);
            }
        }
}

/* Every window is the whole plane. */
INLINE void whole_planes(const scl_args_pool *a, int64_t begin, int64_t end, int op)
{
    int64_t size = a->h * a->wd, whole = size / VL * VL, i;
    float count = (float)((least(a->kh, a->h + 2 * a->ph)) * least(a->kw, a->wd + 2 * a->pw));
    for (int64_t plane = begin; plane < end; plane++) {
        int64_t image = scl_div(plane, a->c), channel = plane - image * a->c;
        const float *x = a->x + image * a->x_stride + channel * size;
        vf even = window_empty(op), odd = even;
        for (i = 0; i + 2 * VL <= whole; i += 2 * VL) {
            even = window_add(vf_load(x + i), even, op);
            odd = window_add(vf_load(x + i + VL), odd, op);
        }
        if (i < whole)
            even = window_add(vf_load(x + i), even, op);
        vf tail = vf_loadn(x + whole, size - whole);
        odd = window_add(op == WINDOW_MAX ? vf_select(vm_first(size - whole), tail, odd) : tail, odd, op);
        even = window_join(even, odd, op);
        a->y[image * a->y_stride + channel] = op == WINDOW_MAX ? vf_hmax(even) : vf_hsum(even) / count;
    }
}

/* Rows [begin, end), window by window, with or without a mask. */
static void single_windows(const scl_args_pool *a, int64_t begin, int64_t end)
{
    float *mask = a->mask ? a->mask + begin * a->ow : NULL;
    for (block b; next_block(a, &begin, end, &b);)
        for (int64_t oy = b.oy; oy < b.oy + b.rows; oy++)
            for (int64_t ox = 0; ox < a->ow; ox++) {
                rows_of r = window_rows(a, oy);
                int64_t left = ox * a->sw - a->pw, right = least(left + a->kw, a->wd + a->pw), at = -1;
                float best = -FLT_MAX, sum = 0;
                for (int64_t i = r.from; i < r.from + r.count; i++)
                    for (int64_t j = most(left, 0); j < least(right, a->wd); j++) {
                        float v = b.x[i * a->wd + j];
                        sum += v;
                        at = v > best ? i * a->wd + j : at;
                        best = v > best ? v : best;
                    }
                *b.y++ = a->ave ? sum / (float)(r.height * (right - left)) : best;
                if (mask)
                    *mask++ = (float)at;
            }
}

INLINE void by_shape(const scl_args_pool *a, int tid, int nt, int op)
{
    int64_t begin, end;
    if (a->oh == 1 && a->ow == 1 && a->kh - a->ph >= a->h && a->kw - a->pw >= a->wd && !a->mask) {
        scl_part(a->n * a->c, 1, tid, nt, &begin, &end);
        whole_planes(a, begin, end, op);
        return;
    }
    scl_part(a->n * a->c * a->oh, 1, tid, nt, &begin, &end);
    int masked = a->mask && a->h * a->wd <= 1 << 24;        /* a float counts no further */
    if (masked && a->kw == 2 && a->sw == 2) {
        masked_windows(a, begin, end, 2);
    } else if (masked && a->kw == 3 && a->sw == 2) {
        masked_windows(a, begin, end, 3);
    } else if (a->mask || a->kw > ROW || a->sw > ROW) {
        single_windows(a, begin, end);
    } else if (a->kw == 3 && a->sw == 2) {
        small_windows(a, begin, end, 3, 2, op);
    } else if (a->kw == 3 && a->sw == 1) {
        small_windows(a, begin, end, 3, 1, op);
    } else if (a->kw == 2 && a->sw == 2) {
        small_windows(a, begin, end, 2, 2, op);
    } else if (a->kw == 2 && a->sw == 1) {
        small_windows(a, begin, end, 2, 1, op);
    } else {
        int64_t step = (ROW - 1) / a->sw + 1;
        for (int64_t from = 0; from < a->ow; from += step)
            wide_windows(a, begin, end, from, least(from + step, a->ow), op);
    }
}

void SCL_NAME(scl_pool_plain)(const void *args, int tid, int nt)
{
    const scl_args_pool *a = args;
    if (a->ave)
        by_shape(a, tid, nt, WINDOW_SUM);
    else
        by_shape(a, tid, nt, WINDOW_MAX);
}
