/* Sums along a row. */
#ifndef TOTAL_H
#define TOTAL_H

#include "simd_math.h"

INLINE vf total_term(vf x, int fn) { return fn == SCL_FN_asum ? vf_abs(x) : x; }

INLINE vf total_add(vf sum, vf x, int fn) { return fn == SCL_FN_sumsq ? vf_fma(x, x, sum) : vf_add(sum, total_term(x, fn)); }

/* The sum of fn (sum, asum or sumsq) of x[i] - minus, i < n: blocks of floats, their sums in double, always in the same order. */
INLINE double total(const float *x, int64_t n, float minus, int fn)
{
    enum { BLOCK_OF_SUMS = 128 * VL };
    vf shift = vf_set1(minus);
    double all = 0;
    for (int64_t from = 0; from < n; from += BLOCK_OF_SUMS) {
        int64_t end = n - from < BLOCK_OF_SUMS ? n : from + BLOCK_OF_SUMS, i = from;
        vf sum[4] = {vf_zero(), vf_zero(), vf_zero(), vf_zero()};
        for (; i + 4 * VL <= end; i += 4 * VL)
            for (int v = 0; v < 4; v++)
                sum[v] = total_add(sum[v], vf_sub(vf_load(x + i + v * VL), shift), fn);
        for (; i + VL <= end; i += VL)
            sum[0] = total_add(sum[0], vf_sub(vf_load(x + i), shift), fn);
        vf tail = vf_select(vm_first(end - i), vf_sub(vf_loadn(x + i, end - i), shift), vf_zero());
        sum[1] = total_add(sum[1], tail, fn);
        all += (double)vf_hsum(vf_add(vf_add(sum[0], sum[1]), vf_add(sum[2], sum[3])));
    }
    return all;
}

#endif
