#include "simd_avx512.h"
#include "../body/lrn_plain.h"
