#include "simd_avx512.h"

#define CONV_DEPTHWISE scl_conv_depthwise__avx512
#include "../body/conv_depthwise.h"
