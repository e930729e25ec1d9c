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

/* A helper's letter box. The caller writes the job, then `posted`; the helper reads the job after it saw `posted` change, and
 * the caller writes the next one only after the helper took one off `pending`. */
typedef struct {
    _Alignas(LINE) atomic_uint posted;
    atomic_int asleep;
    scl_kernel run;
    const void *args;
    int first, step, end, nt;       /* parts first, first+step, ... < end, of nt */
    pthread_mutex_t lock;
    pthread_cond_t wake;
} helper;

static helper helpers[SCL_MAX_THREADS - 1];
static int alive;                   /* helpers[0..alive) have a thread; changed under `taken` only */
static _Alignas(LINE) atomic_int pending;
static _Alignas(LINE) atomic_flag taken = ATOMIC_FLAG_INIT;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int forks;

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void wait_for_post(helper *me, unsigned seen)
{
    const int64_t start = now_ns();
    do
        for (int i = 0; i < 64; i++) {
            if (atomic_load_explicit(&me->posted, memory_order_acquire) != seen)
                return;
            relax();
        }
    while (now_ns() - start < IDLE_NS);
    pthread_mutex_lock(&me->lock);
    atomic_store(&me->asleep, 1);   /* sequentially consistent against post(): one of the two sees the other */
    while (atomic_load(&me->posted) == seen)
        pthread_cond_wait(&me->wake, &me->lock);
    atomic_store(&me->asleep, 0);
    pthread_mutex_unlock(&me->lock);
}

static void *work(void *arg)
{
    helper *me = arg;
    for (unsigned seen = 0;; seen++) {
        wait_for_post(me, seen);
        for (int t = me->first; t < me->end; t += me->step)
            me->run(me->args, t, me->nt);
        atomic_fetch_sub_explicit(&pending, 1, memory_order_release);
    }
    return NULL;
}

static void post(helper *h, scl_kernel run, const void *args, int first, int step, int end, int nt)
{
    h->run = run;
    h->args = args;
    h->first = first;
    h->step = step;
    h->end = end;
    h->nt = nt;
    atomic_fetch_add(&h->posted, 1);
    if (atomic_load(&h->asleep)) {
        pthread_mutex_lock(&h->lock);
        pthread_cond_signal(&h->wake);
        pthread_mutex_unlock(&h->lock);
    }
}

/* One more helper; 0 when the system gives none. */
static int hire(void)
{
    helper *h = &helpers[alive];
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all, before;
    atomic_store(&h->posted, 0);
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
    alive = 0;
    atomic_store(&pending, 0);
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

void scl_pool_run(scl_kernel run, const void *args, int first, int count, int nt, int workers)
{
    const int end = first + count;
    if (workers > count)
        workers = count;
    if (workers > 1) {
        atomic_store_explicit(&pending, workers - 1, memory_order_relaxed);
        for (int i = 1; i < workers; i++)
            post(&helpers[i - 1], run, args, first + i, workers, end, nt);
    }
    for (int t = first; t < end; t += workers)
        run(args, t, nt);
    for (int looks = 0; workers > 1 && atomic_load_explicit(&pending, memory_order_acquire); looks++)
        if (looks < POLITE)
            relax();
        else
            sched_yield();
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
