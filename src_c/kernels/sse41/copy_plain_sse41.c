#include "simd_sse41.h"
#include "../body/copy_plain.h"
