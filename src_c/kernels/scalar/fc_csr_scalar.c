/* Fully connected, unstructured zeros, in slices (scl_slices.h) of single weights. */
#include "slices.h"

void scl_fc_csr__scalar(const void *args, int tid, int nt) { fc_slices(args, 1, 0, tid, nt); }
