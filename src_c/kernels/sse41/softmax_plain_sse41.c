#include "simd_sse41.h"
#include "../body/softmax_plain.h"
