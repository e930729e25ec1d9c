#include "simd_avx2.h"

#define UNIT 256
#include "../body/conv_group_in.h"

static void tile_4(const conv_tile *t) { TILE(4, 4, 3) TILE(4, 4, 2) TILE(4, 4, 1) }
static void tile_8(const conv_tile *t) { TILE(8, 4, 3) TILE(8, 4, 2) TILE(8, 8, 1) }
static void tile_16(const conv_tile *t) { TILE(16, 4, 3) TILE(16, 4, 2) TILE(16, 8, 1) }

void scl_conv_group_in_4__avx2(const void *args, int tid, int nt) { group_in_windows(args, tile_4, 3, tid, nt); }
void scl_conv_group_in_8__avx2(const void *args, int tid, int nt) { group_in_windows(args, tile_8, 3, tid, nt); }
void scl_conv_group_in_16__avx2(const void *args, int tid, int nt) { group_in_windows(args, tile_16, 3, tid, nt); }
