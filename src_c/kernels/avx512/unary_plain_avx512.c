#include "simd_avx512.h"
#include "../body/unary_plain.h"
