#include "simd_avx2.h"
#include "../body/interp_plain.h"
