/* A plan's steps, one after another: the only call that an inference makes. */
#ifndef SCL_RUN_H
#define SCL_RUN_H

#include "scl_kernels.h"

typedef struct {
    scl_kernel run;
    const void *args;               /* the kind's struct, every address filled in */
    int nt;                         /* parts at a time; 1 = not worth a second thread */
    int rounds;                     /* how many times so many: a step that takes long is done in turns, to be stopped between two */
    float ns;                       /* estimated duration: says when it is time to look at the clock */
} scl_step;

/* Called on the caller's thread about every SCL_TICK_NS, between two rounds; not 0 = stop. NULL: nobody is asked. */
typedef int (*scl_tick)(void);

enum { SCL_TICK_NS = 20000000 };

/* Run steps[0..count); a barrier between any two rounds. `threads`: most threads to use, and the most parts at a time.
 * `stamps`: NULL, or count times (begin, end) of the steps to fill, in ns of the monotonic clock. `parts`: NULL, or count times
 * `threads` times (begin, end) of their parts, from the first round to the last; those that a step does not have stay as they are.
 * Returns 0, or what `tick` returned to stop. */
int scl_run(const scl_step *steps, int count, int threads, scl_tick tick, int64_t *stamps, int64_t *parts);

#endif
