/* Products by the BLAS that SciPy brings, through the pointers that scipy.linalg.cython_blas gives out (scalpel_rt/runtime/blas.py).
 *
 * Its bits hang on the shape of a call, so a kernel that uses it makes the same calls however its work is cut into parts. */
#ifndef SCL_BLAS_H
#define SCL_BLAS_H

#include <stdint.h>

typedef void (*scl_sgemm)(char *transa, char *transb, int *m, int *n, int *k, float *alpha, float *a, int *lda, float *b, int *ldb,
                          float *beta, float *c, int *ldc);
typedef void (*scl_sgemv)(char *trans, int *m, int *n, float *alpha, float *a, int *lda, float *x, int *incx, float *beta, float *y,
                          int *incy);

/* Before any of the products below. */
void scl_blas_use(scl_sgemm sgemm, scl_sgemv sgemv);

/* y[m][n] = a[m][k] * b[k][n], rows of b and y so many elements apart. Nothing may be too large for an int. */
void scl_blas_product(int64_t m, int64_t n, int64_t k, const float *a, const float *b, int64_t b_row, float *y, int64_t y_row);

/* y[n][m] = x[n][k] * w[m][k] transposed, rows of y so many elements apart. */
void scl_blas_rows(int64_t n, int64_t m, int64_t k, const float *w, const float *x, float *y, int64_t y_row);

#endif
