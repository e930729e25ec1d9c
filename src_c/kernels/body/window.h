/* What sliding windows over a plane have in common: pooling, and normalisation within a channel. */
#ifndef WINDOW_H
#define WINDOW_H

#include <float.h>
#include <stdint.h>

enum window_op { WINDOW_MAX, WINDOW_SUM, WINDOW_SQUARES };

static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }

/* What a window holds before its first element, and where it lies beyond the image. */
INLINE vf window_empty(int op) { return vf_set1(op == WINDOW_MAX ? -FLT_MAX : 0); }

/* One more element x; a maximum ignores NaN. */
INLINE vf window_add(vf x, vf all, int op)
{
    return op == WINDOW_MAX ? vf_max(x, all) : op == WINDOW_SUM ? vf_add(all, x) : vf_fma(x, x, all);
}

/* Two parts of a window. */
INLINE vf window_join(vf a, vf b, int op) { return op == WINDOW_MAX ? vf_max(a, b) : vf_add(a, b); }

/* VL neighbouring columns, of which lanes lo to hi-1 lie in the image. */
typedef struct { int lo, hi; } window_lanes;

INLINE window_lanes window_columns(int64_t j, int64_t w)
{
    int64_t lo = least(most(-j, 0), VL);
    return (window_lanes){(int)lo, (int)most(least(w - j, VL), lo)};
}

/* All of x[i*w + lane], i < rows, in each lane; those beyond the image are empty. */
INLINE vf window_down(const float *x, int64_t w, int64_t rows, window_lanes at, int op)
{
    vf all = window_empty(op);
    if (at.lo == 0 && at.hi == VL) {
        for (int64_t i = 0; i < rows; i++)
            all = window_add(vf_load(x + i * w), all, op);
        return all;
    }
    for (int64_t i = 0; i < rows; i++)
        all = window_add(vf_load_range(x + i * w, at.lo, at.hi), all, op);
    return op == WINDOW_MAX ? vf_select(vm_range(at.lo, at.hi), all, window_empty(op)) : all;
}

/* The most common windows, kw <= 3 columns wide with a stride of sw <= 2, stay in registers: the first of the VL lanes hold windows that
 * begin at column 0, sw, 2*sw ... of x, whose first VL columns lie in the image as `a` tells, and the next as `b` does. WINDOW_WHOLE says
 * how many of them are whole; the others are to be thrown away. */
#define WINDOW_WHOLE(kw, sw) ((sw) == 1 ? VL - (kw) + 1 : (kw) == 3 ? VL - 1 : VL)

INLINE vf window_small(const float *x, int64_t w, int64_t rows, window_lanes a, window_lanes b, int kw, int sw, int op)
{
    vf v = window_down(x, w, rows, a, op);
    if (sw == 1) {
        vf second = vf_rotate(v);
        v = window_join(v, second, op);
        return kw == 3 ? window_join(v, vf_rotate(second), op) : v;
    }
    vf u = b.hi > b.lo ? window_down(x + VL, w, rows, b, op) : window_empty(op);
    vf even = vf_even(v, u), odd = vf_odd(v, u);
    v = window_join(even, odd, op);
    return kw == 3 ? window_join(v, vf_rotate(even), op) : v;
}

/* Maxima, and where in the plane each was found first; -1 where there is none. */
typedef struct { vf value, place; } window_best;

/* window_down for maxima with their places; `place` is that of x's first lane. */
INLINE window_best window_best_down(const float *x, int64_t w, int64_t rows, window_lanes at, int64_t place)
{
    static const float lanes[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    window_best best = {window_empty(WINDOW_MAX), vf_set1(-1)};
    vf here = vf_add(vf_set1((float)place), vf_load(lanes)), none = best.value;
    vm inside = vm_range(at.lo, at.hi);
    int whole = at.lo == 0 && at.hi == VL;
    for (int64_t i = 0; i < rows; i++) {
        vf v = whole ? vf_load(x + i * w) : vf_select(inside, vf_load_range(x + i * w, at.lo, at.hi), none);
        vm above = vf_lt(best.value, v);
        best.value = vf_select(above, v, best.value);
        best.place = vf_select(above, here, best.place);
        here = vf_add(here, vf_set1((float)w));
    }
    return best;
}

/* The larger; of equals the one that comes first in the plane. */
INLINE window_best window_best_join(window_best a, window_best b)
{
    vm better = vm_or(vf_lt(a.value, b.value), vm_and(vf_eq(a.value, b.value), vf_lt(b.place, a.place)));
    return (window_best){vf_select(better, b.value, a.value), vf_select(better, b.place, a.place)};
}

INLINE window_best window_best_rotate(window_best a) { return (window_best){vf_rotate(a.value), vf_rotate(a.place)}; }

/* window_small for maxima with their places, for a stride of 2. */
INLINE window_best window_best_small(const float *x, int64_t w, int64_t rows, window_lanes a, window_lanes b, int64_t place, int kw)
{
    window_best v = window_best_down(x, w, rows, a, place), u = window_best_down(x + VL, w, rows, b, place + VL);
    window_best even = {vf_even(v.value, u.value), vf_even(v.place, u.place)};
    v = window_best_join(even, (window_best){vf_odd(v.value, u.value), vf_odd(v.place, u.place)});
    return kw == 3 ? window_best_join(v, window_best_rotate(even)) : v;
}

#endif
