#include "simd_avx2.h"
#include "../body/lrn_plain.h"
