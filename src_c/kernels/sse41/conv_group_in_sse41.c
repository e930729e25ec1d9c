#include "simd_sse41.h"

#define UNIT 512
#include "../body/conv_group_in.h"

static void tile_4(const conv_tile *t) { TILE(4, 4, 2) TILE(4, 4, 1) }
static void tile_8(const conv_tile *t) { TILE(8, 4, 2) TILE(8, 8, 1) }
static void tile_16(const conv_tile *t) { TILE(16, 4, 2) TILE(16, 8, 1) }

void scl_conv_group_in_4__sse41(const void *args, int tid, int nt) { group_in_windows(args, tile_4, 2, tid, nt); }
void scl_conv_group_in_8__sse41(const void *args, int tid, int nt) { group_in_windows(args, tile_8, 2, tid, nt); }
void scl_conv_group_in_16__sse41(const void *args, int tid, int nt) { group_in_windows(args, tile_16, 2, tid, nt); }
