#include "simd_avx2.h"

#define TILE_M 6
#define TILE_V 2
#define FC_DENSE scl_fc_dense_6x16__avx2
#include "../body/fc_dense.h"
