#include "scl_blas.h"
#include "scl_epilogue.h"
#include "scl_kernels.h"

enum { SLICE_OUTPUTS = 128 };       /* of one product; FcBlas counts them, too */

/* A matrix times the rows of x, by BLAS: w[m][k]. Slices of outputs, always the same, whoever makes them. */
void scl_fc_blas__scalar(const void *args, int tid, int nt)
{
    const scl_args_fc *a = args;
    int64_t begin, end;
    scl_part(a->m, SLICE_OUTPUTS, tid, nt, &begin, &end);
    for (int64_t first = begin; first < end; first += SLICE_OUTPUTS) {
        const int64_t outputs = end - first < SLICE_OUTPUTS ? end - first : SLICE_OUTPUTS;
        scl_blas_rows(a->n, outputs, a->k, (const float *)a->w + first * a->k, a->x, a->y + first, a->m);
        for (int64_t n = 0; n < a->n; n++)
            for (int64_t m = first; m < first + outputs; m++) {
                float *y = a->y + n * a->m + m;
                *y = scl_activate(a->bias ? *y + ((const float *)a->bias)[m] : *y, a->act, a->p0, a->p1, a->slope, m);
            }
    }
}
