#include "simd_sse41.h"
#include "../body/lrn_plain.h"
