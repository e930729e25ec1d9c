/* Local response normalisation.
 *
 * Sums of squares are made anew for each output: adding the next and taking away the last, as Caffe does, would carry the rounding errors
 * of a large value along. No pow() in the loop: s^-0.75 comes from the hardware's guesses of 1/sqrt without a division, other powers
 * from vf_pow.
 */
#include "scl_kernels.h"
#include "simd_math.h"
#include "window.h"

typedef struct { vf factor, k; vf_exponent power; float exponent; } scaling;

/* x * (k + factor*sum)^-beta */
INLINE vf normalise(vf x, vf sum, const scaling *c, int three_quarters)
{
    vf base = vf_fma(sum, c->factor, c->k);
    if (!three_quarters)
        return vf_mul(x, vf_pow_any(base, c->power, c->exponent));
    if (vm_all(vm_and(vf_le(vf_set1(0x1p-60f), base), vf_le(base, vf_set1(0x1p60f))))) {
        return vf_mul(x, vf_pow_minus_three_quarters(base));
    }
    vf root = vf_sqrt(base);
    return vf_mul(x, vf_div(vf_set1(1), vf_mul(root, vf_sqrt(root))));
}

enum { LINE = 16 };     /* values in a line of the cache */

/* n <= VL pixels of all channels: the squares of the window's channels move along in registers. From plane to plane is too far for the
 * hardware to foresee, so the lines of the next pixels are asked for here: 1.2 to 4 times as fast within nets. */
INLINE void ring(const scl_args_lrn *a, const float *x, float *y, int64_t n, const scaling *c, int size, int three_quarters)
{
    int64_t pixels = a->h * a->wd, half = size / 2;
    vf square[9];
    for (int i = 0; i < size; i++) {
        vf ahead = i > half && i - half - 1 < a->c ? vf_loadn(x + (i - half - 1) * pixels, n) : vf_zero();
        square[i] = vf_mul(ahead, ahead);
    }
    for (int64_t i = 0; i < a->c; i++) {
        for (int j = 0; j + 1 < size; j++)
            square[j] = square[j + 1];
        vf ahead = i + half < a->c ? vf_loadn(x + (i + half) * pixels, n) : vf_zero();
        __builtin_prefetch(x + i * pixels + VL - 1 + LINE);
        __builtin_prefetch(y + i * pixels + VL - 1 + LINE, 1);
        square[size - 1] = vf_mul(ahead, ahead);
        vf sum = vf_add(square[0], square[1]);
        for (int j = 2; j < size; j++)
            sum = vf_add(sum, square[j]);
        vf_storen(y + i * pixels, n, normalise(vf_loadn(x + i * pixels, n), sum, c, three_quarters));
    }
}

/* The same for any size. */
INLINE void window(const scl_args_lrn *a, const float *x, float *y, int64_t n, const scaling *c, int three_quarters)
{
    int64_t pixels = a->h * a->wd, half = (a->size - 1) / 2;
    for (int64_t i = 0; i < a->c; i++) {
        int64_t from = most(i - half, 0), to = least(i + half + 1, a->c);
        vf sum = vf_zero();
        for (int64_t j = from; j < to; j++) {
            vf v = vf_loadn(x + j * pixels, n);
            sum = vf_fma(v, v, sum);
        }
        vf_storen(y + i * pixels, n, normalise(vf_loadn(x + i * pixels, n), sum, c, three_quarters));
    }
}

INLINE void across_pixels(const scl_args_lrn *a, const float *x, float *y, int64_t n, const scaling *c, int three_quarters)
{
    if (a->size == 5)
        ring(a, x, y, n, c, 5, three_quarters);
    else if (a->size == 3)
        ring(a, x, y, n, c, 3, three_quarters);
    else
        window(a, x, y, n, c, three_quarters);
}

INLINE void across(const scl_args_lrn *a, int tid, int nt, const scaling *c, int three_quarters)
{
    int64_t pixels = a->h * a->wd, strips = (pixels + VL - 1) / VL, begin, end;
    scl_part(a->n * strips, 1, tid, nt, &begin, &end);
    for (int64_t s = begin; s < end; s++) {
        int64_t first = scl_mod(s, strips) * VL, at = scl_div(s, strips) * a->c * pixels + first;
        if (pixels - first >= VL)
            across_pixels(a, a->x + at, a->y + at, VL, c, three_quarters);
        else
            across_pixels(a, a->x + at, a->y + at, pixels - first, c, three_quarters);
    }
}

/* Windows of 3 x 3: nine loads are cheaper than a buffer. */
INLINE void within_3(const scl_args_lrn *a, int64_t begin, int64_t end, const scaling *c, int three_quarters)
{
    int64_t h = a->h, w = a->wd;
    for (int64_t row = begin; row < end;) {
        int64_t first = scl_mod(row, h), rows = least(h - first, end - row);
        const float *plane = a->x + (row - first) * w;
        for (int64_t j = 0; j < w; j += VL) {
            window_lanes left = window_columns(j - 1, w), at = window_columns(j, w), right = window_columns(j + 1, w);
            for (int64_t i = first; i < first + rows; i++) {
                int64_t from = most(i - 1, 0), count = least(i + 2, h) - from;
                const float *x = plane + from * w + j;
                vf sum = vf_add(vf_add(window_down(x - 1, w, count, left, WINDOW_SQUARES),
                                       window_down(x, w, count, at, WINDOW_SQUARES)),
                                window_down(x + 1, w, count, right, WINDOW_SQUARES));
                vf_storen(a->y + (row - first + i) * w + j, at.hi,
                          normalise(vf_loadn(plane + i * w + j, at.hi), sum, c, three_quarters));
            }
        }
        row += rows;
    }
}

/* Box sums: down the columns into `sums`, which has zeros on both sides, then along the row. */
INLINE void within_any(const scl_args_lrn *a, float *sums, int64_t begin, int64_t end, const scaling *c, int three_quarters)
{
    int64_t half = (a->size - 1) / 2, w = a->wd;
    for (int64_t j = 0; j < half; j++)
        sums[j] = sums[half + w + j] = 0;
    for (int64_t row = begin; row < end; row++) {
        int64_t i = scl_mod(row, a->h), from = most(i - half, 0), to = least(i + half + 1, a->h);
        const float *x = a->x + (row - i + from) * w;
        for (int64_t j = 0; j < w; j += VL)
            vf_storen(sums + half + j, least(w - j, VL), window_down(x + j, w, to - from, window_columns(j, w), WINDOW_SQUARES));
        for (int64_t j = 0; j < w; j += VL) {
            int64_t n = least(w - j, VL);
            vf sum = vf_zero();
            for (int64_t q = 0; q < a->size; q++)
                sum = vf_add(sum, vf_loadn(sums + j + q, n));
            vf_storen(a->y + row * w + j, n, normalise(vf_loadn(a->x + row * w + j, n), sum, c, three_quarters));
        }
    }
}

INLINE void by_region(const scl_args_lrn *a, int tid, int nt, int three_quarters)
{
    float count = a->within ? (float)(a->size * a->size) : (float)a->size;
    scaling c = {vf_set1(a->alpha / count), vf_set1(a->within ? 1 : a->k), vf_split_exponent(-a->beta), -a->beta};
    if (!a->within) {
        across(a, tid, nt, &c, three_quarters);
        return;
    }
    int64_t begin, end;
    scl_part(a->n * a->c * a->h, 1, tid, nt, &begin, &end);
    if (a->size == 3)
        within_3(a, begin, end, &c, three_quarters);
    else if (begin < end)
        within_any(a, SCL_SCRATCH(a), begin, end, &c, three_quarters);
}

void SCL_NAME(scl_lrn_plain)(const void *args, int tid, int nt)
{
    const scl_args_lrn *a = args;
    if (a->beta == 0.75f)
        by_region(a, tid, nt, 1);
    else
        by_region(a, tid, nt, 0);
}
