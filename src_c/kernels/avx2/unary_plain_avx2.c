#include "simd_avx2.h"
#include "../body/unary_plain.h"
