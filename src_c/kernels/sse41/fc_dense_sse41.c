#include "simd_sse41.h"

#define TILE_M 4
#define TILE_V 2
#define FC_DENSE scl_fc_dense_4x8__sse41
#include "../body/fc_dense.h"
