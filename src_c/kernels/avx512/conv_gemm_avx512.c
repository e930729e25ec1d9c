#include "simd_avx512.h"

#define TILE_M 8
#define TILE_V 3
#define CONV_GEMM scl_conv_gemm_8x48__avx512
#include "../body/conv_gemm.h"
