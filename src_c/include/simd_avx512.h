/* Vectors of floats, AVX-512 (F VL BW DQ), 16 lanes; see simd_avx2.h. */
#ifndef SIMD_H
#define SIMD_H

#include "scl_args.h"
#include <immintrin.h>

enum { VL = 16, VREGS = 32 };
typedef __m512 vf;

static inline __mmask16 vf_first(int64_t n) { return (__mmask16)((1u << n) - 1); }

static inline vf vf_zero(void) { return _mm512_setzero_ps(); }
static inline vf vf_set1(float v) { return _mm512_set1_ps(v); }
static inline vf vf_load(const float *p) { return _mm512_loadu_ps(p); }
static inline vf vf_loadn(const float *p, int64_t n) { return _mm512_maskz_loadu_ps(vf_first(n), p); }
static inline vf vf_load_range(const float *p, int lo, int hi) { return _mm512_maskz_loadu_ps((__mmask16)((1u << hi) - (1u << lo)), p); }
static inline vf vf_load_step(const float *p, int step, int lo, int hi)
{
    __m512i at = _mm512_mullo_epi32(_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15), _mm512_set1_epi32(step));
    vf v = _mm512_setzero_ps();
#pragma GCC unroll 4
    for (int r = 0; r < step; r++) {
        int from = lo * step - VL * r, to = (hi - 1) * step + 1 - VL * r;
        from = from < 0 ? 0 : from > VL ? VL : from;
        to = to < from ? from : to > VL ? VL : to;
        vf part = _mm512_maskz_loadu_ps((__mmask16)((1u << to) - (1u << from)), p + VL * r);
        v = _mm512_mask_permutexvar_ps(v, _mm512_cmpeq_epi32_mask(_mm512_srli_epi32(at, 4), _mm512_set1_epi32(r)), at, part);
    }
    return v;
}
static inline void vf_store(float *p, vf v) { _mm512_storeu_ps(p, v); }
static inline void vf_storen(float *p, int64_t n, vf v) { _mm512_mask_storeu_ps(p, vf_first(n), v); }
static inline void vf_store_range(float *p, int lo, int hi, vf v) { _mm512_mask_storeu_ps(p, (__mmask16)((1u << hi) - (1u << lo)), v); }
static inline vf vf_keep(vf a)
{
#ifdef __AVX512F__      /* and not what stands for it in tests/emulated */
    __asm__("" : "+v"(a));
#endif
    return a;
}
static inline vf vf_add(vf a, vf b) { return _mm512_add_ps(a, b); }
static inline vf vf_mul(vf a, vf b) { return _mm512_mul_ps(a, b); }
static inline vf vf_or(vf a, vf b) { return _mm512_or_ps(a, b); }
static inline vf vf_fma(vf a, vf b, vf c) { return _mm512_fmadd_ps(a, b, c); }
static inline vf vf_max(vf a, vf b) { return _mm512_max_ps(a, b); }
static inline vf vf_min(vf a, vf b) { return _mm512_min_ps(a, b); }
static inline vf vf_if_neg(vf x, vf a, vf b) { return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(x, vf_zero(), _CMP_LT_OQ), b, a); }

/* What element-wise bodies need besides; docs/add-a-kernel.md says what each name means. */

#define SCL_NAME(name) name##__avx512

typedef __m512i vi;             /* 32-bit integers */
typedef __mmask16 vm;           /* a mask of lanes */

static inline vm vm_first(int64_t n) { return vf_first(n); }
static inline vm vm_range(int lo, int hi) { return (vm)((1u << hi) - (1u << lo)); }
static inline vm vm_and(vm a, vm b) { return a & b; }
static inline vm vm_or(vm a, vm b) { return a | b; }
static inline int vm_all(vm m) { return m == 0xFFFF; }
static inline int vm_any(vm m) { return m != 0; }
static inline vm vf_lt(vf a, vf b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
static inline vm vf_le(vf a, vf b) { return _mm512_cmp_ps_mask(a, b, _CMP_LE_OQ); }
static inline vm vf_eq(vf a, vf b) { return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ); }
static inline vm vf_is_nan(vf a) { return _mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q); }
static inline vf vf_select(vm m, vf a, vf b) { return _mm512_mask_blend_ps(m, b, a); }

static inline vf vf_sub(vf a, vf b) { return _mm512_sub_ps(a, b); }
static inline vf vf_div(vf a, vf b) { return _mm512_div_ps(a, b); }
static inline vf vf_fnma(vf a, vf b, vf c) { return _mm512_fnmadd_ps(a, b, c); }
static inline vf vf_sqrt(vf a) { return _mm512_sqrt_ps(a); }
static inline vf vf_round(vf a) { return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
static inline vf vf_rsqrt_guess(vf a) { return _mm512_rsqrt14_ps(a); }
static inline vf vf_and(vf a, vf b) { return _mm512_and_ps(a, b); }
static inline vf vf_andnot(vf a, vf b) { return _mm512_andnot_ps(a, b); }
static inline vf vf_xor(vf a, vf b) { return _mm512_xor_ps(a, b); }

static inline vi vi_set1(int32_t a) { return _mm512_set1_epi32(a); }
static inline vi vi_add(vi a, vi b) { return _mm512_add_epi32(a, b); }
static inline vi vi_sub(vi a, vi b) { return _mm512_sub_epi32(a, b); }
static inline vi vi_and(vi a, vi b) { return _mm512_and_si512(a, b); }
static inline vi vi_shl(vi a, int bits) { return _mm512_slli_epi32(a, (unsigned)bits); }
static inline vi vi_sar(vi a, int bits) { return _mm512_srai_epi32(a, (unsigned)bits); }
static inline vi vi_round(vf a) { return _mm512_cvtps_epi32(a); }
static inline vf vi_float(vi a) { return _mm512_cvtepi32_ps(a); }
static inline vi vi_bits(vf a) { return _mm512_castps_si512(a); }
static inline vf vf_bits(vi a) { return _mm512_castsi512_ps(a); }

static inline vf vf_scale2(vf a, vf n) { return _mm512_scalef_ps(a, n); }

static inline float vf_hsum(vf a)
{
    __m256 b = _mm256_add_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1));
    __m128 c = _mm_add_ps(_mm256_castps256_ps128(b), _mm256_extractf128_ps(b, 1));
    c = _mm_add_ps(c, _mm_movehl_ps(c, c));
    return _mm_cvtss_f32(_mm_add_ss(c, _mm_movehdup_ps(c)));
}

static inline float vf_hmax(vf a)
{
    __m256 b = _mm256_max_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1));
    __m128 c = _mm_max_ps(_mm256_castps256_ps128(b), _mm256_extractf128_ps(b, 1));
    c = _mm_max_ps(c, _mm_movehl_ps(c, c));
    return _mm_cvtss_f32(_mm_max_ss(c, _mm_movehdup_ps(c)));
}

static inline vf vf_even(vf a, vf b)
{
    const __m512i at = _mm512_set_epi32(30, 28, 26, 24, 22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 0);
    return _mm512_permutex2var_ps(a, at, b);
}

static inline vf vf_odd(vf a, vf b)
{
    const __m512i at = _mm512_set_epi32(31, 29, 27, 25, 23, 21, 19, 17, 15, 13, 11, 9, 7, 5, 3, 1);
    return _mm512_permutex2var_ps(a, at, b);
}

static inline vf vf_some_even(vf a, vf b) { return vf_even(a, b); }
static inline vf vf_some_odd(vf a, vf b) { return vf_odd(a, b); }
static inline vf vf_in_order(vf a) { return a; }

static inline vf vf_zip_lo(vf a, vf b)
{
    const __m512i at = _mm512_set_epi32(23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    return _mm512_permutex2var_ps(a, at, b);
}

static inline vf vf_zip_hi(vf a, vf b)
{
    const __m512i at = _mm512_set_epi32(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8);
    return _mm512_permutex2var_ps(a, at, b);
}

static inline vf vf_next(vf a)
{
    __m512i bits = _mm512_castps_si512(a);
    return _mm512_castsi512_ps(_mm512_alignr_epi32(bits, bits, 1));
}

static inline vf vf_rotate(vf a)
{
    return _mm512_castsi512_ps(_mm512_alignr_epi32(_mm512_castps_si512(a), _mm512_castps_si512(a), 1));
}

static inline void vf_transpose(vf r[16])
{
    vf t[16];
    for (int i = 0; i < 16; i += 4) {           /* 4 x 4 blocks within each quarter of a vector */
        vf a = _mm512_unpacklo_ps(r[i], r[i + 1]), b = _mm512_unpackhi_ps(r[i], r[i + 1]);
        vf c = _mm512_unpacklo_ps(r[i + 2], r[i + 3]), d = _mm512_unpackhi_ps(r[i + 2], r[i + 3]);
        t[i] = _mm512_shuffle_ps(a, c, 0x44);
        t[i + 1] = _mm512_shuffle_ps(a, c, 0xEE);
        t[i + 2] = _mm512_shuffle_ps(b, d, 0x44);
        t[i + 3] = _mm512_shuffle_ps(b, d, 0xEE);
    }
    for (int i = 0; i < 4; i++) {               /* then the quarters themselves */
        vf a = _mm512_shuffle_f32x4(t[i], t[i + 4], 0x88), b = _mm512_shuffle_f32x4(t[i], t[i + 4], 0xDD);
        vf c = _mm512_shuffle_f32x4(t[i + 8], t[i + 12], 0x88), d = _mm512_shuffle_f32x4(t[i + 8], t[i + 12], 0xDD);
        r[i] = _mm512_shuffle_f32x4(a, c, 0x88);
        r[i + 4] = _mm512_shuffle_f32x4(b, d, 0x88);
        r[i + 8] = _mm512_shuffle_f32x4(a, c, 0xDD);
        r[i + 12] = _mm512_shuffle_f32x4(b, d, 0xDD);
    }
}

/* Halves: the first from p (or a), the second from q (or b). */
static inline vf vf_load2(const float *p, const float *q) { return _mm512_insertf32x8(_mm512_castps256_ps512(_mm256_loadu_ps(p)), _mm256_loadu_ps(q), 1); }
static inline vf vf_set2(float a, float b) { return _mm512_mask_blend_ps(0xFF00, _mm512_set1_ps(a), _mm512_set1_ps(b)); }

static inline vf vf_gather(const float *p, const uint16_t *i)
{
    return _mm512_i32gather_ps(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)i)), p, 4);
}

#include "simd_common.h"
#endif
