#include "simd_avx512.h"

#define TILE_M 8
#define TILE_V 3
#define OUT 2
#define SIZE 5
#define CONV_WINOGRAD scl_conv_winograd25_8x48__avx512
#include "../body/conv_winograd.h"
