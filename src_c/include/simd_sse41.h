/* Vectors of floats, SSE4.1, 4 lanes; see simd_avx2.h. vf_fma rounds twice here. */
#ifndef SIMD_H
#define SIMD_H

#include "scl_args.h"
#include <smmintrin.h>

enum { VL = 4, VREGS = 16 };
typedef __m128 vf;

static inline vf vf_zero(void) { return _mm_setzero_ps(); }
static inline vf vf_set1(float v) { return _mm_set1_ps(v); }
static inline vf vf_load(const float *p) { return _mm_loadu_ps(p); }
static inline void vf_store(float *p, vf v) { _mm_storeu_ps(p, v); }
static inline vf vf_keep(vf a)
{
    __asm__("" : "+x"(a));
    return a;
}
static inline vf vf_add(vf a, vf b) { return _mm_add_ps(a, b); }
static inline vf vf_mul(vf a, vf b) { return _mm_mul_ps(a, b); }
static inline vf vf_or(vf a, vf b) { return _mm_or_ps(a, b); }
static inline vf vf_fma(vf a, vf b, vf c) { return _mm_add_ps(_mm_mul_ps(a, b), c); }
static inline vf vf_max(vf a, vf b) { return _mm_max_ps(a, b); }
static inline vf vf_min(vf a, vf b) { return _mm_min_ps(a, b); }
static inline vf vf_if_neg(vf x, vf a, vf b) { return _mm_blendv_ps(b, a, _mm_cmplt_ps(x, vf_zero())); }

static inline vf vf_loadn(const float *p, int64_t n)
{
    switch (n) {
    case 0: return vf_zero();
    case 1: return _mm_load_ss(p);
    case 2: return _mm_castsi128_ps(_mm_loadl_epi64((const __m128i *)p));
    case 3: return _mm_insert_ps(_mm_castsi128_ps(_mm_loadl_epi64((const __m128i *)p)), _mm_load_ss(p + 2), 0x20);
    default: return _mm_loadu_ps(p);
    }
}

static inline vf vf_load_range(const float *p, int lo, int hi)
{
    __m128i v = _mm_castps_si128(vf_loadn(p + lo, hi - lo));
    v = lo & 1 ? _mm_slli_si128(v, 4) : v;
    return _mm_castsi128_ps(lo & 2 ? _mm_slli_si128(v, 8) : v);
}

static inline vf vf_load_step(const float *p, int step, int lo, int hi)
{
    float lanes[4] = {0};
    for (int i = lo; i < hi; i++)
        lanes[i] = p[i * step];
    return vf_load(lanes);
}

static inline void vf_storen(float *p, int64_t n, vf v)
{
    if (n >= 4) {
        _mm_storeu_ps(p, v);
        return;
    }
    if (n & 2) {
        _mm_storel_epi64((__m128i *)p, _mm_castps_si128(v));
        v = _mm_movehl_ps(v, v);
        p += 2;
    }
    if (n & 1)
        _mm_store_ss(p, v);
}

/* What element-wise bodies need besides; docs/add-a-kernel.md says what each name means. */

#define SCL_NAME(name) name##__sse41

typedef __m128i vi;             /* 32-bit integers */
typedef __m128 vm;              /* a mask of lanes */

static inline vm vm_first(int64_t n)
{
    return _mm_castsi128_ps(_mm_cmpgt_epi32(_mm_set1_epi32((int)n), _mm_setr_epi32(0, 1, 2, 3)));
}
static inline vm vm_range(int lo, int hi) { return _mm_andnot_ps(vm_first(lo), vm_first(hi)); }
static inline vm vm_and(vm a, vm b) { return _mm_and_ps(a, b); }
static inline vm vm_or(vm a, vm b) { return _mm_or_ps(a, b); }
static inline int vm_all(vm m) { return _mm_movemask_ps(m) == 0xF; }
static inline int vm_any(vm m) { return _mm_movemask_ps(m) != 0; }
static inline vm vf_lt(vf a, vf b) { return _mm_cmplt_ps(a, b); }
static inline vm vf_le(vf a, vf b) { return _mm_cmple_ps(a, b); }
static inline vm vf_eq(vf a, vf b) { return _mm_cmpeq_ps(a, b); }
static inline vm vf_is_nan(vf a) { return _mm_cmpunord_ps(a, a); }
static inline vf vf_select(vm m, vf a, vf b) { return _mm_blendv_ps(b, a, m); }

static inline vf vf_sub(vf a, vf b) { return _mm_sub_ps(a, b); }
static inline vf vf_div(vf a, vf b) { return _mm_div_ps(a, b); }
static inline vf vf_fnma(vf a, vf b, vf c) { return _mm_sub_ps(c, _mm_mul_ps(a, b)); }
static inline vf vf_sqrt(vf a) { return _mm_sqrt_ps(a); }
static inline vf vf_round(vf a) { return _mm_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
static inline vf vf_rsqrt_guess(vf a) { return _mm_rsqrt_ps(a); }
static inline vf vf_and(vf a, vf b) { return _mm_and_ps(a, b); }
static inline vf vf_andnot(vf a, vf b) { return _mm_andnot_ps(a, b); }
static inline vf vf_xor(vf a, vf b) { return _mm_xor_ps(a, b); }

static inline vi vi_set1(int32_t a) { return _mm_set1_epi32(a); }
static inline vi vi_add(vi a, vi b) { return _mm_add_epi32(a, b); }
static inline vi vi_sub(vi a, vi b) { return _mm_sub_epi32(a, b); }
static inline vi vi_and(vi a, vi b) { return _mm_and_si128(a, b); }
static inline vi vi_shl(vi a, int bits) { return _mm_slli_epi32(a, bits); }
static inline vi vi_sar(vi a, int bits) { return _mm_srai_epi32(a, bits); }
static inline vi vi_round(vf a) { return _mm_cvtps_epi32(a); }
static inline vf vi_float(vi a) { return _mm_cvtepi32_ps(a); }
static inline vi vi_bits(vf a) { return _mm_castps_si128(a); }
static inline vf vf_bits(vi a) { return _mm_castsi128_ps(a); }

/* In two steps, so that results below the smallest normal number come out right. */
static inline vf vf_scale2(vf a, vf n)
{
    vi all = vi_round(n), half = vi_sar(all, 1), bias = vi_set1(127);
    a = vf_mul(a, vf_bits(vi_shl(vi_add(half, bias), 23)));
    return vf_mul(a, vf_bits(vi_shl(vi_add(vi_sub(all, half), bias), 23)));
}

static inline float vf_hsum(vf a)
{
    a = _mm_add_ps(a, _mm_movehl_ps(a, a));
    return _mm_cvtss_f32(_mm_add_ss(a, _mm_movehdup_ps(a)));
}

static inline float vf_hmax(vf a)
{
    a = _mm_max_ps(a, _mm_movehl_ps(a, a));
    return _mm_cvtss_f32(_mm_max_ss(a, _mm_movehdup_ps(a)));
}

static inline vf vf_even(vf a, vf b) { return _mm_shuffle_ps(a, b, 0x88); }
static inline vf vf_odd(vf a, vf b) { return _mm_shuffle_ps(a, b, 0xDD); }
static inline vf vf_some_even(vf a, vf b) { return vf_even(a, b); }
static inline vf vf_some_odd(vf a, vf b) { return vf_odd(a, b); }
static inline vf vf_in_order(vf a) { return a; }

static inline vf vf_zip_lo(vf a, vf b) { return _mm_unpacklo_ps(a, b); }
static inline vf vf_zip_hi(vf a, vf b) { return _mm_unpackhi_ps(a, b); }
static inline vf vf_next(vf a) { return _mm_shuffle_ps(a, a, 0x39); }

static inline void vf_store_range(float *p, int lo, int hi, vf v)
{
    if (lo == 0) {
        vf_storen(p, hi, v);
        return;
    }
    float lanes[4];
    vf_store(lanes, v);
    for (int i = lo; i < hi; i++)
        p[i] = lanes[i];
}

static inline vf vf_rotate(vf a) { return _mm_shuffle_ps(a, a, 0x39); }
static inline void vf_transpose(vf r[4]) { _MM_TRANSPOSE4_PS(r[0], r[1], r[2], r[3]); }

/* Halves: the first from p (or a), the second from q (or b). */
static inline vf vf_load2(const float *p, const float *q)
{
    return _mm_loadh_pi(_mm_castsi128_ps(_mm_loadl_epi64((const __m128i *)p)), (const __m64 *)q);
}
static inline vf vf_set2(float a, float b) { return _mm_setr_ps(a, a, b, b); }

static inline vf vf_gather(const float *p, const uint16_t *i)
{
    uint64_t four;
    __builtin_memcpy(&four, i, 8);
    return _mm_setr_ps(p[four & 0xffff], p[four >> 16 & 0xffff], p[four >> 32 & 0xffff], p[four >> 48]);
}

#include "simd_common.h"
#endif
