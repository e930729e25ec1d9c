#include "simd_sse41.h"
#include "../body/affine_plain.h"
