#include "simd_avx2.h"

#include "../body/fc_slices.h"

void scl_fc_group_out_4__avx2(const void *args, int tid, int nt) { fc_slices(args, 4, OUT, tid, nt); }
void scl_fc_group_out_8__avx2(const void *args, int tid, int nt) { fc_slices(args, 8, OUT, tid, nt); }
void scl_fc_group_out_16__avx2(const void *args, int tid, int nt) { fc_slices(args, 16, OUT, tid, nt); }
