/* Two tensors of one shape, element by element, then an activation. */
#include "scl_kernels.h"

enum { ADD = -1 };              /* a sum without factors */
typedef struct { vf ca, cb, p0, p1; } constants;

INLINE vf apply(vf a, vf b, const constants *k, int fn, int act)
{
    vf v = fn == ADD ? vf_add(a, b) : fn == SCL_FN_prod ? vf_mul(a, b) : fn == SCL_FN_max ? vf_max(a, b)
           : vf_fma(k->cb, b, vf_mul(k->ca, a));
    return vf_activate(v, act, k->p0, k->p1);
}

INLINE void span(const scl_args_eltwise *e, int64_t i, int64_t end, const constants *k, int fn, int act)
{
    for (; i + VL <= end; i += VL)
        vf_store(e->y + i, apply(vf_load(e->a + i), vf_load(e->b + i), k, fn, act));
    if (i < end)
        vf_storen(e->y + i, end - i, apply(vf_loadn(e->a + i, end - i), vf_loadn(e->b + i, end - i), k, fn, act));
}

INLINE void by_act(const scl_args_eltwise *e, int64_t begin, int64_t end, int fn)
{
    constants k = {vf_set1(e->ca), vf_set1(e->cb), vf_set1(e->p0), vf_set1(e->p1)};
    const float *slope = e->slope;
    switch (e->act) {
    case SCL_ACT_PRELU:
        for (int64_t i = begin, stop; i < end; i = stop) {
            int64_t row = scl_div(i, e->inner);
            stop = (row + 1) * e->inner < end ? (row + 1) * e->inner : end;
            k.p0 = vf_set1(slope[scl_mod(row, e->c)]);
            span(e, i, stop, &k, fn, SCL_ACT_PRELU);
        }
        break;
    case SCL_ACT_RELU: span(e, begin, end, &k, fn, SCL_ACT_RELU); break;
    case SCL_ACT_CLIP: span(e, begin, end, &k, fn, SCL_ACT_CLIP); break;
    default: span(e, begin, end, &k, fn, SCL_ACT_NONE); break;
    }
}

void SCL_NAME(scl_eltwise_plain)(const void *args, int tid, int nt)
{
    const scl_args_eltwise *e = args;
    int64_t begin, end;
    scl_part(e->count, VL, tid, nt, &begin, &end);
    switch (e->fn) {
    case SCL_FN_prod: by_act(e, begin, end, SCL_FN_prod); break;
    case SCL_FN_max: by_act(e, begin, end, SCL_FN_max); break;
    default:
        if (e->ca == 1 && e->cb == 1)
            by_act(e, begin, end, ADD);
        else
            by_act(e, begin, end, SCL_FN_sum);
    }
}
