/* A scale and a shift for each channel, then an activation: the reference. */
#include "scl_epilogue.h"
#include "scl_kernels.h"

void scl_affine_plain__scalar(const void *args, int tid, int nt)
{
    const scl_args_affine *a = args;
    const float *scale = a->scale, *shift = a->shift;
    int64_t begin, end;
    scl_part(a->outer * a->c * a->inner, 16, tid, nt, &begin, &end);
    for (int64_t i = begin; i < end; i++) {
        int64_t channel = i / a->inner % a->c;
        float v = a->x[i];
        v = scale ? v * scale[channel] : v;
        v = shift ? v + shift[channel] : v;
        a->y[i] = scl_activate(v, a->act, a->p0, a->p1, a->slope, channel);
    }
}
