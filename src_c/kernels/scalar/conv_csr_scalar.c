#include "conv_sparse.h"

void scl_conv_csr__scalar(const void *args, int tid, int nt) { conv_sparse(args, 1, 0, tid, nt); }
