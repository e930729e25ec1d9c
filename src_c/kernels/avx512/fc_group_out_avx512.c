#include "simd_avx512.h"

#include "../body/fc_slices.h"

void scl_fc_group_out_16__avx512(const void *args, int tid, int nt) { fc_slices(args, 16, OUT, tid, nt); }
