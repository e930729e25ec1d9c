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
    if (lo == 0)
        return vf_loadn(p, hi);
    float lanes[4] = {0};
    for (int i = lo; i < hi; i++)
        lanes[i] = p[i];
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

#include "simd_common.h"
#endif
