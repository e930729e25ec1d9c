#include "simd_avx2.h"

#define TILE_M 6
#define TILE_V 2
#define CONV_POINTWISE scl_conv_pointwise_6x16__avx2
#include "../body/conv_pointwise.h"
