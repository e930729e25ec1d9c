/* Reading without vectors: one float at a time, into eight sums. */
#include "scl_kernels.h"

enum { SUMS = 8 };

void scl_probe_read__scalar(const void *args, int tid, int nt)
{
    const scl_args_probe *p = args;
    int64_t begin, end;
    scl_part(p->rows, 1, tid, nt, &begin, &end);
    for (int64_t row = begin; row < end; row++) {
        float sum[SUMS] = {0};
        for (int64_t r = 0; r < p->repeats; r++) {
            const float *x = (const float *)p->x + row * p->k;
            int64_t i = 0;
            for (; i + SUMS <= p->k; i += SUMS)
                for (int j = 0; j < SUMS; j++)
                    sum[j] += x[i + j];
            for (; i < p->k; i++)
                sum[0] += x[i];
        }
        for (int j = 1; j < SUMS; j++)
            sum[0] += sum[j];
        p->y[row] = sum[0];
    }
}
