/* A constant. There is nothing to vectorise here that memcpy does not. */
#include "scl_kernels.h"
#include <string.h>

void scl_fill_plain__scalar(const void *args, int tid, int nt)
{
    const scl_args_fill *a = args;
    const float *value = a->value;
    int64_t begin, end;
    scl_part(a->count, 16, tid, nt, &begin, &end);
    if (begin < end)
        memcpy(a->y + begin, value + begin, (size_t)(end - begin) * sizeof *value);
}
