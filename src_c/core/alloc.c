#define _DEFAULT_SOURCE
#include "scl_alloc.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#ifdef __linux__
#include <sys/mman.h>
#endif

static atomic_long to_fail, live;

void *scl_alloc(size_t bytes)
{
    enum { HUGE = 2 << 20 };
    void *memory = NULL;
    if (atomic_load_explicit(&to_fail, memory_order_relaxed) > 0 && atomic_fetch_sub(&to_fail, 1) == 1)
        return NULL;
    /* Whole huge pages for what is big: a pass over 100 MB of weights or activations would miss the TLB all the time. */
    const size_t align = bytes >= 2 * HUGE ? HUGE : SCL_ALIGN;
    if (bytes > PTRDIFF_MAX - align || posix_memalign(&memory, align, bytes ? bytes : 1))
        return NULL;
#ifdef MADV_HUGEPAGE
    if (align == HUGE)
        (void)madvise(memory, bytes, MADV_HUGEPAGE);
#endif
    atomic_fetch_add(&live, 1);
    return memory;
}

void scl_free(void *memory)
{
    if (memory) {
        atomic_fetch_sub(&live, 1);
        free(memory);
    }
}

void scl_alloc_fail(long k)
{
    atomic_store(&to_fail, k);
}

long scl_alloc_count(void)
{
    return atomic_load(&live);
}
