/* Vectors along an axis to length 1: the reference. */
#include "scl_kernels.h"
#include <math.h>

void scl_norm_plain__scalar(const void *args, int tid, int nt)
{
    const scl_args_norm *a = args;
    const float *scale = a->scale;
    int64_t begin, end;
    scl_part(a->outer * a->inner, 1, tid, nt, &begin, &end);
    for (int64_t i = begin; i < end; i++) {
        int64_t first = i / a->inner * a->c * a->inner + i % a->inner;
        const float *x = a->x + first;
        float *y = a->y + first;
        double sum = 0;
        for (int64_t c = 0; c < a->c; c++)
            sum += (double)x[c * a->inner] * x[c * a->inner];
        double length = sqrt(!a->guard ? sum + a->eps : sum > a->eps ? sum : 1);
        for (int64_t c = 0; c < a->c; c++)
            y[c * a->inner] = (float)(x[c * a->inner] / length * (scale ? scale[c] : 1));
    }
}
