/* Unpooling by a mask. The places come from data: one that is none in the plane is left out. */
#include "scl_kernels.h"
#include <string.h>

void scl_scatter_plain__scalar(const void *args, int tid, int nt)
{
    const scl_args_scatter *a = args;
    int64_t begin, end;
    scl_part(a->planes, 1, tid, nt, &begin, &end);
    for (int64_t plane = begin; plane < end; plane++) {
        const float *x = a->x + plane * a->count, *mask = a->mask + plane * a->count;
        float *y = a->y + plane * a->size;
        memset(y, 0, (size_t)a->size * sizeof *y);
        for (int64_t i = 0; i < a->count; i++)
            if (mask[i] > -1 && mask[i] < (float)a->size && (int64_t)mask[i] < a->size)
                y[(int64_t)mask[i]] = x[i];
    }
}
