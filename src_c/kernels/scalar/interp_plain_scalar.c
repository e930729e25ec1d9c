/* Bilinear resizing, the reference. */
#include "scl_kernels.h"

/* The point `part` of the way from a to b; exactly a for 0. */
static float between(float a, float b, float part) { return (1 - part) * a + part * b; }

void scl_interp_plain__scalar(const void *args, int tid, int nt)
{
    const scl_args_interp *a = args;
    const int32_t *y_low = a->y_low, *y_high = a->y_high, *x_low = a->x_low, *x_high = a->x_high;
    const float *y_part = a->y_part, *x_part = a->x_part;
    int64_t begin, end;
    scl_part(a->planes * a->oh, 1, tid, nt, &begin, &end);
    for (int64_t row = begin; row < end; row++) {
        int64_t i = row % a->oh;
        const float *plane = a->x + row / a->oh * a->h * a->wd;
        const float *low = plane + y_low[i] * a->wd, *high = plane + y_high[i] * a->wd;
        for (int64_t j = 0; j < a->ow; j++)
            a->y[row * a->ow + j] = between(between(low[x_low[j]], low[x_high[j]], x_part[j]),
                                            between(high[x_low[j]], high[x_high[j]], x_part[j]), y_part[i]);
    }
}
