#include "simd_sse41.h"

#include "../body/fc_slices.h"

void scl_fc_csr__sse41(const void *args, int tid, int nt) { fc_slices(args, 1, IN, tid, nt); }
