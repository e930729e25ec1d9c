/* Softmax: lanes along the pixels where there are any, along the rows where classes are few, else along the classes.
 *
 * A lane never depends on its neighbours, and rows are cut into threads in whole vectors, so that a row's bits do not depend on the cut.
 * x == y is allowed.
 */
#include "scl_kernels.h"
#include "simd_math.h"

enum { WIDE = 4, FEW = 64 };            /* vectors of pixels at a time; classes that are transposed in one go */

/* Softmax over c of nv vectors of pixels, rows `stride` apart; the last of them holds `tail` elements. */
INLINE void columns(float *y, const float *x, int64_t c, int64_t stride, int nv, int64_t tail)
{
    vf max[WIDE], sum[WIDE];
#define LOAD(p, v) ((v) + 1 < nv ? vf_load((p) + (v) * VL) : vf_loadn((p) + (v) * VL, tail))
    for (int v = 0; v < nv; v++) {
        max[v] = vf_set1(-INFINITY);
        sum[v] = vf_zero();
    }
    for (int64_t i = 0; i < c; i++)
        for (int v = 0; v < nv; v++)
            max[v] = vf_max(LOAD(x + i * stride, v), max[v]);
    for (int64_t i = 0; i < c; i++)
        for (int v = 0; v < nv; v++) {
            vf e = vf_exp(vf_sub(LOAD(x + i * stride, v), max[v]));
            sum[v] = vf_add(sum[v], e);
            vf_storen(y + i * stride + v * VL, v + 1 < nv ? VL : tail, e);
        }
    for (int v = 0; v < nv; v++)
        sum[v] = vf_div(vf_set1(1), sum[v]);
    for (int64_t i = 0; i < c; i++)
        for (int v = 0; v < nv; v++)
            vf_storen(y + i * stride + v * VL, v + 1 < nv ? VL : tail, vf_mul(LOAD(y + i * stride, v), sum[v]));
#undef LOAD
}

static void by_pixels(const scl_args_softmax *a, int tid, int nt)
{
    int64_t strips = (a->inner + WIDE * VL - 1) / (WIDE * VL), begin, end;
    scl_part(a->outer * strips, 1, tid, nt, &begin, &end);
    for (int64_t s = begin; s < end; s++) {
        int64_t first = scl_mod(s, strips) * WIDE * VL, left = a->inner - first, at = scl_div(s, strips) * a->c * a->inner + first;
        if (left >= WIDE * VL) {
            columns(a->y + at, a->x + at, a->c, a->inner, WIDE, VL);
            continue;
        }
        for (; left > 0; left -= VL, at += VL)
            columns(a->y + at, a->x + at, a->c, a->inner, 1, left < VL ? left : VL);
    }
}

/* VL rows of c <= FEW classes: transposed into t[class][row], and back. */
static void few_classes(float *y, const float *x, int64_t c, int64_t rows)
{
    float t[FEW * VL];
    vf r[VL];
    for (int64_t i = 0; i < c; i += VL) {
        int64_t n = c - i < VL ? c - i : VL;
        for (int k = 0; k < VL; k++)
            r[k] = k < rows ? vf_loadn(x + k * c + i, n) : vf_zero();
        vf_transpose(r);
        for (int k = 0; k < n; k++)
            vf_store(t + (i + k) * VL, r[k]);
    }
    columns(t, t, c, VL, 1, VL);
    for (int64_t i = 0; i < c; i += VL) {
        int64_t n = c - i < VL ? c - i : VL;
        for (int k = 0; k < VL; k++)
            r[k] = k < n ? vf_load(t + (i + k) * VL) : vf_zero();
        vf_transpose(r);
        for (int k = 0; k < rows; k++)
            vf_storen(y + k * c + i, n, r[k]);
    }
}

/* One row of many classes. */
static void many_classes(float *y, const float *x, int64_t c)
{
    int64_t whole = c / VL * VL, n = c - whole, i;
    vf tail = vf_loadn(x + whole, n), lowest = vf_set1(-INFINITY);
    vf max = vf_select(vm_first(n), tail, lowest);
    for (i = 0; i < whole; i += VL)
        max = vf_max(vf_load(x + i), max);
    max = vf_set1(vf_hmax(max));
    vf e, sum = vf_zero(), sum_odd = vf_zero();
    for (i = 0; i + 2 * VL <= whole; i += 2 * VL) {
        vf_store(y + i, e = vf_exp(vf_sub(vf_load(x + i), max)));
        sum = vf_add(sum, e);
        vf_store(y + i + VL, e = vf_exp(vf_sub(vf_load(x + i + VL), max)));
        sum_odd = vf_add(sum_odd, e);
    }
    if (i < whole) {
        vf_store(y + i, e = vf_exp(vf_sub(vf_load(x + i), max)));
        sum = vf_add(sum, e);
    }
    e = vf_exp(vf_sub(tail, max));
    vf_storen(y + whole, n, e);
    sum_odd = vf_add(sum_odd, vf_select(vm_first(n), e, vf_zero()));
    vf scale = vf_set1(1 / vf_hsum(vf_add(sum, sum_odd)));
    for (i = 0; i < whole; i += VL)
        vf_store(y + i, vf_mul(vf_load(y + i), scale));
    vf_storen(y + whole, n, vf_mul(vf_loadn(y + whole, n), scale));
}

void SCL_NAME(scl_softmax_plain)(const void *args, int tid, int nt)
{
    const scl_args_softmax *a = args;
    if (a->c == 0)
        return;
    if (a->inner != 1) {
        by_pixels(a, tid, nt);
        return;
    }
    int64_t begin, end;
    scl_part(a->outer, VL, tid, nt, &begin, &end);
    if (a->c <= FEW && a->outer > 1) {
        for (int64_t o = begin; o < end; o += VL)
            few_classes(a->y + o * a->c, a->x + o * a->c, a->c, end - o < VL ? end - o : VL);
    } else {
        for (int64_t o = begin; o < end; o++)
            many_classes(a->y + o * a->c, a->x + o * a->c, a->c);
    }
}
