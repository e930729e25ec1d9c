#include "scl_epilogue.h"
#include "scl_kernels.h"

/* Convolution with a 1x1 kernel and no padding, word for word: w[m][channel], no scratch. */
void scl_conv_pointwise__scalar(const void *args, int tid, int nt)
{
    const scl_args_conv *a = args;
    int64_t cg = a->c / a->group, mg = a->m / a->group, plane = a->h * a->wd, begin, end;
    scl_part(a->n * a->m, 1, tid, nt, &begin, &end);
    for (int64_t nm = begin; nm < end; nm++) {
        int64_t image = nm / a->m, m = nm % a->m;
        const float *x = a->x + image * a->x_stride + m / mg * cg * plane, *w = (const float *)a->w + m * cg;
        for (int64_t i = 0; i < a->oh * a->ow; i++) {
            float sum = 0;
            for (int64_t c = 0; c < cg; c++)
                sum += w[c] * x[c * plane + i / a->ow * a->sh * a->wd + i % a->ow * a->sw];
            int64_t at = m * a->oh * a->ow + i;
            if (a->bias)
                sum += ((const float *)a->bias)[m];
            if (a->add)
                sum += a->add[image * a->add_stride + at];
            a->y[image * a->y_stride + at] = scl_activate(sum, a->act, a->p0, a->p1, a->slope, m);
        }
    }
}
