#include "conv_sparse.h"

void scl_conv_group_in_4__scalar(const void *args, int tid, int nt) { conv_sparse(args, 4, 0, tid, nt); }
void scl_conv_group_in_8__scalar(const void *args, int tid, int nt) { conv_sparse(args, 8, 0, tid, nt); }
void scl_conv_group_in_16__scalar(const void *args, int tid, int nt) { conv_sparse(args, 16, 0, tid, nt); }
