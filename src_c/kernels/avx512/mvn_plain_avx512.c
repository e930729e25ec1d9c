#include "simd_avx512.h"
#include "../body/mvn_plain.h"
