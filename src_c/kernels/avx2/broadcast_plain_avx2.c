#include "simd_avx2.h"
#include "../body/broadcast_plain.h"
