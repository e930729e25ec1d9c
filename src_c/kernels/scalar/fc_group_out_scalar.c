/* Fully connected, groups of neighbours in a column, in slices (scl_slices.h) of blocks of outputs. */
#include "slices.h"

void scl_fc_group_out_4__scalar(const void *args, int tid, int nt) { fc_slices(args, 4, 1, tid, nt); }
void scl_fc_group_out_8__scalar(const void *args, int tid, int nt) { fc_slices(args, 8, 1, tid, nt); }
void scl_fc_group_out_16__scalar(const void *args, int tid, int nt) { fc_slices(args, 16, 1, tid, nt); }
