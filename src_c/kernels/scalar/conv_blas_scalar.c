#include "row.h"
#include "scl_blas.h"

#include <string.h>

enum { SLICE_PIXELS = 512 };        /* of one product where the image is its right side; ConvBlas counts them, too */

/* to[i] = x[first + i*step], i < n, where that lies in a row of wd elements, else 0. */
static void row_copy(float *to, int64_t n, const float *x, int64_t first, int64_t step, int64_t wd)
{
    int64_t i = 0, end = n;
    for (; i < end && first + i * step < 0; i++)
        to[i] = 0;
    for (; end > i && first + (end - 1) * step >= wd; end--)
        to[end - 1] = 0;
    if (step == 1 && end > i)
        memcpy(to + i, x + first + i, (size_t)(end - i) * sizeof *to);
    else
        for (; i < end; i++)
            to[i] = x[first + i * step];
}

/* What the outputs first .. first+count-1 of an image see, as a matrix: to[(channel, ky, kx)][count]. */
static void windows(const scl_args_conv *a, const float *x, int64_t first, int64_t count, float *to)
{
    for (int64_t c = 0; c < a->c / a->group; c++)
        for (int64_t ky = 0; ky < a->kh; ky++)
            for (int64_t kx = 0; kx < a->kw; kx++, to += count)
                for (int64_t i = 0, n; i < count; i += n) {
                    int64_t oy = (first + i) / a->ow, ox = (first + i) % a->ow, iy = oy * a->sh - a->ph + ky * a->dh;
                    n = a->ow - ox < count - i ? a->ow - ox : count - i;
                    if (iy >= 0 && iy < a->h)
                        row_copy(to + i, n, x + (c * a->h + iy) * a->wd, ox * a->sw - a->pw + kx * a->dw, a->sw, a->wd);
                    else
                        memset(to + i, 0, (size_t)n * sizeof *to);
                }
}

/* Convolution by BLAS, as Caffe does it: w[m][(channel, ky, kx)] times what the outputs see, some pixels at a time, always the same,
 * whoever makes them. Where that is the image itself there is no scratch. */
void scl_conv_blas__scalar(const void *args, int tid, int nt)
{
    const scl_args_conv *a = args;
    int64_t cg = a->c / a->group, mg = a->m / a->group, depth = cg * a->kh * a->kw, pixels = a->oh * a->ow, begin, end;
    int64_t slice = a->scratch_stride ? a->scratch_stride / depth : SLICE_PIXELS, slices = (pixels + slice - 1) / slice;
    scl_part(a->n * a->group * slices, 1, tid, nt, &begin, &end);
    for (int64_t i = begin; i < end; i++) {
        int64_t image = i / slices / a->group, group = i / slices % a->group, first = i % slices * slice;
        int64_t count = pixels - first < slice ? pixels - first : slice;
        const float *x = a->x + image * a->x_stride + group * cg * a->h * a->wd, *w = (const float *)a->w + group * mg * depth;
        float *y = a->y + image * a->y_stride + group * mg * pixels + first;
        if (a->scratch_stride) {
            float *seen = SCL_SCRATCH(a);
            windows(a, x, first, count, seen);
            scl_blas_product(mg, count, depth, w, seen, count, y, pixels);
        } else {
            scl_blas_product(mg, count, depth, w, x + first, pixels, y, pixels);
        }
        for (int64_t m = 0; m < mg; m++)
            row_end(a, y + m * pixels, count, image, group * mg + m, (group * mg + m) * pixels + first);
    }
}
