#include "simd_sse41.h"
#include "../body/interp_plain.h"
