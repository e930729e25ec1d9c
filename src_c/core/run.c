#define _DEFAULT_SOURCE
#include "scl_run.h"

#include "scl_pool.h"

#include <time.h>

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* When the clock was last read, when the caller was last asked, and how much work is estimated to have been done since. */
typedef struct {
    scl_tick ask;
    int64_t asked;
    float work;
} watch;

/* After a round: the caller's answer if it was time to ask, else 0. Reading the clock costs as much as a small step, so that it is
 * only read after what should have taken a while. */
static int look(watch *w, float ns)
{
    const float LOOK_NS = SCL_TICK_NS / 16;
    w->work += ns;
    if (!w->ask || w->work < LOOK_NS)
        return 0;
    w->work = 0;
    const int64_t now = now_ns();
    if (w->asked == 0)
        w->asked = now;
    if (now - w->asked < SCL_TICK_NS)
        return 0;
    const int stop = w->ask();
    w->asked = now_ns();
    return stop;
}

/* A step whose parts look at the clock when they begin, in the first round, and when they end. */
typedef struct {
    const scl_step *step;
    int64_t *parts;
} watched;

static void run_watched(const void *args, int tid, int nt)
{
    const watched *w = args;
    int64_t *part = w->parts + 2 * (tid % w->step->nt);
    if (tid < w->step->nt)
        part[0] = now_ns();
    w->step->run(w->step->args, tid, nt);
    part[1] = now_ns();
}

int scl_run(const scl_step *steps, int count, int threads, scl_tick tick, int64_t *stamps, int64_t *parts)
{
    const int forks = scl_pool_forks();
    int workers = scl_pool_enter(threads), stop = 0;
    watch w = {tick, 0, 0};
    for (int i = 0; i < count && !stop; i++) {
        const scl_step *s = &steps[i];
        const watched seen = {s, parts ? parts + 2 * (int64_t)i * threads : NULL};
        if (stamps)
            stamps[2 * i] = now_ns();
        for (int round = 0; round < s->rounds && !stop; round++) {
            if (parts)
                scl_pool_run(run_watched, &seen, round * s->nt, s->nt, s->rounds * s->nt, workers);
            else
                scl_pool_run(s->run, s->args, round * s->nt, s->nt, s->rounds * s->nt, workers);
            if (round + 1 == s->rounds && stamps)
                stamps[2 * i + 1] = now_ns();
            stop = look(&w, s->ns / (float)s->rounds);
            if (scl_pool_forks() != forks)  /* forked inside `tick`: this is the child, and the helpers stayed behind */
                workers = 1;
        }
    }
    scl_pool_leave(workers);
    return stop;
}
