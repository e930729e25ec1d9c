#include "simd_avx2.h"

#define UNIT 64
#include "../body/conv_csr.h"

void scl_conv_csr__avx2(const void *args, int tid, int nt) { csr_windows(args, tid, nt); }
