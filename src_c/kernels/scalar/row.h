/* Some outputs of a row, made together by the scalar convolutions: weight by weight, since memory is then read in order. */
#ifndef ROW_H
#define ROW_H

#include "scl_epilogue.h"
#include "scl_kernels.h"

enum { ROW = 64 };

/* sum[i] += w * x[first + i*step], i < n, where that lies in a row of wd elements. */
static inline void row_add(float *sum, int64_t n, float w, const float *x, int64_t first, int64_t step, int64_t wd)
{
    int64_t i = 0;
    while (i < n && first + i * step < 0)
        i++;
    while (n > i && first + (n - 1) * step >= wd)
        n--;
    for (; i < n; i++)
        sum[i] += w * x[first + i * step];
}

/* sum[i] += w * x[(first + i) / step], i < n, where that is whole and lies in a row of wd elements. */
static inline void row_spread(float *sum, int64_t n, float w, const float *x, int64_t first, int64_t step, int64_t wd)
{
    for (int64_t i = first < 0 ? -first : (step - first % step) % step; i < n && first + i < wd * step; i += step)
        sum[i] += w * x[(first + i) / step];
}

/* Ends outputs at, at+1 ... of an image, of channel m. */
static inline void row_end(const scl_args_conv *a, const float *sum, int64_t n, int64_t image, int64_t m, int64_t at)
{
    for (int64_t i = 0; i < n; i++) {
        float v = sum[i];
        if (a->bias)
            v += ((const float *)a->bias)[m];
        if (a->add)
            v += a->add[image * a->add_stride + at + i];
        a->y[image * a->y_stride + at + i] = scl_activate(v, a->act, a->p0, a->p1, a->slope, m);
    }
}

#endif
