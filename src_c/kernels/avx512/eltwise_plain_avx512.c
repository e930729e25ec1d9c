#include "simd_avx512.h"
#include "../body/eltwise_plain.h"
