#include "simd_avx2.h"
#include "../body/copy_plain.h"
