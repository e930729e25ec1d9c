#define _DEFAULT_SOURCE
#include "scl_pool.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

#if defined(__x86_64__) || defined(__i386__)
#define relax() __builtin_ia32_pause()
#elif defined(__aarch64__)
#define relax() __asm__ volatile("yield")
#else
#define relax() ((void)0)
#endif

enum {
    LINE = 64,
    IDLE_NS = 50000,                /* a helper without work looks for it that long before it sleeps */
    POLITE = 2000,                  /* looks before a waiting caller lets other threads of the system go first */
    STACK = 2 << 20                 /* bytes */
};

/* Parts of a step that one thread is to do: the first that nobody began, and the end. Who has done its own takes from others. */
typedef struct {
    _Alignas(LINE) atomic_int next;
    int end;
} share;

typedef struct {
    scl_kernel run;
    const void *args;
    int parts, workers;
} job;

/* A helper's letter box: the caller writes the job, then POSTED. The helper takes it out, and leaves the box EMPTY when it has found
 * nothing more to do; the caller takes it back from a helper who has not come before all is done. */
enum { EMPTY, POSTED, TAKEN };

typedef struct {
    _Alignas(LINE) atomic_int letter;
    atomic_int asleep;
    job job;
    pthread_mutex_t lock;
    pthread_cond_t wake;
} helper;

static helper helpers[SCL_MAX_THREADS - 1];
static share shares[SCL_MAX_THREADS];    /* of the job that the pool is at, one for each worker */
static int alive;                   /* helpers[0..alive) have a thread; changed under `taken` only */
static _Alignas(LINE) atomic_flag taken = ATOMIC_FLAG_INIT;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int forks;
static _Thread_local int lane;

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* The next part for the thread of this lane: of its own share, or else of another's. -1: all were begun. */
static int next_part(const job *j, int own)
{
    for (int i = 0; i < j->workers; i++) {
        share *s = &shares[(own + i) % j->workers];
        if (atomic_load_explicit(&s->next, memory_order_relaxed) < s->end) {
            const int part = atomic_fetch_add_explicit(&s->next, 1, memory_order_relaxed);
            if (part < s->end)
                return part;
        }
    }
    return -1;
}

static int take_letter(helper *me)
{
    int posted = POSTED;
    return atomic_load_explicit(&me->letter, memory_order_relaxed) == POSTED
        && atomic_compare_exchange_strong_explicit(&me->letter, &posted, TAKEN, memory_order_acquire, memory_order_relaxed);
}

static void wait_for_letter(helper *me)
{
    const int64_t start = now_ns();
    do
        for (int i = 0; i < 64; i++) {
            if (take_letter(me))
                return;
            relax();
        }
    while (now_ns() - start < IDLE_NS);
    pthread_mutex_lock(&me->lock);
    atomic_store(&me->asleep, 1);   /* sequentially consistent against post(): one of the two sees the other */
    while (atomic_load(&me->letter) != POSTED || !take_letter(me))
        pthread_cond_wait(&me->wake, &me->lock);
    atomic_store(&me->asleep, 0);
    pthread_mutex_unlock(&me->lock);
}

static void *work(void *arg)
{
    helper *me = arg;
    lane = (int)(me - helpers) + 1;
    for (;;) {
        wait_for_letter(me);
        for (int part; (part = next_part(&me->job, lane)) >= 0;)
            me->job.run(me->job.args, part, me->job.parts);
        atomic_store_explicit(&me->letter, EMPTY, memory_order_release);
    }
    return NULL;
}

static void post(helper *h, const job *j)
{
    h->job = *j;
    atomic_store(&h->letter, POSTED);
    if (atomic_load(&h->asleep)) {
        pthread_mutex_lock(&h->lock);
        pthread_cond_signal(&h->wake);
        pthread_mutex_unlock(&h->lock);
    }
}

/* Until the helper has ended what it began; a letter that it has not seen is taken back. */
static void call_back(helper *h)
{
    int posted = POSTED;
    if (atomic_compare_exchange_strong_explicit(&h->letter, &posted, EMPTY, memory_order_relaxed, memory_order_relaxed))
        return;
    for (int looks = 0; atomic_load_explicit(&h->letter, memory_order_acquire) != EMPTY; looks++)
        if (looks < POLITE)
            relax();
        else
            sched_yield();
}

/* One more helper; 0 when the system gives none. */
static int hire(void)
{
    helper *h = &helpers[alive];
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all, before;
    atomic_store(&h->letter, EMPTY);
    atomic_store(&h->asleep, 0);
    pthread_mutex_init(&h->lock, NULL);
    pthread_cond_init(&h->wake, NULL);
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, STACK);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int failed = pthread_create(&thread, &attributes, work, h);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return !failed;
}

/* Only the forking thread lives on in the child: whatever the others were at is forgotten. */
static void in_child(void)
{
    for (int i = 0; i < alive; i++)
        atomic_store(&helpers[i].letter, EMPTY);
    alive = 0;
    atomic_flag_clear(&taken);
    forks++;
}

static void watch_forks(void)
{
    pthread_atfork(NULL, NULL, in_child);
}

int scl_pool_enter(int threads)
{
    pthread_once(&once, watch_forks);
    if (threads <= 1 || atomic_flag_test_and_set_explicit(&taken, memory_order_acquire))
        return 1;
    if (threads > SCL_MAX_THREADS)
        threads = SCL_MAX_THREADS;
    while (alive < threads - 1 && hire())
        alive++;
    if (alive == 0) {
        atomic_flag_clear_explicit(&taken, memory_order_release);
        return 1;
    }
    return alive < threads - 1 ? alive + 1 : threads;
}

/* Where share i of a job begins. */
static int share_begin(const job *j, int i)
{
    return (int)((int64_t)j->parts * i / j->workers);
}

/* Runs what is left of each share, until `pause` says that it is time to ask; whether it did. Then `left` is what nobody began. The
 * caller's first part is dealt before helpers come, so that they cannot keep it from asking by taking all. */
static int run_shares(const job *j, int *left, const scl_pause *pause)
{
    const int before = forks;
    for (int i = 0; i < j->workers; i++) {
        atomic_store_explicit(&shares[i].next, left[i], memory_order_relaxed);
        shares[i].end = share_begin(j, i + 1);
    }
    int part = next_part(j, 0), due = 0;
    for (int i = 1; i < j->workers && part >= 0; i++)
        post(&helpers[i - 1], j);
    while (part >= 0 && !due) {
        j->run(j->args, part, j->parts);
        if (forks != before)        /* forked inside `run`: this is the child, and the helpers stayed behind */
            return 0;
        due = pause && pause->due(pause->of);
        part = due ? -1 : next_part(j, 0);
    }
    for (int i = 0; due && i < j->workers; i++) {
        const int next = atomic_exchange_explicit(&shares[i].next, shares[i].end, memory_order_relaxed);
        left[i] = next < shares[i].end ? next : shares[i].end;
    }
    for (int i = 1; i < j->workers; i++)
        call_back(&helpers[i - 1]);
    return due;
}

static int run_alone(const job *j, int first, int end, const scl_pause *pause)
{
    int stop = 0;
    for (int part = first; part < end && !stop; part++) {
        j->run(j->args, part, j->parts);
        if (pause && pause->due(pause->of))
            stop = pause->ask(pause->of);
    }
    return stop;
}

static int run_together(const job *j, const scl_pause *pause)
{
    const int before = forks;
    int left[SCL_MAX_THREADS], stop = 0;
    for (int i = 0; i < j->workers; i++)
        left[i] = share_begin(j, i);
    while (run_shares(j, left, pause)) {
        stop = pause->ask(pause->of);
        if (stop)
            return stop;
        if (forks != before) {      /* forked inside `ask`: the child does the rest alone, with nothing of the pool's */
            for (int i = 0; i < j->workers && !stop; i++)
                stop = run_alone(j, left[i], share_begin(j, i + 1), pause);
            return stop;
        }
    }
    return 0;
}

int scl_pool_run(scl_kernel run, const void *args, int parts, int workers, const scl_pause *pause)
{
    const job j = {run, args, parts, workers < parts ? workers : parts};
    return j.workers > 1 ? run_together(&j, pause) : run_alone(&j, 0, parts, pause);
}

void scl_pool_leave(int workers)
{
    if (workers > 1)
        atomic_flag_clear_explicit(&taken, memory_order_release);
}

int scl_pool_helpers(void)
{
    return alive;
}

int scl_pool_forks(void)
{
    return forks;
}

int scl_lane(void)
{
    return lane;
}
