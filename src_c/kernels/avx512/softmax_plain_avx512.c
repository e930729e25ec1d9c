#include "simd_avx512.h"
#include "../body/softmax_plain.h"
