#include "simd_avx512.h"

#define TILE_M 8
#define TILE_V 3
#define DECONV_GEMM scl_deconv_gemm_8x48__avx512
#include "../body/deconv_gemm.h"
