/* Copies of up to six dimensions between any strides.
 *
 * The dimensions are put in the order of y's memory, and neighbours that run on as one are joined. Then there are three ways to go: runs
 * that are contiguous on both sides; transpositions, where y's innermost dimension and x's are two different ones, in blocks of VL x VL
 * through registers; and all else, element by element.
 */
#include "scl_kernels.h"
#include <string.h>

typedef struct { int64_t n, xs, ys; } dim;

/* The dimensions of a copy without those of 1, largest stride of y first, joined where they run on; their count, or -1 for none at all. */
static int arrange(const scl_args_copy *a, dim d[6])
{
    const dim all[6] = {{a->d0, a->xs0, a->ys0}, {a->d1, a->xs1, a->ys1}, {a->d2, a->xs2, a->ys2},
                        {a->d3, a->xs3, a->ys3}, {a->d4, a->xs4, a->ys4}, {a->d5, a->xs5, a->ys5}};
    int count = 0;
    for (int i = 0; i < 6; i++) {
        if (all[i].n == 0)
            return -1;
        if (all[i].n == 1)
            continue;
        int at = count++;
        for (; at > 0 && d[at - 1].ys < all[i].ys; at--)
            d[at] = d[at - 1];
        d[at] = all[i];
    }
    int last = 0;
    for (int i = 1; i < count; i++) {
        if (d[last].xs == d[i].n * d[i].xs && d[last].ys == d[i].n * d[i].ys)
            d[last] = (dim){d[last].n * d[i].n, d[i].xs, d[i].ys};
        else
            d[++last] = d[i];
    }
    return count ? last + 1 : 0;
}

/* Where the outer dimensions stand. */
typedef struct { int count; dim d[6]; int64_t at[6]; const float *x; float *y; } walk;

static walk walk_to(const scl_args_copy *a, const dim *d, int count, int64_t item)
{
    walk w = {.count = count, .x = a->x + a->x_offset, .y = a->y + a->y_offset};
    for (int i = count - 1; i >= 0; i--) {
        w.d[i] = d[i];
        w.at[i] = scl_mod(item, d[i].n);
        w.x += w.at[i] * d[i].xs;
        w.y += w.at[i] * d[i].ys;
        item /= d[i].n;
    }
    return w;
}

static void walk_on(walk *w)
{
    for (int i = w->count - 1; i >= 0; i--) {
        w->x += w->d[i].xs;
        w->y += w->d[i].ys;
        if (++w->at[i] < w->d[i].n)
            return;
        w->x -= w->d[i].n * w->d[i].xs;
        w->y -= w->d[i].n * w->d[i].ys;
        w->at[i] = 0;
    }
}

static int64_t items(const dim *d, int count)
{
    int64_t n = 1;
    for (int i = 0; i < count; i++)
        n *= d[i].n;
    return n;
}

static inline void copy_run(float *y, const float *x, int64_t n)
{
    if (n > 8 * VL) {
        memcpy(y, x, (size_t)n * sizeof *y);
        return;
    }
    int64_t i = 0;
    for (; i + VL <= n; i += VL)
        vf_store(y + i, vf_load(x + i));
    vf_storen(y + i, n - i, vf_loadn(x + i, n - i));
}

/* Elements [begin, end) of all, the last dimension contiguous on both sides. */
static void copy_runs(const scl_args_copy *a, const dim *d, int count, int64_t begin, int64_t end)
{
    int64_t run = d[count - 1].n, from = begin % run;
    walk w = walk_to(a, d, count - 1, begin / run);
    for (int64_t left = end - begin; left > 0;) {
        int64_t n = run - from < left ? run - from : left;
        copy_run(w.y + from, w.x + from, n);
        left -= n;
        from = 0;
        walk_on(&w);
    }
}

/* y[j*ys + i] = x[i*xs + j] for i < ni, j < nj: blocks of VL x VL. */
static void transpose(float *y, int64_t ys, const float *x, int64_t xs, int64_t ni, int64_t nj)
{
    for (int64_t i = 0; i < ni; i += VL)
        for (int64_t j = 0; j < nj; j += VL) {
            int64_t mi = ni - i < VL ? ni - i : VL, mj = nj - j < VL ? nj - j : VL;
            vf r[VL];
            if (mi == VL && mj == VL) {
                for (int k = 0; k < VL; k++)
                    r[k] = vf_load(x + (i + k) * xs + j);
                vf_transpose(r);
                for (int k = 0; k < VL; k++)
                    vf_store(y + (j + k) * ys + i, r[k]);
            } else {
                for (int k = 0; k < VL; k++)
                    r[k] = k < mi ? vf_loadn(x + (i + k) * xs + j, mj) : vf_zero();
                vf_transpose(r);
                for (int k = 0; k < mj; k++)
                    vf_storen(y + (j + k) * ys + i, mi, r[k]);
            }
        }
}

/* A thread's share of a transposition between dimension `other`, contiguous in x, and the last, contiguous in y. */
static void copy_transposed(const scl_args_copy *a, const dim *d, int count, int other, int tid, int nt)
{
    enum { STRIP = 4 * VL };
    dim outer[6], inner = d[count - 1], o = d[other];
    int n = 0;
    for (int i = 0; i < count - 1; i++)
        if (i != other)
            outer[n++] = d[i];
    int64_t strips = (o.n + STRIP - 1) / STRIP, begin, end;
    outer[n] = (dim){strips, STRIP, STRIP * o.ys};
    scl_part(items(outer, n + 1), 1, tid, nt, &begin, &end);
    walk w = walk_to(a, outer, n + 1, begin);
    for (int64_t item = begin; item < end; item++) {
        int64_t left = o.n - item % strips * STRIP;
        transpose(w.y, o.ys, w.x, inner.xs, inner.n, left < STRIP ? left : STRIP);
        walk_on(&w);
    }
}

static void copy_elements(const scl_args_copy *a, const dim *d, int count, int64_t begin, int64_t end)
{
    dim inner = d[count - 1];
    walk w = walk_to(a, d, count - 1, begin);
    for (int64_t row = begin; row < end; row++) {
        for (int64_t i = 0; i < inner.n; i++)
            w.y[i * inner.ys] = w.x[i * inner.xs];
        walk_on(&w);
    }
}

void SCL_NAME(scl_copy_plain)(const void *args, int tid, int nt)
{
    const scl_args_copy *a = args;
    dim d[6] = {{1, 1, 1}};
    int count = arrange(a, d), other = -1;
    int64_t begin, end;
    if (count < 0)
        return;
    count = count ? count : 1;
    dim inner = d[count - 1];
    for (int i = 0; i < count - 1; i++)
        other = d[i].xs == 1 ? i : other;
    if (inner.xs == 1 && inner.ys == 1) {
        scl_part(items(d, count), VL, tid, nt, &begin, &end);
        copy_runs(a, d, count, begin, end);
    } else if (inner.ys == 1 && other >= 0) {
        copy_transposed(a, d, count, other, tid, nt);
    } else {
        scl_part(items(d, count - 1), 1, tid, nt, &begin, &end);
        copy_elements(a, d, count, begin, end);
    }
}
