#include "simd_avx512.h"
#include "../body/broadcast_plain.h"
