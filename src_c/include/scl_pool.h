/* The threads that help to run a plan: one pool for the process, made when it is first needed.
 *
 * A caller enters the pool, hands it steps one by one and leaves. Part t of a step always does the same work (see scl_kernels.h),
 * so who runs it changes no bit of the result. Each thread is dealt a share of the parts, neighbours, and takes from others' shares
 * when its own is done: cores differ, and none is ever waited for but for the part that it is at. When the pool is taken by
 * another caller, or the system gives no more threads, the caller runs all the parts itself.
 *
 * Idle helpers look for work for a while and then sleep; who has not woken up when all is done has missed it. They take no signals. After a fork the child starts with no
 * helpers and makes new ones when it needs them.
 */
#ifndef SCL_POOL_H
#define SCL_POOL_H

#include "scl_kernels.h"

enum { SCL_MAX_THREADS = 256 };

/* Take the pool for this thread, with up to threads-1 helpers; the number of threads that will work, this one included. */
int scl_pool_enter(int threads);

/* Asked of the caller: `due` after each part that it did itself, whether it is time to ask; then no more parts are begun, and
 * when all that were begun have ended, `ask`: not 0 = stop. */
typedef struct {
    int (*due)(void *of);
    int (*ask)(void *of);
    void *of;
} scl_pause;

/* Run all parts of one step on up to `workers` threads, no more than scl_pool_enter counted; returns when all are done, with 0, or
 * when all that were begun are, with what `pause` answered to stop. NULL: nobody is asked. */
int scl_pool_run(scl_kernel run, const void *args, int parts, int workers, const scl_pause *pause);

/* Give the pool back; `workers` as above. */
void scl_pool_leave(int workers);

/* Helpers that are alive now. */
int scl_pool_helpers(void);

/* How often this process is a fork's child of the one that loaded the library. */
int scl_pool_forks(void);

#endif
