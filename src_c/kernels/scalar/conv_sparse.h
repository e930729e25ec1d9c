/* Sparse convolution, one weight after another: what the vector kernels are judged by. No windows: idx (uint32) are numbers of weights,
 * k = (channel*kh + ky)*kw + kx. */
#include "scl_epilogue.h"
#include "scl_kernels.h"

/* The input of one image and convolution group that weight k meets at output pixel (oy, ox); 0 in the padding. */
static float met(const scl_args_conv *a, const float *x, int64_t k, int64_t oy, int64_t ox)
{
    int64_t c = k / (a->kh * a->kw), ky = k / a->kw % a->kh, kx = k % a->kw;
    int64_t iy = oy * a->sh - a->ph + ky * a->dh, ix = ox * a->sw - a->pw + kx * a->dw;
    return iy >= 0 && iy < a->h && ix >= 0 && ix < a->wd ? x[(c * a->h + iy) * a->wd + ix] : 0;
}

/* w[i][width] for ptr[row] <= i < ptr[row + 1] are the groups of a row. A row is an output channel, and weight j of a group is number
 * idx[i] + j; or, when `out`, a block of `width` channels of one convolution group, weight j belongs to the j-th of them. */
static void conv_sparse(const scl_args_conv *a, int64_t width, int out, int tid, int nt)
{
    const float *w = a->w, *bias = a->bias;
    const uint32_t *idx = a->idx, *ptr = a->ptr;
    int64_t cg = a->c / a->group, mg = a->m / a->group, outs = out ? width : 1, rows = (mg + outs - 1) / outs, begin, end;
    scl_part(a->n * a->m, 1, tid, nt, &begin, &end);
    for (int64_t nm = begin; nm < end; nm++) {
        int64_t image = nm / a->m, m = nm % a->m, g = m / mg, row = g * rows + m % mg / outs, j = m % mg % outs;
        const float *x = a->x + image * a->x_stride + g * cg * a->h * a->wd;
        for (int64_t oy = 0; oy < a->oh; oy++)
            for (int64_t ox = 0; ox < a->ow; ox++) {
                float sum = 0;
                for (int64_t i = ptr[row]; i < ptr[row + 1]; i++)
                    if (out)
                        sum += w[i * width + j] * met(a, x, idx[i], oy, ox);
                    else
                        for (int64_t k = 0; k < width; k++)
                            sum += w[i * width + k] * met(a, x, idx[i] + k, oy, ox);
                int64_t at = (m * a->oh + oy) * a->ow + ox;
                if (bias)
                    sum += bias[m];
                if (a->add)
                    sum += a->add[image * a->add_stride + at];
                a->y[image * a->y_stride + at] = scl_activate(sum, a->act, a->p0, a->p1, a->slope, m);
            }
    }
}
