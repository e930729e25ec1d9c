#include "simd_sse41.h"

#define UNIT 64
#include "../body/conv_csr.h"

void scl_conv_csr__sse41(const void *args, int tid, int nt) { csr_windows(args, tid, nt); }
