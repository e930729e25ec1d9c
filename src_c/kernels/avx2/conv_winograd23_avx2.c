#include "simd_avx2.h"

#define TILE_M 6
#define TILE_V 2
#define OUT 2
#define SIZE 3
#define CONV_WINOGRAD scl_conv_winograd23_6x16__avx2
#include "../body/conv_winograd.h"
