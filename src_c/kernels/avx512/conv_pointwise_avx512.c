#include "simd_avx512.h"

#define TILE_M 8
#define TILE_V 3
#define CONV_POINTWISE scl_conv_pointwise_8x48__avx512
#include "../body/conv_pointwise.h"
