/* Functions of one element. UNARY in scalpel_rt/plan/spec.py says what each is, simd_math.h how exact. */
#include "scl_kernels.h"
#include "simd_math.h"

/* The parameters of a function on all lanes. */
typedef struct { vf p0, p1, p2; vf_exponent power; float exponent; } constants;

INLINE vf fn_relu(vf x, const constants *k) { return vf_activate(x, SCL_ACT_RELU, k->p0, k->p1); }
INLINE vf fn_sigmoid(vf x, const constants *k) { (void)k; return vf_sigmoid(x); }
INLINE vf fn_tanh(vf x, const constants *k) { (void)k; return vf_tanh(x); }
INLINE vf fn_abs(vf x, const constants *k) { (void)k; return vf_abs(x); }
INLINE vf fn_swish(vf x, const constants *k) { return vf_mul(x, vf_sigmoid(vf_mul(k->p0, x))); }
INLINE vf fn_clip(vf x, const constants *k) { return vf_activate(x, SCL_ACT_CLIP, k->p0, k->p1); }
INLINE vf fn_threshold(vf x, const constants *k) { return vf_select(vf_lt(k->p0, x), vf_set1(1), vf_zero()); }
INLINE vf fn_exp(vf x, const constants *k) { return vf_exp(vf_fma(k->p0, x, k->p1)); }
INLINE vf fn_log(vf x, const constants *k) { return vf_mul(k->p2, vf_log(vf_fma(k->p0, x, k->p1))); }

INLINE vf fn_elu(vf x, const constants *k)
{
    vf below = vf_sub(vf_exp(vf_min(vf_zero(), x)), vf_set1(1));
    return vf_fma(k->p0, below, vf_max(vf_zero(), x));
}

INLINE vf fn_bnll(vf x, const constants *k)
{
    (void)k;
    return vf_add(vf_max(vf_zero(), x), vf_log1p(vf_exp(vf_neg(vf_abs(x)))));
}

/* tanh(log(1 + e)) = (e^2 + 2e) / (e^2 + 2e + 2) for e = exp(x); it rounds to 1 long before e^2 overflows. */
INLINE vf fn_mish(vf x, const constants *k)
{
    (void)k;
    vf e = vf_exp(vf_min(vf_set1(20), x)), f = vf_mul(e, vf_add(e, vf_set1(2)));
    return vf_mul(x, vf_div(f, vf_add(f, vf_set1(2))));
}

INLINE vf fn_hswish(vf x, const constants *k)
{
    (void)k;
    return vf_mul(x, vf_div(vf_activate(vf_add(x, vf_set1(3)), SCL_ACT_CLIP, vf_zero(), vf_set1(6)), vf_set1(6)));
}

/* The powers (p2 + p1*x)^p0 that need no logarithm; fn_constant is the one where p0*p1 == 0, whatever x is. */
INLINE vf fn_constant(vf x, const constants *k) { (void)x; return k->p2; }
INLINE vf base(vf x, const constants *k) { return vf_fma(k->p1, x, k->p2); }
INLINE vf fn_power_1(vf x, const constants *k) { return base(x, k); }
INLINE vf fn_power_2(vf x, const constants *k) { x = base(x, k); return vf_mul(x, x); }
INLINE vf fn_power_3(vf x, const constants *k) { x = base(x, k); return vf_mul(x, vf_mul(x, x)); }
INLINE vf fn_inverse(vf x, const constants *k) { return vf_div(vf_set1(1), base(x, k)); }

/* As pow(): +0 for -0, infinite for -infinity. */
INLINE vf fn_sqrt(vf x, const constants *k)
{
    x = base(x, k);
    return vf_sqrt(vf_select(vf_eq(x, vf_set1(-INFINITY)), vf_set1(INFINITY), vf_add(x, vf_zero())));
}

INLINE vf fn_power(vf x, const constants *k) { return vf_pow_any(base(x, k), k->power, k->exponent); }

INLINE void map(const scl_args_unary *a, int tid, int nt, const constants *k, vf (*fn)(vf, const constants *))
{
    int64_t i, end;
    scl_part(a->count, VL, tid, nt, &i, &end);
    const float *x = a->x;
    float *y = a->y;
    for (; i + VL <= end; i += VL)
        vf_store(y + i, fn(vf_load(x + i), k));
    if (i < end)
        vf_storen(y + i, end - i, fn(vf_loadn(x + i, end - i), k));
}

INLINE void power(const scl_args_unary *a, int tid, int nt, constants *k)
{
    if (a->p0 * a->p1 == 0) {
        k->p2 = vf_set1(a->p0 == 0 ? 1 : powf(a->p2, a->p0));
        map(a, tid, nt, k, fn_constant);
    } else if (a->p0 == 1) {
        map(a, tid, nt, k, fn_power_1);
    } else if (a->p0 == 2) {
        map(a, tid, nt, k, fn_power_2);
    } else if (a->p0 == 3) {
        map(a, tid, nt, k, fn_power_3);
    } else if (a->p0 == -1) {
        map(a, tid, nt, k, fn_inverse);
    } else if (a->p0 == 0.5f) {
        map(a, tid, nt, k, fn_sqrt);
    } else {
        map(a, tid, nt, k, fn_power);
    }
}

void SCL_NAME(scl_unary_plain)(const void *args, int tid, int nt)
{
    const scl_args_unary *a = args;
    constants k = {vf_set1(a->p0), vf_set1(a->p1), vf_set1(a->p2), vf_split_exponent(a->p0), a->p0};
    switch (a->fn) {
#define CASE(name) case SCL_FN_##name: map(a, tid, nt, &k, fn_##name); break;
    CASE(relu) CASE(elu) CASE(sigmoid) CASE(tanh) CASE(abs) CASE(bnll) CASE(swish) CASE(clip) CASE(threshold) CASE(exp)
    CASE(log) CASE(mish) CASE(hswish)
#undef CASE
    case SCL_FN_power: power(a, tid, nt, &k); break;
    }
}
