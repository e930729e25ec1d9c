#include "conv_sparse.h"

void scl_conv_group_out_4__scalar(const void *args, int tid, int nt) { conv_sparse(args, 4, 1, tid, nt); }
void scl_conv_group_out_8__scalar(const void *args, int tid, int nt) { conv_sparse(args, 8, 1, tid, nt); }
void scl_conv_group_out_16__scalar(const void *args, int tid, int nt) { conv_sparse(args, 16, 1, tid, nt); }
