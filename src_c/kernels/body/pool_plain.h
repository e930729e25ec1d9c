/* Pooling with Caffe's windows.
 *
 * A row of outputs is made in two passes: down the columns of its windows into a row in a buffer, in which everything beyond the image
 * holds what changes nothing (-FLT_MAX or 0), then along that row, window by window. The scalar kernel tells what is right where a window
 * lies outside of the image. Maxima with a mask carry the place of each maximum along.
 */
#include "scl_kernels.h"
#include <float.h>

enum { ROW = 1024 };                    /* columns in the buffer; wider windows go one by one */

INLINE vf combine(vf a, vf b, int ave) { return ave ? vf_add(a, b) : vf_max(a, b); }

static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }

/* buffer[j] = all of x[i][first + j], top <= i < bottom, for j < count; `nothing` where first + j is no column of the image. */
INLINE void down(float *buffer, const float *x, int64_t w, int64_t top, int64_t bottom, int64_t first, int64_t count, int ave)
{
    vf nothing = vf_set1(ave ? 0 : -FLT_MAX);
    int64_t from = least(most(-first, 0), count), to = most(least(w - first, count), from), j = from;
    for (int64_t i = 0; i < from; i += VL)
        vf_store(buffer + i, nothing);
    for (; j < to; j += VL) {
        int64_t n = least(to - j, VL);
        vf a = nothing;
        for (int64_t i = top; i < bottom; i++)
            a = combine(n == VL ? vf_load(x + i * w + first + j) : vf_loadn(x + i * w + first + j, n), a, ave);
        vf_store(buffer + j, a);
    }
    for (j = to; j < count; j += VL)
        vf_store(buffer + j, nothing);
}

/* All of buffer[(o + i)*sw + k], k < kw, in lanes i < n. */
INLINE vf along(const float *buffer, int64_t o, int64_t n, int64_t kw, int64_t sw, int ave)
{
    vf a = vf_set1(ave ? 0 : -FLT_MAX);
    const float *p = buffer + o * sw;
    int64_t k = 0;
    if (sw == 1) {
        for (; k < kw; k++)
            a = combine(vf_load(p + k), a, ave);
    } else if (sw == 2) {
        for (; k + 2 <= kw; k += 2) {
            vf lo = vf_load(p + k), hi = vf_load(p + k + VL);
            a = combine(vf_even(lo, hi), a, ave);
            a = combine(vf_odd(lo, hi), a, ave);
        }
        if (k < kw)
            a = combine(vf_even(vf_load(p + k), vf_load(p + k + VL)), a, ave);
    } else {
        float lanes[VL] = {0};
        for (; k < kw; k++) {
            for (int i = 0; i < n; i++)
                lanes[i] = p[i * sw + k];
            a = combine(vf_load(lanes), a, ave);
        }
    }
    return a;
}

/* Rows [begin, end) of the outputs of all planes, columns [from, to), by way of the buffer. */
INLINE void rows(const scl_args_pool *a, int64_t begin, int64_t end, int64_t from, int64_t to, int64_t kw, int64_t sw, int ave)
{
    float buffer[ROW + 3 * VL], width[ROW + VL];
    int64_t first = from * sw - a->pw, count = (to - from - 1) * sw + kw;
    for (int64_t o = 0; o < to - from; o++) {
        int64_t left = first + o * sw;
        width[o] = (float)(least(left + kw, a->wd + a->pw) - left);
    }
    for (int64_t row = begin; row < end; row++) {
        int64_t plane = row / a->oh, oy = row % a->oh, image = plane / a->c, channel = plane % a->c;
        const float *x = a->x + image * a->x_stride + channel * a->h * a->wd;
        float *y = a->y + image * a->y_stride + (channel * a->oh + oy) * a->ow + from;
        int64_t top = oy * a->sh - a->ph;
        vf height = vf_set1((float)(least(top + a->kh, a->h + a->ph) - top));
        down(buffer, x, a->wd, most(top, 0), least(top + a->kh, a->h), first, count, ave);
        for (int64_t o = 0; o < to - from; o += VL) {
            int64_t n = least(to - from - o, VL);
            vf v = along(buffer, o, n, kw, sw, ave);
            if (ave)
                v = vf_div(v, vf_mul(vf_load(width + o), height));
            vf_storen(y + o, n, v);
        }
    }
}

/* Every window is the whole plane. */
INLINE void planes(const scl_args_pool *a, int64_t begin, int64_t end, int ave)
{
    int64_t size = a->h * a->wd, whole = size / VL * VL, i;
    float count = (float)((least(a->kh - a->ph, a->h + a->ph) + a->ph) * (least(a->kw - a->pw, a->wd + a->pw) + a->pw));
    for (int64_t plane = begin; plane < end; plane++) {
        const float *x = a->x + plane / a->c * a->x_stride + plane % a->c * size;
        vf even = vf_set1(ave ? 0 : -FLT_MAX), odd = even;
        for (i = 0; i + 2 * VL <= whole; i += 2 * VL) {
            even = combine(vf_load(x + i), even, ave);
            odd = combine(vf_load(x + i + VL), odd, ave);
        }
        if (i < whole)
            even = combine(vf_load(x + i), even, ave);
        vf tail = vf_loadn(x + whole, size - whole);
        if (!ave)
            tail = vf_select(vm_first(size - whole), tail, odd);
        even = combine(tail, combine(odd, even, ave), ave);
        a->y[plane / a->c * a->y_stride + plane % a->c] = ave ? vf_hsum(even) / count : vf_hmax(even);
    }
}

/* One row of outputs, window by window, with or without a mask. */
static void windows(const scl_args_pool *a, int64_t row)
{
    int64_t plane = row / a->oh, oy = row % a->oh, image = plane / a->c, channel = plane % a->c;
    const float *x = a->x + image * a->x_stride + channel * a->h * a->wd;
    float *y = a->y + image * a->y_stride + (channel * a->oh + oy) * a->ow;
    int64_t top = oy * a->sh - a->ph, bottom = least(top + a->kh, a->h + a->ph);
    for (int64_t ox = 0; ox < a->ow; ox++) {
        int64_t left = ox * a->sw - a->pw, right = least(left + a->kw, a->wd + a->pw), at = -1;
        float best = -FLT_MAX, sum = 0;
        for (int64_t i = most(top, 0); i < least(bottom, a->h); i++)
            for (int64_t j = most(left, 0); j < least(right, a->wd); j++) {
                float v = x[i * a->wd + j];
                sum += v;
                at = v > best ? i * a->wd + j : at;
                best = v > best ? v : best;
            }
        y[ox] = a->ave ? sum / (float)((bottom - top) * (right - left)) : best;
        if (a->mask)
            a->mask[row * a->ow + ox] = (float)at;
    }
}

INLINE void by_method(const scl_args_pool *a, int tid, int nt, int ave)
{
    int64_t begin, end;
    if (a->oh == 1 && a->ow == 1 && a->kh - a->ph >= a->h && a->kw - a->pw >= a->wd && !a->mask) {
        scl_part(a->n * a->c, 1, tid, nt, &begin, &end);
        planes(a, begin, end, ave);
        return;
    }
    scl_part(a->n * a->c * a->oh, 1, tid, nt, &begin, &end);
    if (a->mask || a->kw > ROW) {
        for (int64_t row = begin; row < end; row++)
            windows(a, row);
        return;
    }
    int64_t most_columns = (ROW - a->kw) / a->sw + 1;
    for (int64_t from = 0; from < a->ow; from += most_columns) {
        int64_t to = least(from + most_columns, a->ow);
        if (a->sw == 2 && a->kw == 2)
            rows(a, begin, end, from, to, 2, 2, ave);
        else if (a->sw == 2 && a->kw == 3)
            rows(a, begin, end, from, to, 3, 2, ave);
        else if (a->sw == 1 && a->kw == 3)
            rows(a, begin, end, from, to, 3, 1, ave);
        else
            rows(a, begin, end, from, to, a->kw, a->sw, ave);
    }
}

void SCL_NAME(scl_pool_plain)(const void *args, int tid, int nt)
{
    const scl_args_pool *a = args;
    if (a->ave)
        by_method(a, tid, nt, 1);
    else
        by_method(a, tid, nt, 0);
}
