#include "simd_avx512.h"

#define UNIT 64
#include "../body/conv_csr.h"

void scl_conv_csr__avx512(const void *args, int tid, int nt) { csr_windows(args, tid, nt); }
