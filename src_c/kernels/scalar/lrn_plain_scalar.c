/* Local response normalisation, the reference: every sum of squares by itself, in double. */
#include "scl_kernels.h"
#include <math.h>

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }

/* Across channels: x * (k + alpha/size * sum)^-beta over the `size` channels around this one.
 * Within a channel: x * (1 + alpha/size^2 * sum)^-beta over the size x size pixels around this one, and no k, as in Caffe. */
void scl_lrn_plain__scalar(const void *args, int tid, int nt)
{
    const scl_args_lrn *a = args;
    int64_t begin, end, half = (a->size - 1) / 2, pixels = a->h * a->wd;
    scl_part(a->n * a->c * a->h, 1, tid, nt, &begin, &end);
    for (int64_t row = begin; row < end; row++) {
        int64_t i = row % a->h, channel = row / a->h % a->c, image = row / a->h / a->c;
        const float *x = a->x + image * a->c * pixels;
        for (int64_t j = 0; j < a->wd; j++) {
            int64_t at = channel * pixels + i * a->wd + j;
            double sum = 0, base;
            if (a->within) {
                for (int64_t p = most(i - half, 0); p <= least(i + half, a->h - 1); p++)
                    for (int64_t q = most(j - half, 0); q <= least(j + half, a->wd - 1); q++) {
                        double v = x[channel * pixels + p * a->wd + q];
                        sum += v * v;
                    }
                base = 1 + (double)a->alpha / (double)(a->size * a->size) * sum;
            } else {
                for (int64_t c = most(channel - half, 0); c <= least(channel + half, a->c - 1); c++) {
                    double v = x[c * pixels + i * a->wd + j];
                    sum += v * v;
                }
                base = (double)a->k + (double)a->alpha / (double)a->size * sum;
            }
            a->y[image * a->c * pixels + at] = (float)(x[at] * pow(base, -(double)a->beta));
        }
    }
}
