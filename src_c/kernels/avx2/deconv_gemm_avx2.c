#include "simd_avx2.h"

#define TILE_M 6
#define TILE_V 2
#define DECONV_GEMM scl_deconv_gemm_6x16__avx2
#include "../body/deconv_gemm.h"
