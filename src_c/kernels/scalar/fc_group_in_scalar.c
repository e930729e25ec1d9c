/* Fully connected, groups of neighbours in a row, in slices (scl_slices.h). */
#include "slices.h"

void scl_fc_group_in_4__scalar(const void *args, int tid, int nt) { fc_slices(args, 4, 0, tid, nt); }
void scl_fc_group_in_8__scalar(const void *args, int tid, int nt) { fc_slices(args, 8, 0, tid, nt); }
void scl_fc_group_in_16__scalar(const void *args, int tid, int nt) { fc_slices(args, 16, 0, tid, nt); }
