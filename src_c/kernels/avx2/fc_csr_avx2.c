#include "simd_avx2.h"

#include "../body/fc_slices.h"

void scl_fc_csr__avx2(const void *args, int tid, int nt) { fc_slices(args, 1, IN, tid, nt); }
