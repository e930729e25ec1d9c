#include "scl_epilogue.h"
#include "scl_kernels.h"

/* A matrix times the rows of x: w[m][k]. */
void scl_fc_dense__scalar(const void *args, int tid, int nt)
{
    const scl_args_fc *a = args;
    int64_t begin, end;
    scl_part(a->m, 1, tid, nt, &begin, &end);
    for (int64_t n = 0; n < a->n; n++)
        for (int64_t m = begin; m < end; m++) {
            const float *w = (const float *)a->w + m * a->k, *x = a->x + n * a->k;
            float sum = 0;
            for (int64_t k = 0; k < a->k; k++)
                sum += w[k] * x[k];
            if (a->bias)
                sum += ((const float *)a->bias)[m];
            a->y[n * a->m + m] = scl_activate(sum, a->act, a->p0, a->p1, a->slope, m);
        }
}
