/* How fast this machine reads: eight vectors at a time, one after another, each added to a sum of its own. */
#include "scl_kernels.h"

enum { SUMS = 8 };

void SCL_NAME(scl_probe_read)(const void *args, int tid, int nt)
{
    const scl_args_probe *p = args;
    int64_t begin, end;
    scl_part(p->rows, 1, tid, nt, &begin, &end);
    for (int64_t row = begin; row < end; row++) {
        vf sum[SUMS];
        for (int j = 0; j < SUMS; j++)
            sum[j] = vf_zero();
        for (int64_t r = 0; r < p->repeats; r++) {
            const float *x = (const float *)p->x + row * p->k;
            int64_t left = p->k;
            for (; left >= SUMS * VL; left -= SUMS * VL, x += SUMS * VL)
                for (int j = 0; j < SUMS; j++)
                    sum[j] = vf_add(sum[j], vf_load(x + j * VL));
            for (; left > 0; left -= VL, x += VL)
                sum[0] = vf_add(sum[0], vf_loadn(x, left < VL ? left : VL));
        }
        for (int j = 1; j < SUMS; j++)
            sum[0] = vf_add(sum[0], sum[j]);
        p->y[row] = vf_hsum(sum[0]);
    }
}
