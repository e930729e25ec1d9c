#include "simd_avx512.h"
#include "../body/copy_plain.h"
