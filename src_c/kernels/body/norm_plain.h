/* Vectors along an axis to length 1: lanes along the pixels where there are any, else along the axis. x == y is allowed. */
#include "scl_kernels.h"
#include "total.h"

static void row(const scl_args_norm *a, const float *x, float *y)
{
    const float *scale = a->scale;
    double sum = total(x, a->c, 0, SCL_FN_sumsq);
    vf factor = vf_set1((float)(1 / sqrt(!a->guard ? sum + a->eps : sum > a->eps ? sum : 1)));
    for (int64_t c = 0; c < a->c; c += VL) {
        int64_t n = a->c - c < VL ? a->c - c : VL;
        vf v = vf_mul(vf_loadn(x + c, n), factor);
        vf_storen(y + c, n, scale ? vf_mul(v, vf_loadn(scale + c, n)) : v);
    }
}

/* nv vectors of pixels, the last of them of n. */
INLINE void columns(const scl_args_norm *a, const float *x, float *y, int nv, int64_t n)
{
    const float *scale = a->scale;
    vf sum[4];
    for (int v = 0; v < nv; v++)
        sum[v] = vf_zero();
    for (int64_t c = 0; c < a->c; c++)
        for (int v = 0; v < nv; v++) {
            vf value = vf_loadn(x + c * a->inner + v * VL, n);
            sum[v] = vf_fma(value, value, sum[v]);
        }
    vf eps = vf_set1(a->eps), one = vf_set1(1);
    for (int v = 0; v < nv; v++)
        sum[v] = vf_div(one, vf_sqrt(!a->guard ? vf_add(sum[v], eps) : vf_select(vf_lt(eps, sum[v]), sum[v], one)));
    for (int64_t c = 0; c < a->c; c++) {
        vf s = vf_set1(scale ? scale[c] : 1);
        for (int v = 0; v < nv; v++)
            vf_storen(y + c * a->inner + v * VL, n, vf_mul(vf_mul(vf_loadn(x + c * a->inner + v * VL, n), sum[v]), s));
    }
}

void SCL_NAME(scl_norm_plain)(const void *args, int tid, int nt)
{
    const scl_args_norm *a = args;
    int64_t begin, end;
    if (a->inner == 1) {
        scl_part(a->outer, 1, tid, nt, &begin, &end);
        for (int64_t o = begin; o < end; o++)
            row(a, a->x + o * a->c, a->y + o * a->c);
        return;
    }
    int64_t strips = (a->inner + 4 * VL - 1) / (4 * VL);
    scl_part(a->outer * strips, 1, tid, nt, &begin, &end);
    for (int64_t s = begin; s < end; s++) {
        int64_t first = scl_mod(s, strips) * 4 * VL, at = scl_div(s, strips) * a->c * a->inner + first, left = a->inner - first;
        if (left >= 4 * VL)
            columns(a, a->x + at, a->y + at, 4, VL);
        else
            for (; left > 0; left -= VL, at += VL)
                columns(a, a->x + at, a->y + at, 1, left < VL ? left : VL);
    }
}
