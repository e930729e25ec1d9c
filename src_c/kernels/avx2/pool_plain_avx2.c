#include "simd_avx2.h"
#include "../body/pool_plain.h"
