/* Vectors of floats for the bodies in src_c/kernels/body: AVX2 with FMA, 8 lanes. The same names are in simd_sse41.h and simd_avx512.h.
 *
 * VL lanes; vf a vector; vf_loadn and vf_storen touch the first n lanes only (0 <= n <= VL; the others are loaded as zero).
 * vf_load_range reads p[lo..hi-1] into lanes lo..hi-1 and nothing else; the other lanes are zero. vf_load_step takes
 * p[lo*step], p[(lo+1)*step] ... instead, and reads nothing before the first or behind the last; its step is 2 to 4 or so.
 */
#ifndef SIMD_H
#define SIMD_H

#include "scl_args.h"
#include <immintrin.h>

enum { VL = 8, VREGS = 16 };
typedef __m256 vf;

static inline __m256i vf_first(int64_t n)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

static inline __m256i vf_range(int lo, int hi) { return _mm256_andnot_si256(vf_first(lo), vf_first(hi)); }

static inline vf vf_zero(void) { return _mm256_setzero_ps(); }
static inline vf vf_set1(float v) { return _mm256_set1_ps(v); }
static inline vf vf_load(const float *p) { return _mm256_loadu_ps(p); }
static inline vf vf_loadn(const float *p, int64_t n)
{
    return __builtin_constant_p(n) && n >= 8 ? _mm256_loadu_ps(p) : _mm256_maskload_ps(p, vf_first(n));
}
static inline vf vf_load_range(const float *p, int lo, int hi) { return _mm256_maskload_ps(p, vf_range(lo, hi)); }
static inline vf vf_load_step(const float *p, int step, int lo, int hi)
{
    __m256i at = _mm256_mullo_epi32(_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), _mm256_set1_epi32(step));
    vf v = _mm256_setzero_ps();
#pragma GCC unroll 4
    for (int r = 0; r < step; r++) {
        int from = lo * step - VL * r, to = (hi - 1) * step + 1 - VL * r;
        from = from < 0 ? 0 : from > VL ? VL : from;
        to = to < from ? from : to > VL ? VL : to;
        vf part = _mm256_permutevar8x32_ps(_mm256_maskload_ps(p + VL * r, vf_range(from, to)), at);
        v = _mm256_blendv_ps(v, part, _mm256_castsi256_ps(_mm256_cmpeq_epi32(_mm256_srli_epi32(at, 3), _mm256_set1_epi32(r))));
    }
    return v;
}
static inline void vf_store(float *p, vf v) { _mm256_storeu_ps(p, v); }
static inline void vf_storen(float *p, int64_t n, vf v)  /* in pieces: a masked store costs AMD's cores a dozen cycles */
{
    if (n >= 8) {
        _mm256_storeu_ps(p, v);
        return;
    }
    __m128 part = _mm256_castps256_ps128(v);
    if (n & 4) {
        _mm_storeu_ps(p, part);
        part = _mm256_extractf128_ps(v, 1);
        p += 4;
    }
    if (n & 2) {
        _mm_storel_pi((__m64 *)p, part);
        part = _mm_movehl_ps(part, part);
        p += 2;
    }
    if (n & 1)
        _mm_store_ss(p, part);
}
static inline void vf_store_range(float *p, int lo, int hi, vf v) { _mm256_maskstore_ps(p, vf_range(lo, hi), v); }
static inline vf vf_keep(vf a)
{
    __asm__("" : "+x"(a));
    return a;
}
static inline vf vf_add(vf a, vf b) { return _mm256_add_ps(a, b); }
static inline vf vf_mul(vf a, vf b) { return _mm256_mul_ps(a, b); }
static inline vf vf_or(vf a, vf b) { return _mm256_or_ps(a, b); }
static inline vf vf_fma(vf a, vf b, vf c) { return _mm256_fmadd_ps(a, b, c); }
static inline vf vf_max(vf a, vf b) { return _mm256_max_ps(a, b); }  /* NaN in a or b: b */
static inline vf vf_min(vf a, vf b) { return _mm256_min_ps(a, b); }
static inline vf vf_if_neg(vf x, vf a, vf b) { return _mm256_blendv_ps(b, a, _mm256_cmp_ps(x, vf_zero(), _CMP_LT_OQ)); }  /* x < 0 ? a : b */

/* What element-wise bodies need besides; docs/add-a-kernel.md says what each name means. */

#define SCL_NAME(name) name##__avx2

typedef __m256i vi;             /* 32-bit integers */
typedef __m256 vm;              /* a mask of lanes */

static inline vm vm_first(int64_t n) { return _mm256_castsi256_ps(vf_first(n)); }
static inline vm vm_range(int lo, int hi) { return _mm256_castsi256_ps(vf_range(lo, hi)); }
static inline vm vm_and(vm a, vm b) { return _mm256_and_ps(a, b); }
static inline vm vm_or(vm a, vm b) { return _mm256_or_ps(a, b); }
static inline int vm_all(vm m) { return _mm256_movemask_ps(m) == 0xFF; }
static inline int vm_any(vm m) { return _mm256_movemask_ps(m) != 0; }
static inline vm vf_lt(vf a, vf b) { return _mm256_cmp_ps(a, b, _CMP_LT_OQ); }
static inline vm vf_le(vf a, vf b) { return _mm256_cmp_ps(a, b, _CMP_LE_OQ); }
static inline vm vf_eq(vf a, vf b) { return _mm256_cmp_ps(a, b, _CMP_EQ_OQ); }
static inline vm vf_is_nan(vf a) { return _mm256_cmp_ps(a, a, _CMP_UNORD_Q); }
static inline vf vf_select(vm m, vf a, vf b) { return _mm256_blendv_ps(b, a, m); }

static inline vf vf_sub(vf a, vf b) { return _mm256_sub_ps(a, b); }
static inline vf vf_div(vf a, vf b) { return _mm256_div_ps(a, b); }
static inline vf vf_fnma(vf a, vf b, vf c) { return _mm256_fnmadd_ps(a, b, c); }
static inline vf vf_sqrt(vf a) { return _mm256_sqrt_ps(a); }
static inline vf vf_round(vf a) { return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
static inline vf vf_rsqrt_guess(vf a) { return _mm256_rsqrt_ps(a); }
static inline vf vf_and(vf a, vf b) { return _mm256_and_ps(a, b); }
static inline vf vf_andnot(vf a, vf b) { return _mm256_andnot_ps(a, b); }
static inline vf vf_xor(vf a, vf b) { return _mm256_xor_ps(a, b); }

static inline vi vi_set1(int32_t a) { return _mm256_set1_epi32(a); }
static inline vi vi_add(vi a, vi b) { return _mm256_add_epi32(a, b); }
static inline vi vi_sub(vi a, vi b) { return _mm256_sub_epi32(a, b); }
static inline vi vi_and(vi a, vi b) { return _mm256_and_si256(a, b); }
static inline vi vi_shl(vi a, int bits) { return _mm256_slli_epi32(a, bits); }
static inline vi vi_sar(vi a, int bits) { return _mm256_srai_epi32(a, bits); }
static inline vi vi_round(vf a) { return _mm256_cvtps_epi32(a); }
static inline vf vi_float(vi a) { return _mm256_cvtepi32_ps(a); }
static inline vi vi_bits(vf a) { return _mm256_castps_si256(a); }
static inline vf vf_bits(vi a) { return _mm256_castsi256_ps(a); }

/* In two steps, so that results below the smallest normal number come out right. */
static inline vf vf_scale2(vf a, vf n)
{
    vi all = vi_round(n), half = vi_sar(all, 1), bias = vi_set1(127);
    a = vf_mul(a, vf_bits(vi_shl(vi_add(half, bias), 23)));
    return vf_mul(a, vf_bits(vi_shl(vi_add(vi_sub(all, half), bias), 23)));
}

static inline float vf_hsum(vf a)
{
    __m128 c = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    c = _mm_add_ps(c, _mm_movehl_ps(c, c));
    return _mm_cvtss_f32(_mm_add_ss(c, _mm_movehdup_ps(c)));
}

static inline float vf_hmax(vf a)
{
    __m128 c = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    c = _mm_max_ps(c, _mm_movehl_ps(c, c));
    return _mm_cvtss_f32(_mm_max_ss(c, _mm_movehdup_ps(c)));
}

static inline vf vf_halves_in_order(vf a) { return _mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(a), 0xD8)); }
static inline vf vf_even(vf a, vf b) { return vf_halves_in_order(_mm256_shuffle_ps(a, b, 0x88)); }
static inline vf vf_odd(vf a, vf b) { return vf_halves_in_order(_mm256_shuffle_ps(a, b, 0xDD)); }

static inline vf vf_some_even(vf a, vf b) { return _mm256_shuffle_ps(a, b, 0x88); }
static inline vf vf_some_odd(vf a, vf b) { return _mm256_shuffle_ps(a, b, 0xDD); }
static inline vf vf_in_order(vf a) { return vf_halves_in_order(a); }

static inline vf vf_zip_lo(vf a, vf b) { return _mm256_permute2f128_ps(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b), 0x20); }
static inline vf vf_zip_hi(vf a, vf b) { return _mm256_permute2f128_ps(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b), 0x31); }
static inline vf vf_next(vf a) { return _mm256_permutevar8x32_ps(a, _mm256_setr_epi32(1, 2, 3, 4, 5, 6, 7, 0)); }

static inline vf vf_rotate(vf a) { return _mm256_permutevar8x32_ps(a, _mm256_setr_epi32(1, 2, 3, 4, 5, 6, 7, 0)); }

static inline void vf_transpose(vf r[8])
{
    vf t[8];
    for (int i = 0; i < 8; i += 4) {            /* 4 x 4 blocks within each half of a vector */
        vf a = _mm256_unpacklo_ps(r[i], r[i + 1]), b = _mm256_unpackhi_ps(r[i], r[i + 1]);
        vf c = _mm256_unpacklo_ps(r[i + 2], r[i + 3]), d = _mm256_unpackhi_ps(r[i + 2], r[i + 3]);
        t[i] = _mm256_shuffle_ps(a, c, 0x44);
        t[i + 1] = _mm256_shuffle_ps(a, c, 0xEE);
        t[i + 2] = _mm256_shuffle_ps(b, d, 0x44);
        t[i + 3] = _mm256_shuffle_ps(b, d, 0xEE);
    }
    for (int i = 0; i < 4; i++) {               /* then the halves themselves */
        r[i] = _mm256_permute2f128_ps(t[i], t[i + 4], 0x20);
        r[i + 4] = _mm256_permute2f128_ps(t[i], t[i + 4], 0x31);
    }
}

/* Halves: the first from p (or a), the second from q (or b). */
static inline vf vf_load2(const float *p, const float *q) { return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(p)), _mm_loadu_ps(q), 1); }
static inline vf vf_set2(float a, float b) { return _mm256_blend_ps(_mm256_set1_ps(a), _mm256_set1_ps(b), 0xF0); }

/* Single loads: on AMD faster than the gather instruction, on Intel about as fast. Four indices come by one load: loads are what is short. */
static inline vf vf_gather(const float *p, const uint16_t *i)
{
    uint64_t a, b;
    __builtin_memcpy(&a, i, 8);
    __builtin_memcpy(&b, i + 4, 8);
    return _mm256_setr_ps(p[a & 0xffff], p[a >> 16 & 0xffff], p[a >> 32 & 0xffff], p[a >> 48], p[b & 0xffff], p[b >> 16 & 0xffff],
                          p[b >> 32 & 0xffff], p[b >> 48]);
}

#include "simd_common.h"
#endif
