#include "scl_epilogue.h"
#include "scl_kernels.h"

/* Deconvolution, word for word: w[c][m/group][ky][kx], as Caffe has it; no scratch. */
void scl_deconv_gemm__scalar(const void *args, int tid, int nt)
{
    const scl_args_deconv *a = args;
    int64_t cg = a->c / a->group, mg = a->m / a->group, begin, end;
    scl_part(a->n * a->m, 1, tid, nt, &begin, &end);
    for (int64_t nm = begin; nm < end; nm++) {
        int64_t image = nm / a->m, m = nm % a->m, group = m / mg;
        const float *x = a->x + image * a->x_stride + group * cg * a->h * a->wd;
        const float *w = (const float *)a->w + (group * cg * mg + m % mg) * a->kh * a->kw;
        for (int64_t oy = 0; oy < a->oh; oy++)
            for (int64_t ox = 0; ox < a->ow; ox++) {
                float sum = 0;
                for (int64_t c = 0; c < cg; c++)
                    for (int64_t ky = 0; ky < a->kh; ky++)
                        for (int64_t kx = 0; kx < a->kw; kx++) {
                            int64_t y = oy + a->ph - ky * a->dh, x0 = ox + a->pw - kx * a->dw;
                            if (y >= 0 && y % a->sh == 0 && y / a->sh < a->h && x0 >= 0 && x0 % a->sw == 0 && x0 / a->sw < a->wd)
                                sum += w[(c * mg * a->kh + ky) * a->kw + kx] * x[(c * a->h + y / a->sh) * a->wd + x0 / a->sw];
                        }
                int64_t at = (m * a->oh + oy) * a->ow + ox;
                if (a->bias)
                    sum += ((const float *)a->bias)[m];
                a->y[image * a->y_stride + at] = scl_activate(sum, a->act, a->p0, a->p1, a->slope, m);
            }
    }
}
