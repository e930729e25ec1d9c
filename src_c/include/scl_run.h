/* A plan's steps, one after another: the only call that an inference makes. */
#ifndef SCL_RUN_H
#define SCL_RUN_H

#include "scl_kernels.h"

typedef struct {
    scl_kernel run;
    const void *args;               /* the kind's struct, every address filled in */
    int nt;                         /* most threads to do it; 1 = not worth a second */
    int parts;                      /* more than threads, so that who is faster does more, and a step that takes long can be stopped */
    float ns;                       /* estimated duration on one thread: says when it is time to look at the clock */
} scl_step;

/* Called on the caller's thread about every SCL_TICK_NS, while no part is being done; not 0 = stop. NULL: nobody is asked. */
typedef int (*scl_tick)(void);

enum { SCL_TICK_NS = 20000000 };

/* Run steps[0..count); a barrier between any two. `threads`: most threads to use. `stamps`: NULL, or count times (begin, end) of the
 * steps to fill, in ns of the monotonic clock. `lanes`: NULL, or zeros, count times `threads` times, to fill with (begin, end) of
 * what each thread did of them; they stay 0 where one did nothing. Returns 0, or what `tick` returned to stop. */
int scl_run(const scl_step *steps, int count, int threads, scl_tick tick, int64_t *stamps, int64_t *lanes);

/* One of several plans of the same steps, each with memory of its own. */
typedef struct {
    const scl_step *steps;          /* with addresses in its own memory */
    char *const *places;            /* where in that the inputs of a turn lie, and then the outputs */
} scl_twin;

/* An input or output of all turns. */
typedef struct {
    char *all;
    size_t image;                   /* bytes of one image */
} scl_batch;

/* What there is to do in turns: steps[0..count) of a twin on `images` images, from the first of `n` to the last. The last turn
 * begins early enough to have as many as the others; what it does again is not written again. */
typedef struct {
    const scl_batch *ins, *outs;
    int n_ins, n_outs;
    int count, images, n;
} scl_turns;

/* Run all turns; `tick` and what is returned are as above. One twin: its steps go on `threads` threads. Several: as many threads
 * take the turns among them, each the next one that is left, with a twin of its own, and every step is done by one thread.
 * `stamps`: NULL, or for each turn `count` times (begin, end); `who`: NULL, or for each turn the twin that did it. */
int scl_run_turns(const scl_twin *twins, int n_twins, const scl_turns *turns, int threads, scl_tick tick, int64_t *stamps, int *who);

#endif
