/* Local response normalisation.
 *
 * Sums of squares are made anew for each output: adding the next and taking away the last, as Caffe does, would carry the rounding errors
 * of a large value along. No pow() in the loop: x * s^-0.75 is x * r * sqrt(r) with r = 1/sqrt(s), and 1/sqrt needs no division; other
 * exponents go through vf_pow.
 */
#include "scl_kernels.h"
#include "simd_math.h"

typedef struct { vf factor, k; vf_exponent power; float exponent; } scaling;

/* x * (k + factor*sum)^-beta */
INLINE vf normalise(vf x, vf sum, const scaling *c, int three_quarters)
{
    vf base = vf_fma(sum, c->factor, c->k);
    if (!three_quarters)
        return vf_mul(x, vf_pow_any(base, c->power, c->exponent));
    if (vm_all(vm_and(vf_le(vf_set1(0x1p-60f), base), vf_le(base, vf_set1(0x1p60f))))) {
        vf r = vf_rsqrt(base), q = vf_rsqrt(r);         /* base^-1/2, base^1/4 */
        return vf_mul(vf_mul(x, r), vf_mul(r, q));
    }
    vf root = vf_sqrt(base);
    return vf_mul(x, vf_div(vf_set1(1), vf_mul(root, vf_sqrt(root))));
}

/* n <= VL pixels of all channels: the squares of the window's channels move along in registers. */
INLINE void ring(const scl_args_lrn *a, const float *x, float *y, int64_t n, const scaling *c, int size, int three_quarters)
{
    int64_t pixels = a->h * a->wd, half = size / 2;
    vf square[9];
    for (int i = 0; i < size; i++)
        square[i] = vf_zero();
    for (int64_t i = -half; i < a->c; i++) {
        for (int j = 0; j + 1 < size; j++)
            square[j] = square[j + 1];
        vf ahead = i + half < a->c ? vf_loadn(x + (i + half) * pixels, n) : vf_zero();
        square[size - 1] = vf_mul(ahead, ahead);
        if (i < 0)
            continue;
        vf sum = square[0];
        for (int j = 1; j < size; j++)
            sum = vf_add(sum, square[j]);
        vf_storen(y + i * pixels, n, normalise(vf_loadn(x + i * pixels, n), sum, c, three_quarters));
    }
}

/* The same for any size. */
INLINE void window(const scl_args_lrn *a, const float *x, float *y, int64_t n, const scaling *c, int three_quarters)
{
    int64_t pixels = a->h * a->wd, half = (a->size - 1) / 2;
    for (int64_t i = 0; i < a->c; i++) {
        int64_t from = i > half ? i - half : 0, to = i + half < a->c ? i + half + 1 : a->c;
        vf sum = vf_zero();
        for (int64_t j = from; j < to; j++) {
            vf v = vf_loadn(x + j * pixels, n);
            sum = vf_fma(v, v, sum);
        }
        vf_storen(y + i * pixels, n, normalise(vf_loadn(x + i * pixels, n), sum, c, three_quarters));
    }
}

INLINE void across(const scl_args_lrn *a, int tid, int nt, const scaling *c, int three_quarters)
{
    int64_t pixels = a->h * a->wd, strips = (pixels + VL - 1) / VL, begin, end;
    scl_part(a->n * strips, 1, tid, nt, &begin, &end);
    for (int64_t s = begin; s < end; s++) {
        int64_t first = s % strips * VL, at = s / strips * a->c * pixels + first;
        int64_t n = pixels - first < VL ? pixels - first : VL;
        if (a->size == 5)
            ring(a, a->x + at, a->y + at, n, c, 5, three_quarters);
        else if (a->size == 3)
            ring(a, a->x + at, a->y + at, n, c, 3, three_quarters);
        else
            window(a, a->x + at, a->y + at, n, c, three_quarters);
    }
}

/* Box sums: down the columns into `sums`, which has zeros on both sides, then along the row. */
INLINE void within(const scl_args_lrn *a, int tid, int nt, const scaling *c, int three_quarters)
{
    int64_t half = (a->size - 1) / 2, w = a->wd, begin, end;
    float *sums = a->scratch + tid * a->scratch_stride;
    scl_part(a->n * a->c * a->h, 1, tid, nt, &begin, &end);
    for (int64_t j = 0; j < half && begin < end; j++)
        sums[j] = sums[half + w + j] = 0;
    for (int64_t row = begin; row < end; row++) {
        int64_t i = row % a->h, from = i > half ? i - half : 0, to = i + half < a->h ? i + half + 1 : a->h;
        const float *plane = a->x + (row - i) * w;
        for (int64_t j = 0; j < w; j += VL) {
            int64_t n = w - j < VL ? w - j : VL;
            vf sum = vf_zero();
            for (int64_t p = from; p < to; p++) {
                vf v = vf_loadn(plane + p * w + j, n);
                sum = vf_fma(v, v, sum);
            }
            vf_storen(sums + half + j, n, sum);
        }
        for (int64_t j = 0; j < w; j += VL) {
            int64_t n = w - j < VL ? w - j : VL;
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
    if (a->within)
        within(a, tid, nt, &c, three_quarters);
    else
        across(a, tid, nt, &c, three_quarters);
}

void SCL_NAME(scl_lrn_plain)(const void *args, int tid, int nt)
{
    const scl_args_lrn *a = args;
    if (a->beta == 0.75f)
        by_region(a, tid, nt, 1);
    else
        by_region(a, tid, nt, 0);
}
