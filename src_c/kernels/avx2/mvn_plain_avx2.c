#include "simd_avx2.h"
#include "../body/mvn_plain.h"
