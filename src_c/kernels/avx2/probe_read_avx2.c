#include "simd_avx2.h"
#include "../body/probe_read.h"
