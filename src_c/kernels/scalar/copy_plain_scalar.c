/* Copies of up to six dimensions between any strides: the reference. */
#include "scl_kernels.h"

void scl_copy_plain__scalar(const void *args, int tid, int nt)
{
    const scl_args_copy *a = args;
    const int64_t d[5] = {a->d0, a->d1, a->d2, a->d3, a->d4};
    const int64_t xs[5] = {a->xs0, a->xs1, a->xs2, a->xs3, a->xs4}, ys[5] = {a->ys0, a->ys1, a->ys2, a->ys3, a->ys4};
    int64_t begin, end;
    scl_part(d[0] * d[1] * d[2] * d[3] * d[4], 1, tid, nt, &begin, &end);
    for (int64_t row = begin; row < end; row++) {
        const float *x = a->x + a->x_offset;
        float *y = a->y + a->y_offset;
        int64_t left = row;
        for (int i = 4; i >= 0; i--) {
            x += left % d[i] * xs[i];
            y += left % d[i] * ys[i];
            left /= d[i];
        }
        for (int64_t i = 0; i < a->d5; i++)
            y[i * a->ys5] = x[i * a->xs5];
    }
}
