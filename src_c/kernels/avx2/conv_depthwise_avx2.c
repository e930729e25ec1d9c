#include "simd_avx2.h"

#define CONV_DEPTHWISE scl_conv_depthwise__avx2
#include "../body/conv_depthwise.h"
