#include "simd_sse41.h"
#include "../body/mvn_plain.h"
