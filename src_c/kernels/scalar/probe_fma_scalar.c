/* Multiply-adds without vectors: eight chains, so that one does not wait for another. */
#include "scl_kernels.h"

enum { CHAINS = 8 };

void scl_probe_fma__scalar(const void *args, int tid, int nt)
{
    const scl_args_probe *p = args;
    const float *x = p->x;
    int64_t begin, end;
    scl_part(p->rows, 1, tid, nt, &begin, &end);
    for (int64_t i = begin * p->k; i < end * p->k; i += CHAINS) {
        const int n = end * p->k - i < CHAINS ? (int)(end * p->k - i) : CHAINS;
        float v[CHAINS] = {0};
        for (int j = 0; j < n; j++)
            v[j] = x[i + j];
        for (int64_t r = 0; r < p->repeats; r++)
            for (int j = 0; j < CHAINS; j++)
                v[j] = v[j] * p->a + p->b;
        for (int j = 0; j < n; j++)
            p->y[i + j] = v[j];
    }
}
