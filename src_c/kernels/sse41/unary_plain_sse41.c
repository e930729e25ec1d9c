#include "simd_sse41.h"
#include "../body/unary_plain.h"
