#include "simd_avx512.h"

#define TILE_M 8
#define TILE_V 3
#define FC_DENSE scl_fc_dense_8x48__avx512
#include "../body/fc_dense.h"
