#include "scl_epilogue.h"
#include "scl_kernels.h"

/* Convolution of each channel by itself: w[m][ky][kx], c = group, m/c outputs of each channel; no scratch. */
void scl_conv_depthwise__scalar(const void *args, int tid, int nt)
{
    const scl_args_conv *a = args;
    int64_t begin, end;
    scl_part(a->n * a->m, 1, tid, nt, &begin, &end);
    for (int64_t nm = begin; nm < end; nm++) {
        int64_t image = nm / a->m, m = nm % a->m;
        const float *x = a->x + image * a->x_stride + m / (a->m / a->c) * a->h * a->wd;
        const float *w = (const float *)a->w + m * a->kh * a->kw;
        for (int64_t oy = 0; oy < a->oh; oy++)
            for (int64_t ox = 0; ox < a->ow; ox++) {
                float sum = 0;
                for (int64_t ky = 0; ky < a->kh; ky++)
                    for (int64_t kx = 0; kx < a->kw; kx++) {
                        int64_t iy = oy * a->sh - a->ph + ky * a->dh, ix = ox * a->sw - a->pw + kx * a->dw;
                        if (iy >= 0 && iy < a->h && ix >= 0 && ix < a->wd)
                            sum += w[ky * a->kw + kx] * x[iy * a->wd + ix];
                    }
                int64_t at = (m * a->oh + oy) * a->ow + ox;
                if (a->bias)
                    sum += ((const float *)a->bias)[m];
                if (a->add)
                    sum += a->add[image * a->add_stride + at];
                a->y[image * a->y_stride + at] = scl_activate(sum, a->act, a->p0, a->p1, a->slope, m);
            }
    }
}
