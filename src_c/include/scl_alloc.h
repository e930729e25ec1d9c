/* Memory on 64-byte boundaries, with a way for tests to make it run out. */
#ifndef SCL_ALLOC_H
#define SCL_ALLOC_H

#include <stddef.h>

enum { SCL_ALIGN = 64 };            /* bytes: a cache line, and the widest vector */

/* `bytes` (0 is allowed) on a SCL_ALIGN boundary, not cleared; NULL when there is no memory. Free with scl_free. */
void *scl_alloc(size_t bytes);
void scl_free(void *memory);

/* Let the k-th allocation from now fail (1 = the next), once; 0 = none. */
void scl_alloc_fail(long k);

/* Allocations that were not freed yet. */
long scl_alloc_count(void);

#endif
