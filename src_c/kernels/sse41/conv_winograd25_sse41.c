#include "simd_sse41.h"

#define TILE_M 4
#define TILE_V 2
#define OUT 2
#define SIZE 5
#define CONV_WINOGRAD scl_conv_winograd25_4x8__sse41
#include "../body/conv_winograd.h"
