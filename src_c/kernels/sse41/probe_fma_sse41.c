#include "simd_sse41.h"
#include "../body/probe_fma.h"
