/* Softmax, the reference. */
#include "scl_kernels.h"
#include <math.h>

/* exp(x - max) over its sum along c, for each of outer x inner. x == y is allowed. */
void scl_softmax_plain__scalar(const void *args, int tid, int nt)
{
    const scl_args_softmax *a = args;
    int64_t begin, end;
    scl_part(a->outer * a->inner, 1, tid, nt, &begin, &end);
    for (int64_t i = begin; i < end; i++) {
        int64_t first = i / a->inner * a->c * a->inner + i % a->inner;
        const float *x = a->x + first;
        float *y = a->y + first;
        float max = -INFINITY;
        double sum = 0;
        for (int64_t c = 0; c < a->c; c++)
            max = x[c * a->inner] > max ? x[c * a->inner] : max;
        for (int64_t c = 0; c < a->c; c++)
            sum += y[c * a->inner] = expf(x[c * a->inner] - max);
        for (int64_t c = 0; c < a->c; c++)
            y[c * a->inner] = (float)(y[c * a->inner] / sum);
    }
}
