/* Pooling, the reference: Caffe's windows, one output at a time. */
#include "scl_kernels.h"
#include <float.h>

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }

/* A window may lie outside of the image altogether: a maximum then is -FLT_MAX with mask -1, and an average divides 0 by the size that
 * Caffe computes for it, which may be 0 (NaN) or negative. */
void scl_pool_plain__scalar(const void *args, int tid, int nt)
{
    const scl_args_pool *a = args;
    int64_t begin, end;
    scl_part(a->n * a->c * a->oh, 1, tid, nt, &begin, &end);
    for (int64_t row = begin; row < end; row++) {
        int64_t plane = row / a->oh, oy = row % a->oh, image = plane / a->c, channel = plane % a->c;
        const float *x = a->x + image * a->x_stride + channel * a->h * a->wd;
        float *y = a->y + image * a->y_stride + (channel * a->oh + oy) * a->ow;
        for (int64_t ox = 0; ox < a->ow; ox++) {
            int64_t top = oy * a->sh - a->ph, left = ox * a->sw - a->pw;
            int64_t bottom = least(top + a->kh, a->h + a->ph), right = least(left + a->kw, a->wd + a->pw);
            int64_t size = (bottom - top) * (right - left), at = -1;
            float best = -FLT_MAX;
            double sum = 0;
            for (int64_t i = most(top, 0); i < least(bottom, a->h); i++)
                for (int64_t j = most(left, 0); j < least(right, a->wd); j++) {
                    float v = x[i * a->wd + j];
                    sum += v;
                    if (v > best) {
                        best = v;
                        at = i * a->wd + j;
                    }
                }
            y[ox] = a->ave ? (float)sum / (float)size : best;
            if (a->mask)
                a->mask[row * a->ow + ox] = (float)at;
        }
    }
}
