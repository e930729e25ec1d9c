/* The AVX-512 instructions that src_c/include/simd_avx512.h uses, in C and AVX2 for processors without them; semantics as in
 * Intel's manual, with the exceptions masked and rounding to nearest. Masked loads and stores touch the lanes of the mask and no other,
 * so that a sanitizer sees what is read.
 *
 * Stands before the compiler's own header: -Itests/emulated -mno-avx512f (see `make emulated`).
 */
#ifndef EMULATED_IMMINTRIN_H
#define EMULATED_IMMINTRIN_H

#include_next <immintrin.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#ifdef __AVX512F__
#error "nothing to emulate: build with -mno-avx512f"
#endif

typedef uint32_t emu_u32x16 __attribute__((vector_size(64)));
typedef int32_t emu_i32x16 __attribute__((vector_size(64)));

#define EMU __attribute__((noinline, unused)) static     /* inline, the larger kernels take a quarter of an hour to compile */
#define EMU_EACH(i) for (int i = 0; i < 16; i++)
#define EMU_INT(a) ((emu_i32x16)(a))

/* One vector from an expression for lane i. */
#define EMU_LANES(type, lanes, expression) \
    ({ \
        lanes made_; \
        EMU_EACH(i) made_[i] = (expression); \
        (type)made_; \
    })
#define EMU_PS(expression) EMU_LANES(__m512, __m512, expression)
#define EMU_EPI32(expression) EMU_LANES(__m512i, emu_i32x16, expression)

/* Halves. */
typedef union { __m512 whole; __m256 half[2]; } emu_halves;
EMU __m256 emu_half(__m512 a, int which) { return ((emu_halves){a}).half[which]; }
EMU __m512 emu_with_half(__m512 a, __m256 half, int which)
{
    emu_halves v = {a};
    v.half[which] = half;
    return v.whole;
}
#define _mm512_castps512_ps256(a) emu_half(a, 0)
#define _mm512_extractf32x8_ps emu_half
#define _mm512_castps256_ps512(half) emu_with_half(emu_set1(NAN), half, 0)
#define _mm512_insertf32x8 emu_with_half

/* Loads, stores, constants. */
EMU __m512 emu_loadu(const float *p)
{
    __m512 v;
    memcpy(&v, p, sizeof v);
    return v;
}
EMU void emu_storeu(float *p, __m512 v) { memcpy(p, &v, sizeof v); }
EMU __m512 emu_maskz_loadu(__mmask16 k, const float *p) { return EMU_PS(k >> i & 1 ? p[i] : 0); }
EMU void emu_mask_storeu(float *p, __mmask16 k, __m512 v) { EMU_EACH(i) if (k >> i & 1) p[i] = v[i]; }
EMU __m512 emu_gather(__m512i at, const float *p, int scale) { return EMU_PS(*(const float *)((const char *)p + (int64_t)EMU_INT(at)[i] * scale)); }
EMU __m512i emu_u16(__m256i a)
{
    uint16_t values[16];
    memcpy(values, &a, sizeof values);
    return EMU_EPI32(values[i]);
}
#define _mm512_loadu_ps emu_loadu
#define _mm512_storeu_ps emu_storeu
#define _mm512_maskz_loadu_ps emu_maskz_loadu
#define _mm512_mask_storeu_ps emu_mask_storeu
#define _mm512_i32gather_ps emu_gather
#define _mm512_cvtepu16_epi32 emu_u16
EMU __m512 emu_set1(float a) { return (__m512){a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a}; }
EMU __m512i emu_set1_epi32(int32_t a) { return (__m512i)(emu_i32x16){a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a}; }
#define _mm512_setzero_ps() emu_set1(0)
#define _mm512_set1_ps emu_set1
#define _mm512_set1_epi32 emu_set1_epi32
#undef _mm512_setr_epi32
#define _mm512_setr_epi32(...) ((__m512i)(emu_i32x16){__VA_ARGS__})
#define _mm512_set_epi32(p, o, n, m, l, k, j, i, h, g, f, e, d, c, b, a) _mm512_setr_epi32(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p)

/* Arithmetic. Where one of two is NaN, the greatest and the least are the second. */
#define _mm512_add_ps(a, b) ((a) + (b))
#define _mm512_sub_ps(a, b) ((a) - (b))
#define _mm512_mul_ps(a, b) ((a) * (b))
#define _mm512_div_ps(a, b) ((a) / (b))
EMU __m512 emu_fma(__m512 a, __m512 b, __m512 c)
{
    emu_halves u = {a}, v = {b}, w = {c};
    w.half[0] = _mm256_fmadd_ps(u.half[0], v.half[0], w.half[0]);
    w.half[1] = _mm256_fmadd_ps(u.half[1], v.half[1], w.half[1]);
    return w.whole;
}
EMU __m512 emu_fnma(__m512 a, __m512 b, __m512 c) { return emu_fma(-a, b, c); }
EMU __m512 emu_max(__m512 a, __m512 b) { return EMU_PS(a[i] > b[i] ? a[i] : b[i]); }
EMU __m512 emu_min(__m512 a, __m512 b) { return EMU_PS(a[i] < b[i] ? a[i] : b[i]); }
EMU __m512 emu_sqrt(__m512 a) { return EMU_PS(__builtin_sqrtf(a[i])); }
EMU __m512 emu_roundscale(__m512 a, int how)
{
    if (how != (_MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC))
        __builtin_trap();
    return EMU_PS(__builtin_rintf(a[i]));
}
#define _mm512_fmadd_ps emu_fma
#define _mm512_fnmadd_ps emu_fnma
#define _mm512_max_ps emu_max
#define _mm512_min_ps emu_min
#define _mm512_sqrt_ps emu_sqrt
#define _mm512_roundscale_ps emu_roundscale

/* 1/sqrt(a) to 14 bits: what is behind the 15th is cut off, which is about the greatest error that the instruction may make. */
EMU __m512 emu_rsqrt14(__m512 a)
{
    __m512 root = EMU_PS(1 / __builtin_sqrtf(a[i]));
    return (__m512)((emu_u32x16)root & (UINT32_MAX << 8));
}
#define _mm512_rsqrt14_ps emu_rsqrt14

/* a * 2^floor(n), rounded once. */
EMU float emu_scale_one(float a, float n)
{
    double power = floor((double)n);
    power = power > 1000 ? 1000 : power < -1000 ? -1000 : power;
    return (float)((double)a * exp2(power));
}
EMU __m512 emu_scalef(__m512 a, __m512 n) { return EMU_PS(emu_scale_one(a[i], n[i])); }
#define _mm512_scalef_ps emu_scalef

/* Bits. */
#define _mm512_and_ps(a, b) ((__m512)((emu_u32x16)(a) & (emu_u32x16)(b)))
#define _mm512_or_ps(a, b) ((__m512)((emu_u32x16)(a) | (emu_u32x16)(b)))
#define _mm512_xor_ps(a, b) ((__m512)((emu_u32x16)(a) ^ (emu_u32x16)(b)))
#define _mm512_andnot_ps(a, b) ((__m512)(~(emu_u32x16)(a) & (emu_u32x16)(b)))
#define _mm512_and_si512(a, b) ((__m512i)((emu_u32x16)(a) & (emu_u32x16)(b)))
#define _mm512_castps_si512(a) ((__m512i)(a))
#define _mm512_castsi512_ps(a) ((__m512)(a))

/* Integers of 32 bits; sums and products wrap, a shift by 32 or more leaves nothing, or the sign. */
#define _mm512_add_epi32(a, b) ((__m512i)((emu_u32x16)(a) + (emu_u32x16)(b)))
#define _mm512_sub_epi32(a, b) ((__m512i)((emu_u32x16)(a) - (emu_u32x16)(b)))
#define _mm512_mullo_epi32(a, b) ((__m512i)((emu_u32x16)(a) * (emu_u32x16)(b)))
EMU __m512i emu_slli(__m512i a, unsigned n) { return n > 31 ? emu_set1_epi32(0) : (__m512i)((emu_u32x16)a << (emu_u32x16)emu_set1_epi32((int32_t)n)); }
EMU __m512i emu_srli(__m512i a, unsigned n) { return n > 31 ? emu_set1_epi32(0) : (__m512i)((emu_u32x16)a >> (emu_u32x16)emu_set1_epi32((int32_t)n)); }
EMU __m512i emu_srai(__m512i a, unsigned n) { return (__m512i)(EMU_INT(a) >> EMU_INT(emu_set1_epi32(n > 31 ? 31 : (int32_t)n))); }
#define _mm512_slli_epi32 emu_slli
#define _mm512_srli_epi32 emu_srli
#define _mm512_srai_epi32 emu_srai
EMU __m512 emu_float(__m512i a) { return EMU_PS((float)EMU_INT(a)[i]); }
EMU int32_t emu_to_int(float a) { return a >= -0x1p31f && a < 0x1p31f ? (int32_t)__builtin_rintf(a) : INT32_MIN; }
EMU __m512i emu_to_epi32(__m512 a) { return EMU_EPI32(emu_to_int(a[i])); }
#define _mm512_cvtepi32_ps emu_float
#define _mm512_cvtps_epi32 emu_to_epi32

/* Comparisons and choices. */
EMU __mmask16 emu_mask(emu_i32x16 lanes)
{
    unsigned mask = 0;
    EMU_EACH(i) mask |= (unsigned)(lanes[i] != 0) << i;
    return (__mmask16)mask;
}
EMU __mmask16 emu_cmp(__m512 a, __m512 b, int how)
{
    switch (how) {
    case _CMP_LT_OQ: return emu_mask(a < b);
    case _CMP_LE_OQ: return emu_mask(a <= b);
    case _CMP_EQ_OQ: return emu_mask(a == b);
    case _CMP_UNORD_Q: return emu_mask((a != a) | (b != b));
    default: __builtin_trap();
    }
}
#define _mm512_cmp_ps_mask emu_cmp
#define _mm512_cmpeq_epi32_mask(a, b) emu_mask(EMU_INT(a) == EMU_INT(b))
EMU __m512 emu_blend(__mmask16 k, __m512 a, __m512 b) { return EMU_PS(k >> i & 1 ? b[i] : a[i]); }
#define _mm512_mask_blend_ps emu_blend

/* Moving lanes about. */
EMU __m512 emu_mask_permutexvar(__m512 other, __mmask16 k, __m512i at, __m512 a)
{
    return EMU_PS(k >> i & 1 ? a[EMU_INT(at)[i] & 15] : other[i]);
}
EMU __m512 emu_permutex2var(__m512 a, __m512i at, __m512 b)
{
    return EMU_PS(EMU_INT(at)[i] & 16 ? b[EMU_INT(at)[i] & 15] : a[EMU_INT(at)[i] & 15]);
}
EMU __m512i emu_alignr(__m512i a, __m512i b, int n) { return EMU_EPI32(i + n < 16 ? EMU_INT(b)[i + n] : EMU_INT(a)[i + n - 16]); }
EMU __m512 emu_unpacklo(__m512 a, __m512 b) { return EMU_PS(i & 1 ? b[(i & 12) + i % 4 / 2] : a[(i & 12) + i % 4 / 2]); }
EMU __m512 emu_unpackhi(__m512 a, __m512 b) { return EMU_PS(i & 1 ? b[(i & 12) + 2 + i % 4 / 2] : a[(i & 12) + 2 + i % 4 / 2]); }
EMU __m512 emu_shuffle(__m512 a, __m512 b, unsigned how) { return EMU_PS(i & 2 ? b[(i & 12) + (int)(how >> 2 * (i & 3) & 3)] : a[(i & 12) + (int)(how >> 2 * (i & 3) & 3)]); }
EMU __m512 emu_shuffle_x4(__m512 a, __m512 b, unsigned how)
{
    return EMU_PS(i & 8 ? b[4 * (int)(how >> 2 * (i / 4) & 3) + (i & 3)] : a[4 * (int)(how >> 2 * (i / 4) & 3) + (i & 3)]);
}
#define _mm512_mask_permutexvar_ps emu_mask_permutexvar
#define _mm512_permutex2var_ps emu_permutex2var
#define _mm512_alignr_epi32 emu_alignr
#define _mm512_unpacklo_ps emu_unpacklo
#define _mm512_unpackhi_ps emu_unpackhi
#define _mm512_shuffle_ps emu_shuffle
#define _mm512_shuffle_f32x4 emu_shuffle_x4

#endif
