#include "simd_sse41.h"
#include "../body/pool_plain.h"
