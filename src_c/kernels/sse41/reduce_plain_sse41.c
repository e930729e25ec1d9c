#include "simd_sse41.h"
#include "../body/reduce_plain.h"
