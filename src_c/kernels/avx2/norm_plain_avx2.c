#include "simd_avx2.h"
#include "../body/norm_plain.h"
