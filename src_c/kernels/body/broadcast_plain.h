/* A tensor and one number for each channel, which another step computed. */
#include "scl_kernels.h"

INLINE vf apply(vf x, vf s, int fn) { return fn == SCL_FN_mul ? vf_mul(x, s) : vf_add(x, s); }

/* [begin, end) of the elements of x(outer, c, inner): runs of one number. */
INLINE void by_pixels(const scl_args_broadcast *a, int64_t begin, int64_t end, int fn)
{
    for (int64_t i = begin; i < end;) {
        int64_t row = scl_div(i, a->inner), stop = (row + 1) * a->inner;
        stop = stop < end ? stop : end;
        vf s = vf_set1(a->s[scl_div(row, a->c) * a->s_outer * a->c + scl_mod(row, a->c)]);
        for (; i + VL <= stop; i += VL)
            vf_store(a->y + i, apply(vf_load(a->x + i), s, fn));
        if (i < stop)
            vf_storen(a->y + i, stop - i, apply(vf_loadn(a->x + i, stop - i), s, fn));
        i = stop;
    }
}

/* The same for inner = 1: neighbours are channels. */
INLINE void by_channels(const scl_args_broadcast *a, int64_t begin, int64_t end, int fn)
{
    for (int64_t i = begin, n; i < end; i += n) {
        int64_t c = scl_mod(i, a->c);
        n = a->c - c < end - i ? a->c - c : end - i;
        n = n < VL ? n : VL;
        vf s = vf_loadn(a->s + scl_div(i, a->c) * a->s_outer * a->c + c, n);
        vf_storen(a->y + i, n, apply(vf_loadn(a->x + i, n), s, fn));
    }
}

INLINE void by_rows(const scl_args_broadcast *a, int tid, int nt, int fn)
{
    int64_t begin, end;
    scl_part(a->outer * a->c * a->inner, VL, tid, nt, &begin, &end);
    if (a->inner == 1)
        by_channels(a, begin, end, fn);
    else
        by_pixels(a, begin, end, fn);
}

void SCL_NAME(scl_broadcast_plain)(const void *args, int tid, int nt)
{
    const scl_args_broadcast *a = args;
    if (a->fn == SCL_FN_mul)
        by_rows(a, tid, nt, SCL_FN_mul);
    else
        by_rows(a, tid, nt, SCL_FN_add);
}
