/* A scale and a shift for each channel, then an activation. */
#include "scl_kernels.h"

/* What one lane's channel does; absent factors are 1 and absent terms -0, so that they change no bit. */
typedef struct { vf scale, shift, p0, p1; } channel;

INLINE vf apply(vf x, const channel *k, int act) { return vf_activate(vf_fma(x, k->scale, k->shift), act, k->p0, k->p1); }

/* [begin, end) of the elements of x(outer, c, inner): runs of one channel. */
INLINE void by_pixels(const scl_args_affine *a, int64_t begin, int64_t end, int act)
{
    const float *scale = a->scale, *shift = a->shift, *slope = a->slope;
    for (int64_t i = begin; i < end;) {
        int64_t row = scl_div(i, a->inner), stop = (row + 1) * a->inner, c = scl_mod(row, a->c);
        stop = stop < end ? stop : end;
        channel k = {vf_set1(scale ? scale[c] : 1), vf_set1(shift ? shift[c] : -0.0f),
                     vf_set1(a->act == SCL_ACT_PRELU ? slope[c] : a->p0), vf_set1(a->p1)};
        for (; i + VL <= stop; i += VL)
            vf_store(a->y + i, apply(vf_load(a->x + i), &k, act));
        if (i < stop)
            vf_storen(a->y + i, stop - i, apply(vf_loadn(a->x + i, stop - i), &k, act));
        i = stop;
    }
}

/* The same for inner = 1: neighbours are channels. */
INLINE void by_channels(const scl_args_affine *a, int64_t begin, int64_t end, int act)
{
    const float *scale = a->scale, *shift = a->shift, *slope = a->slope;
    channel k = {vf_set1(1), vf_set1(-0.0f), vf_set1(a->p0), vf_set1(a->p1)};
    for (int64_t i = begin; i < end;) {
        int64_t c = scl_mod(i, a->c), stop = i - c + a->c, n;
        stop = stop < end ? stop : end;
        for (; i < stop; i += n, c += n) {
            n = stop - i < VL ? stop - i : VL;
            k.scale = scale ? vf_loadn(scale + c, n) : k.scale;
            k.shift = shift ? vf_loadn(shift + c, n) : k.shift;
            k.p0 = a->act == SCL_ACT_PRELU ? vf_loadn(slope + c, n) : k.p0;
            vf_storen(a->y + i, n, apply(vf_loadn(a->x + i, n), &k, act));
        }
    }
}

INLINE void by_rows(const scl_args_affine *a, int tid, int nt, int act)
{
    int64_t begin, end;
    scl_part(a->outer * a->c * a->inner, VL, tid, nt, &begin, &end);
    if (a->inner == 1)
        by_channels(a, begin, end, act);
    else
        by_pixels(a, begin, end, act);
}

void SCL_NAME(scl_affine_plain)(const void *args, int tid, int nt)
{
    const scl_args_affine *a = args;
    switch (a->act) {
    case SCL_ACT_RELU:
    case SCL_ACT_PRELU: by_rows(a, tid, nt, SCL_ACT_RELU); break;
    case SCL_ACT_CLIP: by_rows(a, tid, nt, SCL_ACT_CLIP); break;
    default: by_rows(a, tid, nt, SCL_ACT_NONE); break;
    }
}
