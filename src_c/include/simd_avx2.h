/* Vectors of floats for the bodies in src_c/kernels/body: AVX2 with FMA, 8 lanes. The same names are in simd_sse41.h and simd_avx512.h.
 *
 * VL lanes; vf a vector; vf_loadn and vf_storen touch the first n lanes only (0 <= n <= VL; the others are loaded as zero).
 * vf_load_range reads p[lo..hi-1] into lanes lo..hi-1 and nothing else; the other lanes are zero.
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
static inline vf vf_loadn(const float *p, int64_t n) { return _mm256_maskload_ps(p, vf_first(n)); }
static inline vf vf_load_range(const float *p, int lo, int hi) { return _mm256_maskload_ps(p, vf_range(lo, hi)); }
static inline void vf_store(float *p, vf v) { _mm256_storeu_ps(p, v); }
static inline void vf_storen(float *p, int64_t n, vf v) { _mm256_maskstore_ps(p, vf_first(n), v); }
static inline vf vf_add(vf a, vf b) { return _mm256_add_ps(a, b); }
static inline vf vf_mul(vf a, vf b) { return _mm256_mul_ps(a, b); }
static inline vf vf_or(vf a, vf b) { return _mm256_or_ps(a, b); }
static inline vf vf_fma(vf a, vf b, vf c) { return _mm256_fmadd_ps(a, b, c); }
static inline vf vf_max(vf a, vf b) { return _mm256_max_ps(a, b); }  /* NaN in a or b: b */
static inline vf vf_min(vf a, vf b) { return _mm256_min_ps(a, b); }
static inline vf vf_if_neg(vf x, vf a, vf b) { return _mm256_blendv_ps(b, a, _mm256_cmp_ps(x, vf_zero(), _CMP_LT_OQ)); }  /* x < 0 ? a : b */

#include "simd_common.h"
#endif
