/* Two tensors of one shape, element by element, then an activation: the reference. */
#include "scl_epilogue.h"
#include "scl_kernels.h"

void scl_eltwise_plain__scalar(const void *args, int tid, int nt)
{
    const scl_args_eltwise *e = args;
    int64_t begin, end;
    scl_part(e->count, 16, tid, nt, &begin, &end);
    for (int64_t i = begin; i < end; i++) {
        float a = e->a[i], b = e->b[i], v;
        switch (e->fn) {
        case SCL_FN_prod: v = a * b; break;
        case SCL_FN_max: v = a > b ? a : b; break;
        default: v = e->ca * a + e->cb * b; break;
        }
        e->y[i] = scl_activate(v, e->act, e->p0, e->p1, e->slope, e->act == SCL_ACT_PRELU ? i / e->inner % e->c : 0);
    }
}
