/* Rows less their mean, over their deviation: the reference. */
#include "scl_kernels.h"
#include <math.h>

void scl_mvn_plain__scalar(const void *args, int tid, int nt)
{
    const scl_args_mvn *a = args;
    int64_t begin, end;
    scl_part(a->rows, 1, tid, nt, &begin, &end);
    for (int64_t row = begin; row < end; row++) {
        const float *x = a->x + row * a->k;
        float *y = a->y + row * a->k;
        double mean = 0, variance = 0;
        for (int64_t i = 0; i < a->k; i++)
            mean += x[i];
        mean /= (double)a->k;
        for (int64_t i = 0; i < a->k; i++)
            variance += (x[i] - mean) * (x[i] - mean);
        double divisor = a->variance ? sqrt(variance / (double)a->k) + a->eps : 1;
        for (int64_t i = 0; i < a->k; i++)
            y[i] = (float)((x[i] - mean) / divisor);
    }
}
