#include "simd_avx512.h"
#include "../body/reduce_plain.h"
