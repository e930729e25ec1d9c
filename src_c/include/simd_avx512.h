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
static inline void vf_store(float *p, vf v) { _mm512_storeu_ps(p, v); }
static inline void vf_storen(float *p, int64_t n, vf v) { _mm512_mask_storeu_ps(p, vf_first(n), v); }
static inline vf vf_add(vf a, vf b) { return _mm512_add_ps(a, b); }
static inline vf vf_mul(vf a, vf b) { return _mm512_mul_ps(a, b); }
static inline vf vf_or(vf a, vf b) { return _mm512_or_ps(a, b); }
static inline vf vf_fma(vf a, vf b, vf c) { return _mm512_fmadd_ps(a, b, c); }
static inline vf vf_max(vf a, vf b) { return _mm512_max_ps(a, b); }
static inline vf vf_min(vf a, vf b) { return _mm512_min_ps(a, b); }
static inline vf vf_if_neg(vf x, vf a, vf b) { return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(x, vf_zero(), _CMP_LT_OQ), b, a); }

#include "simd_common.h"
#endif
