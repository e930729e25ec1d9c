#include "simd_sse41.h"

#include "../body/conv_group_out.h"

static void tile_4(const conv_tile *t) { TILE(4, 4, 2) TILE(4, 4, 1) }
static void tile_8(const conv_tile *t) { TILE(8, 4, 2) TILE(8, 8, 1) }
static void tile_16(const conv_tile *t) { TILE(16, 4, 2) TILE(16, 8, 1) }

void scl_conv_group_out_4__sse41(const void *args, int tid, int nt) { group_out_windows(args, tile_4, 2, 4, tid, nt); }
void scl_conv_group_out_8__sse41(const void *args, int tid, int nt) { group_out_windows(args, tile_8, 2, 8, tid, nt); }
void scl_conv_group_out_16__sse41(const void *args, int tid, int nt) { group_out_windows(args, tile_16, 2, 16, tid, nt); }
