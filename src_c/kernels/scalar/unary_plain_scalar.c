/* Functions of one element, the reference. UNARY in scalpel_rt/plan/spec.py says what each is. */
#include "scl_epilogue.h"
#include "scl_kernels.h"
#include <math.h>

/* 1/(1 + exp(-x)) without overflow. */
static float sigmoid(float x) { return (x < 0 ? expf(x) : 1) / (1 + expf(-fabsf(x))); }

/* log(1 + exp(x)) without overflow. */
static float softplus(float x) { return x > 0 ? x + log1pf(expf(-x)) : log1pf(expf(x)); }

static float apply(const scl_args_unary *a, float x)
{
    float p0 = a->p0, p1 = a->p1, p2 = a->p2;
    switch (a->fn) {
    case SCL_FN_relu: return scl_activate(x, SCL_ACT_RELU, p0, 0, NULL, 0);
    case SCL_FN_elu: return x > 0 ? x : 0 + p0 * (expf(x) - 1);
    case SCL_FN_sigmoid: return sigmoid(x);
    case SCL_FN_tanh: return tanhf(x);
    case SCL_FN_abs: return fabsf(x);
    case SCL_FN_bnll: return softplus(x);
    case SCL_FN_swish: return x * sigmoid(p0 * x);
    case SCL_FN_clip: return scl_activate(x, SCL_ACT_CLIP, p0, p1, NULL, 0);
    case SCL_FN_threshold: return x > p0 ? 1 : 0;
    case SCL_FN_power: return p0 == 0 ? 1 : powf(p0 * p1 == 0 ? p2 : p2 + p1 * x, p0);
    case SCL_FN_exp: return expf(p1 + p0 * x);
    case SCL_FN_log: return p2 * logf(p1 + p0 * x);
    case SCL_FN_mish: return x * tanhf(softplus(x));
    case SCL_FN_hswish: return x * (scl_activate(x + 3, SCL_ACT_CLIP, 0, 6, NULL, 0) / 6);
    default: return x;
    }
}

void scl_unary_plain__scalar(const void *args, int tid, int nt)
{
    const scl_args_unary *a = args;
    int64_t begin, end;
    scl_part(a->count, 16, tid, nt, &begin, &end);
    for (int64_t i = begin; i < end; i++)
        a->y[i] = apply(a, a->x[i]);
}
