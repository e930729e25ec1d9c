#define _DEFAULT_SOURCE
#include "scl_run.h"

#include "scl_pool.h"

#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* When the clock was last read, when the caller was last asked, and how much work is estimated to have been done since. */
typedef struct {
    scl_tick tick;
    int64_t asked;
    float work, part;               /* ns; of the part that was done last */
} watch;

/* After a part: whether it is time to ask. Reading the clock costs as much as a small step, so that it is only read after what
 * should have taken a while. */
static int due(void *of)
{
    const float LOOK_NS = SCL_TICK_NS / 16;
    watch *w = of;
    w->work += w->part;
    if (w->work < LOOK_NS)
        return 0;
    w->work = 0;
    const int64_t now = now_ns();
    if (w->asked == 0)
        w->asked = now;
    return now - w->asked >= SCL_TICK_NS;
}

static int ask(void *of)
{
    watch *w = of;
    const int stop = w->tick();
    w->asked = now_ns();
    return stop;
}

/* A step of which each thread looks at the clock when it begins and when it ends. */
typedef struct {
    const scl_step *step;
    int64_t *lanes;
} watched;

static void run_watched(const void *args, int tid, int nt)
{
    const watched *w = args;
    int64_t *mine = w->lanes + 2 * (scl_lane() % w->step->nt);
    if (mine[0] == 0)
        mine[0] = now_ns();
    w->step->run(w->step->args, tid, nt);
    mine[1] = now_ns();
}

/* Steps on the pool's `workers` threads, which become one where this process is forked in the middle. */
static int run_steps(const scl_step *steps, int count, int threads, int *workers, watch *w, int64_t *stamps, int64_t *lanes)
{
    const int forks = scl_pool_forks();
    const scl_pause pause = {due, ask, w};
    int stop = 0;
    for (int i = 0; i < count && !stop; i++) {
        const scl_step *s = &steps[i];
        const watched seen = {s, lanes ? lanes + 2 * (int64_t)i * threads : NULL};
        w->part = s->ns / (float)s->parts;
        if (stamps)
            stamps[2 * i] = now_ns();
        stop = scl_pool_run(lanes ? run_watched : s->run, lanes ? &seen : s->args, s->parts, *workers < s->nt ? *workers : s->nt,
                            w->tick ? &pause : NULL);
        if (stamps)
            stamps[2 * i + 1] = now_ns();
        if (scl_pool_forks() != forks)      /* forked inside `tick`: this is the child, and the helpers stayed behind */
            *workers = 1;
    }
    return stop;
}

int scl_run(const scl_step *steps, int count, int threads, scl_tick tick, int64_t *stamps, int64_t *lanes)
{
    int workers = scl_pool_enter(threads);
    watch w = {tick, 0, 0, 0};
    const int stop = run_steps(steps, count, threads, &workers, &w, stamps, lanes);
    scl_pool_leave(workers);
    return stop;
}

static int turns_of(const scl_turns *t)
{
    return (t->n + t->images - 1) / t->images;
}

/* The first image of a turn. */
static int first_of(const scl_turns *t, int turn)
{
    const int first = turn * t->images;
    return first + t->images <= t->n ? first : t->n - t->images;
}

static void take(const scl_turns *t, int turn, char *const *places)
{
    for (int i = 0; i < t->n_ins; i++) {
        const scl_batch *b = &t->ins[i];
        memcpy(places[i], b->all + (size_t)first_of(t, turn) * b->image, (size_t)t->images * b->image);
    }
}

/* Two turns may give the same image; the first of them writes it. */
static void give(const scl_turns *t, int turn, char *const *places)
{
    const int again = turn * t->images - first_of(t, turn);
    for (int i = 0; i < t->n_outs; i++) {
        const scl_batch *b = &t->outs[i];
        memcpy(b->all + (size_t)turn * (size_t)t->images * b->image, places[t->n_ins + i] + (size_t)again * b->image,
               (size_t)(t->images - again) * b->image);
    }
}

/* Turns that several twins take among them. */
typedef struct {
    const scl_twin *twins;
    const scl_turns *turns;
    int64_t *stamps;
    int *who;
    watch *watch;                   /* the caller's */
    int workers, forks;
    atomic_int next, left, stop;
} shared;

/* Whether to go on, asked by the caller after each part and by the others. */
static int go_on(shared *s, int caller, float ns)
{
    if (caller && s->watch->tick) {
        s->watch->part = ns;
        const int stop = due(s->watch) ? ask(s->watch) : 0;
        if (stop)
            atomic_store(&s->stop, stop);
        if (scl_pool_forks() != s->forks)
            return 0;               /* the child of a fork: see scl_run_turns */
    }
    return !atomic_load(&s->stop);
}

static int run_turn(shared *s, int turn, int tid, int caller)
{
    const scl_turns *t = s->turns;
    const scl_twin *twin = &s->twins[tid];
    int64_t *stamps = s->stamps ? s->stamps + 2 * (int64_t)turn * t->count : NULL;
    if (s->who)
        s->who[turn] = tid;
    take(t, turn, twin->places);
    for (int i = 0; i < t->count; i++) {
        const scl_step *step = &twin->steps[i];
        if (stamps)
            stamps[2 * i] = now_ns();
        for (int part = 0; part < step->parts; part++) {
            step->run(step->args, part, step->parts);
            if (part + 1 == step->parts && stamps)
                stamps[2 * i + 1] = now_ns();
            if (!go_on(s, caller, step->ns / (float)step->parts))
                return 0;
        }
    }
    give(t, turn, twin->places);
    return 1;
}

static void run_some(const void *args, int tid, int nt)
{
    shared *s = (shared *)(uintptr_t)args;
    const int caller = scl_lane() == 0, all = turns_of(s->turns);
    (void)nt;
    for (int turn; (turn = atomic_fetch_add(&s->next, 1)) < all; atomic_fetch_sub(&s->left, 1))
        if (!run_turn(s, turn, tid, caller))
            return;
    /* The caller is who can be asked to stop, also while only others have something left to do. */
    while (caller && s->watch->tick && atomic_load(&s->left) && go_on(s, caller, SCL_TICK_NS))
        sched_yield();
}

int scl_run_turns(const scl_twin *twins, int n_twins, const scl_turns *turns, int threads, scl_tick tick, int64_t *stamps, int *who)
{
    const int all = turns_of(turns);
    int workers = scl_pool_enter(threads), stop = 0;
    watch w = {tick, 0, 0, 0};
    if (n_twins == 1) {
        for (int turn = 0; turn < all && !stop; turn++) {
            take(turns, turn, twins->places);
            stop = run_steps(twins->steps, turns->count, threads, &workers, &w, stamps ? stamps + 2 * (int64_t)turn * turns->count : NULL, NULL);
            if (!stop)
                give(turns, turn, twins->places);
            if (who)
                who[turn] = 0;
        }
    } else {
        shared s = {twins, turns, stamps, who, &w, 0, 0, 0, 0, 0};
        do {                        /* forked inside `tick`, the child has lost what the helpers were at, and begins anew alone */
            if (s.workers && s.forks != scl_pool_forks())
                workers = 1;
            s.workers = workers < n_twins ? workers : n_twins;
            s.forks = scl_pool_forks();
            atomic_store(&s.next, 0);
            atomic_store(&s.left, all);
            scl_pool_run(run_some, &s, n_twins, workers, NULL);
            stop = atomic_load(&s.stop);
        } while (!stop && s.forks != scl_pool_forks());
    }
    scl_pool_leave(workers);
    return stop;
}
