/* Exponential, logarithm and their kin on vectors; include a simd_<isa>.h first.
 *
 * Polynomials are minimax fits made for these intervals. Bounds are in units in the last place against float64, with FMA; SSE4.1, which
 * rounds twice, may be one more. Special values are those of the C library unless said.
 */
#ifndef SCL_SIMD_MATH_H
#define SCL_SIMD_MATH_H

#include <math.h>

static inline vf vf_abs(vf a) { return vf_andnot(vf_set1(-0.0f), a); }
static inline vf vf_neg(vf a) { return vf_xor(vf_set1(-0.0f), a); }

/* ln 2 in two parts; the product of the first with a whole number below 2^11 is exact. */
#define SCL_LN2_HI 0x1.62ep-1f
#define SCL_LN2_LO 0x1.0bfbe8p-15f

/* exp(r) for |r| <= 0.35, 1 ulp: 1 + r + r^2 P(r). */
static inline vf vf_exp_near_0(vf r)
{
    vf p = vf_fma(vf_set1(0x1.6a1a72p-10f), r, vf_set1(0x1.123fc6p-7f));
    p = vf_fma(p, r, vf_set1(0x1.555916p-5f));
    p = vf_fma(p, r, vf_set1(0x1.55548ap-3f));
    p = vf_fma(p, r, vf_set1(0x1.fffffcp-2f));
    return vf_add(vf_fma(p, vf_mul(r, r), r), vf_set1(1));
}

/* exp(x), 1 ulp; results below the smallest normal number are exact to 1 unit of that range. */
static inline vf vf_exp(vf x)
{
    x = vf_min(vf_set1(89), vf_max(vf_set1(-104), x));      /* exp of these is infinite and 0; NaN passes */
    vf n = vf_round(vf_mul(x, vf_set1(0x1.715476p+0f)));
    vf r = vf_fnma(n, vf_set1(SCL_LN2_LO), vf_fnma(n, vf_set1(SCL_LN2_HI), x));
    return vf_scale2(vf_exp_near_0(r), n);
}

/* x = m * 2^e with sqrt(1/2) <= m < sqrt(2), for positive finite x, denormal or not. */
static inline vf vf_split(vf x, vf *e)
{
    vm tiny = vf_lt(x, vf_set1(0x1p-126f));
    x = vf_select(tiny, vf_mul(x, vf_set1(0x1p24f)), x);
    vi b = vi_sub(vi_bits(x), vi_set1(0x3F3504F3));     /* the bits of sqrt(1/2): the exponent field now counts from it */
    *e = vf_sub(vi_float(vi_sar(b, 23)), vf_select(tiny, vf_set1(24), vf_zero()));
    return vf_bits(vi_add(vi_and(b, vi_set1(0x007FFFFF)), vi_set1(0x3F3504F3)));
}

/* log(1 + t) for t in [sqrt(1/2)-1, sqrt(2)-1], 1 ulp: t - t^2/2 + t^3 P(t). */
static inline vf vf_log1p_near_0(vf t)
{
    vf p = vf_fma(vf_set1(-0x1.392f38p-4f), t, vf_set1(0x1.05b75ep-3f));
    p = vf_fma(p, t, vf_set1(-0x1.0d9a4p-3f));
    p = vf_fma(p, t, vf_set1(0x1.22cf4cp-3f));
    p = vf_fma(p, t, vf_set1(-0x1.546f2ap-3f));
    p = vf_fma(p, t, vf_set1(0x1.99a06p-3f));
    p = vf_fma(p, t, vf_set1(-0x1.000232p-2f));
    p = vf_fma(p, t, vf_set1(0x1.555554p-2f));
    p = vf_fma(p, t, vf_set1(-0.5f));
    return vf_fma(vf_mul(t, t), p, t);
}

/* log(x), 1 ulp; -inf for zeros, NaN below. */
static inline vf vf_log(vf x)
{
    vf e, m = vf_split(x, &e);
    vf y = vf_fma(e, vf_set1(SCL_LN2_LO), vf_log1p_near_0(vf_sub(m, vf_set1(1))));
    y = vf_fma(e, vf_set1(SCL_LN2_HI), y);
    y = vf_select(vf_lt(vf_zero(), x), y, vf_select(vf_eq(x, vf_zero()), vf_set1(-INFINITY), vf_set1(NAN)));
    return vf_select(vf_eq(x, vf_set1(INFINITY)), x, y);
}

/* log(1 + t) for 0 <= t <= 1, 2 ulps; NaN stays. */
static inline vf vf_log1p(vf t)
{
    vf u = vf_add(vf_set1(1), t);
    vf lost = vf_sub(t, vf_sub(u, vf_set1(1)));            /* what rounding 1 + t left out */
    return vf_add(vf_log(u), vf_div(lost, u));
}

/* 1/(1 + exp(-x)), 3 ulps, in both tails. */
static inline vf vf_sigmoid(vf x)
{
    vf t = vf_exp(vf_neg(vf_abs(x)));
    return vf_div(vf_select(vf_lt(x, vf_zero()), t, vf_set1(1)), vf_add(vf_set1(1), t));
}

/* tanh(x), 2 ulps: x + x^3 P(x^2) near 0, 1 - 2/(exp(2|x|) + 1) beyond. */
static inline vf vf_tanh(vf x)
{
    vf a = vf_abs(x), s = vf_mul(x, x);
    vf p = vf_fma(vf_set1(-0x1.73641ap-8f), s, vf_set1(0x1.519c92p-6f));
    p = vf_fma(p, s, vf_set1(-0x1.b827fep-5f));
    p = vf_fma(p, s, vf_set1(0x1.110692p-3f));
    p = vf_fma(p, s, vf_set1(-0x1.55553p-2f));
    vf near = vf_fma(vf_mul(p, s), x, x);
    vf far = vf_sub(vf_set1(1), vf_div(vf_set1(2), vf_add(vf_exp(vf_add(a, a)), vf_set1(1))));
    far = vf_xor(far, vf_and(x, vf_set1(-0.0f)));
    return vf_select(vf_lt(a, vf_set1(0.625f)), near, far);
}

/* An exponent of vf_pow, split so that the first part times a whole number below 2^11 is exact. */
typedef struct { vf hi, lo, all; } vf_exponent;

static inline vf_exponent vf_split_exponent(float p)
{
    union { float f; uint32_t u; } hi = {p};
    hi.u &= 0xFFFFE000;
    return (vf_exponent){vf_set1(hi.f), vf_set1(p - hi.f), vf_set1(p)};
}

/* Lanes for which vf_pow holds: x a positive normal number below infinity. */
static inline vm vf_pow_holds(vf x)
{
    return vm_and(vf_le(vf_set1(0x1p-126f), x), vf_lt(x, vf_set1(INFINITY)));
}

/* x^p where vf_pow_holds and |p| <= 512, 2 + |p| ulps. x = m 2^e: exp(p log m + p e log 2) with p e kept to more than a float. */
static inline vf vf_pow(vf x, vf_exponent p)
{
    vf e, m = vf_split(x, &e);
    vf l = vf_mul(p.all, vf_log1p_near_0(vf_sub(m, vf_set1(1))));
    vf pe = vf_mul(p.hi, e);
    vf n = vf_round(vf_fma(l, vf_set1(0x1.715476p+0f), vf_fma(p.lo, e, pe)));
    n = vf_min(vf_set1(250), vf_max(vf_set1(-250), n));
    vf r = vf_fma(p.lo, e, vf_sub(pe, n));
    r = vf_fma(r, vf_set1(0x1.62e43p-1f), l);
    r = vf_min(vf_set1(0.4f), vf_max(vf_set1(-0.4f), r));   /* only where n was limited: the result is 0 or infinite anyway */
    return vf_scale2(vf_exp_near_0(r), n);
}

/* x^p for any x and p; where vf_pow does not hold the C library does it, lane by lane. */
static inline vf vf_pow_any(vf x, vf_exponent split, float p)
{
    if (vm_all(vf_pow_holds(x)) && fabsf(p) <= 512)
        return vf_pow(x, split);
    float lanes[VL];
    vf_store(lanes, x);
    for (int i = 0; i < VL; i++)
        lanes[i] = powf(lanes[i], p);
    return vf_load(lanes);
}

/* x^-0.75, 3 ulps, for x in [2^-60, 2^60]. With g about x^-0.25 and h = 1 - x g^4 it is g^3 (1 - h)^-0.75; h is so small that two terms
 * of the series do. */
static inline vf vf_pow_minus_three_quarters(vf x)
{
    vf r = vf_rsqrt_guess(x), g = vf_mul(r, vf_rsqrt_guess(r)), g2 = vf_mul(g, g), g3 = vf_mul(g, g2);
    vf h = vf_fnma(x, vf_mul(g2, g2), vf_set1(1));
    return vf_fma(g3, vf_mul(h, vf_fma(vf_set1(0.65625f), h, vf_set1(0.75f))), g3);
}

#endif
