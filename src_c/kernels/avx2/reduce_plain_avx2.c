#include "simd_avx2.h"
#include "../body/reduce_plain.h"
