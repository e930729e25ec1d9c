/* Rows less their mean, over their deviation: three passes over each row. x == y is allowed. */
#include "scl_kernels.h"
#include "total.h"

void SCL_NAME(scl_mvn_plain)(const void *args, int tid, int nt)
{
    const scl_args_mvn *a = args;
    int64_t begin, end;
    scl_part(a->rows, 1, tid, nt, &begin, &end);
    for (int64_t row = begin; row < end; row++) {
        const float *x = a->x + row * a->k;
        float *y = a->y + row * a->k;
        double count = (double)a->k, mean = total(x, a->k, 0, SCL_FN_sum) / count, factor = 1;
        if (a->variance) {
            /* the mean is rounded here: what that shifts the numbers by comes off again */
            float shift = (float)mean;
            double rest = mean - shift, variance = total(x, a->k, shift, SCL_FN_sumsq) / count - rest * rest;
            factor = 1 / (sqrt(variance > 0 ? variance : variance == variance ? 0 : variance) + a->eps);
        }
        vf minus = vf_set1((float)mean), times = vf_set1((float)factor);
        int64_t i = 0;
        for (; i + VL <= a->k; i += VL)
            vf_store(y + i, vf_mul(vf_sub(vf_load(x + i), minus), times));
        vf_storen(y + i, a->k - i, vf_mul(vf_sub(vf_loadn(x + i, a->k - i), minus), times));
    }
}
