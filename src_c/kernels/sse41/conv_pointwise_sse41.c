#include "simd_sse41.h"

#define TILE_M 4
#define TILE_V 2
#define CONV_POINTWISE scl_conv_pointwise_4x8__sse41
#include "../body/conv_pointwise.h"
