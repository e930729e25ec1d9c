/* The threads that help to run a plan: one pool for the process, made when it is first needed.
 *
 * A caller enters the pool, hands it steps one by one and leaves. Part t of a step always does the same work (see scl_kernels.h),
 * so who runs it changes no bit of the result: when the pool is taken by another caller, or the system gives no more
 * threads, the caller runs all the parts itself.
 *
 * Idle helpers look for work for a while and then sleep. They take no signals. After a fork the child starts with no
 * helpers and makes new ones when it needs them.
 */
#ifndef SCL_POOL_H
#define SCL_POOL_H

#include "scl_kernels.h"

enum { SCL_MAX_THREADS = 256 };

/* Take the pool for this thread, with up to threads-1 helpers; the number of threads that will work, this one included. */
int scl_pool_enter(int threads);

/* Run parts first..first+count-1 of the nt of one step on `workers` threads, as scl_pool_enter counted them; returns when all are done. */
void scl_pool_run(scl_kernel run, const void *args, int first, int count, int nt, int workers);

/* Give the pool back; `workers` as above. */
void scl_pool_leave(int workers);

/* Helpers that are alive now. */
int scl_pool_helpers(void);

/* How often this process is a fork's child of the one that loaded the library. */
int scl_pool_forks(void);

#endif
