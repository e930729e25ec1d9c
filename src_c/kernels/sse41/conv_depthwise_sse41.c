#include "simd_sse41.h"

#define CONV_DEPTHWISE scl_conv_depthwise__sse41
#include "../body/conv_depthwise.h"
