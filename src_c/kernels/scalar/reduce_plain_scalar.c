/* Sums and maxima over an axis, the reference. */
#include "scl_kernels.h"
#include <math.h>

/* Whether b, which comes after a, is at least as great: NaN is the greatest. */
static int not_less(float b, float a) { return isnan(b) || b >= a; }

void scl_reduce_plain__scalar(const void *args, int tid, int nt)
{
    const scl_args_reduce *a = args;
    int64_t begin, end;
    scl_part(a->outer * a->inner, 1, tid, nt, &begin, &end);
    for (int64_t i = begin; i < end; i++) {
        const float *x = a->x + i / a->inner * a->c * a->inner + i % a->inner;
        float max = -INFINITY;
        int64_t at = 0;
        double sum = 0;
        for (int64_t c = 0; c < a->c; c++) {
            double v = x[c * a->inner];
            sum += a->fn == SCL_FN_asum ? fabs(v) : a->fn == SCL_FN_sumsq ? v * v : v;
            if (not_less(x[c * a->inner], max)) {
                max = x[c * a->inner];
                at = c;
            }
        }
        a->y[i] = a->fn == SCL_FN_max ? max : a->fn == SCL_FN_argmax ? (float)at : (float)(sum * a->coeff);
    }
}
