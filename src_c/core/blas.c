#include "scl_blas.h"

#include <string.h>

static scl_sgemm gemm;
static scl_sgemv gemv;

void scl_blas_use(scl_sgemm sgemm, scl_sgemv sgemv)
{
    gemm = sgemm;
    gemv = sgemv;
}

/* BLAS counts by columns: a matrix with rows is to it the transposed one. It does not say that it only reads. */
void scl_blas_product(int64_t m, int64_t n, int64_t k, const float *a, const float *b, int64_t b_row, float *y, int64_t y_row)
{
    int rows = (int)m, columns = (int)n, depth = (int)k, ldb = (int)b_row, ldy = (int)y_row;
    float one = 1, zero = 0;
    gemm("N", "N", &columns, &rows, &depth, &one, (float *)b, &ldb, (float *)a, &depth, &zero, y, &ldy);
}

void scl_blas_rows(int64_t n, int64_t m, int64_t k, const float *w, const float *x, float *y, int64_t y_row)
{
    int rows = (int)m, images = (int)n, depth = (int)k, ldy = (int)y_row, step = 1;
    float one = 1, zero = 0;
    if (n > 1) {
        gemm("T", "N", &rows, &images, &depth, &one, (float *)w, &depth, (float *)x, &depth, &zero, y, &ldy);
        return;
    }
    memset(y, 0, (size_t)m * sizeof *y);    /* some versions multiply by `zero` what is there, also NaN */
    gemv("T", &depth, &rows, &one, (float *)w, &depth, (float *)x, &step, &zero, y, &step);
}
