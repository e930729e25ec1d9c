#include "simd_avx2.h"
#include "../body/affine_plain.h"
