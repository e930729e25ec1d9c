#include "simd_sse41.h"

#include "../body/fc_slices.h"

void scl_fc_group_out_4__sse41(const void *args, int tid, int nt) { fc_slices(args, 4, OUT, tid, nt); }
void scl_fc_group_out_8__sse41(const void *args, int tid, int nt) { fc_slices(args, 8, OUT, tid, nt); }
void scl_fc_group_out_16__sse41(const void *args, int tid, int nt) { fc_slices(args, 16, OUT, tid, nt); }
