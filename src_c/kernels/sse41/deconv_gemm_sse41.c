#include "simd_sse41.h"

#define TILE_M 4
#define TILE_V 2
#define DECONV_GEMM scl_deconv_gemm_4x8__sse41
#include "../body/deconv_gemm.h"
