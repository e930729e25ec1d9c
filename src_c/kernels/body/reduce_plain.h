/* Sums and maxima over an axis: lanes along the pixels where there are any, else along the axis. */
#include "scl_kernels.h"
#include "total.h"

/* The greatest so far and where it was; of equals the last, and NaN before all. */
typedef struct { vf value, place; } greatest;

INLINE void greatest_add(greatest *g, vf x, vf place)
{
    vm up = vm_or(vf_le(g->value, x), vf_is_nan(x));
    g->value = vf_select(up, x, g->value);
    g->place = vf_select(up, place, g->place);
}

/* One row: each lane looks at every VL-th element, then the lanes are compared. */
static float row_greatest(const float *x, int64_t c, int fn)
{
    float value[VL], place[VL];
    for (int i = 0; i < VL; i++)
        place[i] = (float)i;
    vf here = vf_load(place);
    greatest g = {vf_set1(-INFINITY), here};
    for (int64_t i = 0; i < c; i += VL, here = vf_add(here, vf_set1(VL))) {
        int64_t n = c - i < VL ? c - i : VL;
        vf v = vf_select(vm_first(n), vf_loadn(x + i, n), vf_set1(-INFINITY));
        greatest_add(&g, v, vf_select(vm_first(n), here, g.place));
    }
    vf_store(value, g.value);
    vf_store(place, g.place);
    int best = 0;
    for (int i = 1; i < VL && i < c; i++) {
        int nan = isnan(value[i]), other = isnan(value[best]), equal = nan ? other : value[i] == value[best];
        if (equal ? place[i] > place[best] : nan || value[i] > value[best])
            best = i;
    }
    return fn == SCL_FN_max ? value[best] : place[best];
}

INLINE void by_rows(const scl_args_reduce *a, int tid, int nt, int fn)
{
    int64_t begin, end;
    scl_part(a->outer, 1, tid, nt, &begin, &end);
    for (int64_t o = begin; o < end; o++) {
        const float *x = a->x + o * a->c;
        a->y[o] = fn == SCL_FN_max || fn == SCL_FN_argmax ? row_greatest(x, a->c, fn) : (float)(total(x, a->c, 0, fn) * a->coeff);
    }
}

INLINE void by_pixels(const scl_args_reduce *a, int tid, int nt, int fn)
{
    int64_t strips = (a->inner + VL - 1) / VL, begin, end;
    scl_part(a->outer * strips, 1, tid, nt, &begin, &end);
    for (int64_t s = begin; s < end; s++) {
        int64_t o = scl_div(s, strips), first = (s - o * strips) * VL, n = a->inner - first < VL ? a->inner - first : VL;
        const float *x = a->x + o * a->c * a->inner + first;
        greatest g = {vf_set1(-INFINITY), vf_zero()};
        vf sum = vf_zero(), place = vf_zero();
        for (int64_t c = 0; c < a->c; c++, x += a->inner) {
            vf v = n == VL ? vf_load(x) : vf_loadn(x, n);
            if (fn == SCL_FN_max || fn == SCL_FN_argmax) {
                greatest_add(&g, v, place);
                place = vf_add(place, vf_set1(1));
            } else {
                sum = total_add(sum, v, fn);
            }
        }
        vf y = fn == SCL_FN_max ? g.value : fn == SCL_FN_argmax ? g.place : vf_mul(sum, vf_set1(a->coeff));
        vf_storen(a->y + o * a->inner + first, n, y);
    }
}

INLINE void by_shape(const scl_args_reduce *a, int tid, int nt, int fn)
{
    if (a->inner == 1)
        by_rows(a, tid, nt, fn);
    else
        by_pixels(a, tid, nt, fn);
}

void SCL_NAME(scl_reduce_plain)(const void *args, int tid, int nt)
{
    const scl_args_reduce *a = args;
    switch (a->fn) {
    case SCL_FN_asum: by_shape(a, tid, nt, SCL_FN_asum); break;
    case SCL_FN_sumsq: by_shape(a, tid, nt, SCL_FN_sumsq); break;
    case SCL_FN_max: by_shape(a, tid, nt, SCL_FN_max); break;
    case SCL_FN_argmax: by_shape(a, tid, nt, SCL_FN_argmax); break;
    default: by_shape(a, tid, nt, SCL_FN_sum); break;
    }
}
