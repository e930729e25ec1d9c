/* The type of all kernels, and their declarations.
 *
 * A kernel computes part `tid` of `nt` of one step and returns nothing: it cannot fail. What belongs to a part depends on its number
 * alone, and every output element is made by one part in one order of additions whatever nt is. It never reads or writes outside what its args name,
 * keeps no state, and looks at no CPU flag.
 */
#ifndef SCL_KERNELS_H
#define SCL_KERNELS_H

#include "scl_args.h"
#include "scl_divide.h"

typedef void (*scl_kernel)(const void *args, int tid, int nt);

/* Names and numbers of one kernel, for Python. */
typedef struct {
    const char *kind, *form, *isa, *symbol;
    int tile_m, tile_n, group;
    scl_kernel run;
} scl_kernel_info;

#define KERNEL(kind, form, isa, tile_m, tile_n, group, symbol) void symbol(const void *args, int tid, int nt);
#include "scl_kernels.def"
#undef KERNEL

/* The [begin, end) of part tid of nt, in units of `grain`, of `total` items. */
static inline void scl_part(int64_t total, int64_t grain, int tid, int nt, int64_t *begin, int64_t *end)
{
    int64_t units = scl_div(total + grain - 1, grain), b = scl_div(units * tid, nt) * grain, e = scl_div(units * (tid + 1), nt) * grain;
    *begin = b < total ? b : total;
    *end = e < total ? e : total;
}

#endif
