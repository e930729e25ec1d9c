#include "simd_avx2.h"
#include "../body/eltwise_plain.h"
