#include "simd_sse41.h"

#include "../body/fc_slices.h"

void scl_fc_group_in_4__sse41(const void *args, int tid, int nt) { fc_slices(args, 4, IN, tid, nt); }
void scl_fc_group_in_8__sse41(const void *args, int tid, int nt) { fc_slices(args, 8, IN, tid, nt); }
void scl_fc_group_in_16__sse41(const void *args, int tid, int nt) { fc_slices(args, 16, IN, tid, nt); }
