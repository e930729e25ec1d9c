#include "simd_avx512.h"
#include "../body/probe_read.h"
