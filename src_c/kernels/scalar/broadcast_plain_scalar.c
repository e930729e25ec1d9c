/* A tensor and one number for each channel, which another step computed: the reference. */
#include "scl_kernels.h"

void scl_broadcast_plain__scalar(const void *args, int tid, int nt)
{
    const scl_args_broadcast *a = args;
    int64_t begin, end;
    scl_part(a->outer * a->c * a->inner, 16, tid, nt, &begin, &end);
    for (int64_t i = begin; i < end; i++) {
        int64_t row = i / a->inner, outer = row / a->c, channel = row % a->c;
        float s = a->s[outer * a->s_outer * a->c + channel];
        a->y[i] = a->fn == SCL_FN_mul ? a->x[i] * s : a->x[i] + s;
    }
}
