#include "simd_avx2.h"

#define TILE_M 6
#define TILE_V 2
#define CONV_GEMM scl_conv_gemm_6x16__avx2
#include "../body/conv_gemm.h"
