#include "simd_avx512.h"
#include "../body/norm_plain.h"
