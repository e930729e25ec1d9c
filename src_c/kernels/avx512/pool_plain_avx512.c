#include "simd_avx512.h"
#include "../body/pool_plain.h"
