#include "row.h"

/* Convolution of each channel by itself: w[m][ky][kx], c = group, m/c outputs of each channel; no scratch. */
void scl_conv_depthwise__scalar(const void *args, int tid, int nt)
{
    const scl_args_conv *a = args;
    int64_t begin, end;
    scl_part(a->n * a->m, 1, tid, nt, &begin, &end);
    for (int64_t nm = begin; nm < end; nm++) {
        int64_t image = nm / a->m, m = nm % a->m;
        const float *x = a->x + image * a->x_stride + m / (a->m / a->c) * a->h * a->wd;
        for (int64_t oy = 0; oy < a->oh; oy++)
            for (int64_t ox = 0; ox < a->ow; ox += ROW) {
                int64_t n = a->ow - ox < ROW ? a->ow - ox : ROW;
                const float *w = (const float *)a->w + m * a->kh * a->kw;
                float sum[ROW] = {0};
                for (int64_t ky = 0; ky < a->kh; ky++) {
                    int64_t iy = oy * a->sh - a->ph + ky * a->dh;
                    for (int64_t kx = 0; kx < a->kw; kx++, w++)
                        if (iy >= 0 && iy < a->h)
                            row_add(sum, n, *w, x + iy * a->wd, ox * a->sw - a->pw + kx * a->dw, a->sw, a->wd);
                }
                row_end(a, sum, n, image, m, (m * a->oh + oy) * a->ow + ox);
            }
    }
}
