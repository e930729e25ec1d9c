/* How work is cut: evenly, and the same for any count of threads. */
#ifndef PARTS_H
#define PARTS_H

#include "scl_divide.h"

/* `total` things in as few parts of at most `most` as will do, as even as can be: how many parts, and where part i begins. */
static inline int64_t even_count(int64_t total, int64_t most) { return scl_div(total + most - 1, most); }
static inline int64_t even_begin(int64_t total, int64_t parts, int64_t i)
{
    int64_t each = scl_div(total, parts), rest = total - parts * each;
    return i * each + (i < rest ? i : rest);
}

/* Splits nt threads into a grid of tm x tn over m units by n units so that the slowest thread has least to do, where the work on one
 * of the n units costs `once` units of m on top (packing it), and that on one of the m units takes as long as `fetch` units of n at least
 * (its weights come from memory). Sets this thread's ranges [m0, m1) and [n0, n1). */
static inline void grid_part(int64_t m, int64_t n, int64_t once, int64_t fetch, int tid, int nt, int64_t *m0, int64_t *m1, int64_t *n0,
                             int64_t *n1)
{
    int best = nt;
    int64_t least = INT64_MAX;
    for (int tn = nt; tn > 0; tn--) {
        int tm = nt / tn;
        int64_t ms = even_count(m, tm), ns = even_count(n, tn), cost = ms * (ns > fetch ? ns : fetch) + ns * once;
        if (tm * tn == nt && cost < least) {
            least = cost;
            best = tn;
        }
    }
    int tm = nt / best;
    *m0 = even_begin(m, tm, tid / best);
    *m1 = even_begin(m, tm, tid / best + 1);
    *n0 = even_begin(n, best, tid % best);
    *n1 = even_begin(n, best, tid % best + 1);
}

#endif
