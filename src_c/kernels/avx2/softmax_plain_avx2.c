#include "simd_avx2.h"
#include "../body/softmax_plain.h"
