#include "simd_sse41.h"

#define TILE_M 4
#define TILE_V 2
#define CONV_GEMM scl_conv_gemm_4x8__sse41
#include "../body/conv_gemm.h"
