#include "simd_sse41.h"
#include "../body/broadcast_plain.h"
