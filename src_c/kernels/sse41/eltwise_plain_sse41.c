#include "simd_sse41.h"
#include "../body/eltwise_plain.h"
