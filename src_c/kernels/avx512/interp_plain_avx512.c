#include "simd_avx512.h"
#include "../body/interp_plain.h"
