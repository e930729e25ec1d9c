#include "simd_avx512.h"
#include "../body/affine_plain.h"
