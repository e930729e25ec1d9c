#include "simd_sse41.h"
#include "../body/norm_plain.h"
