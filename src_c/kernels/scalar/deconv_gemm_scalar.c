#include "row.h"

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
            for (int64_t ox = 0; ox < a->ow; ox += ROW) {
                int64_t n = a->ow - ox < ROW ? a->ow - ox : ROW;
                float sum[ROW] = {0};
                for (int64_t c = 0; c < cg; c++)
                    for (int64_t ky = 0; ky < a->kh; ky++) {
                        int64_t iy = oy + a->ph - ky * a->dh;
                        if (iy < 0 || iy % a->sh || iy / a->sh >= a->h)
                            continue;
                        for (int64_t kx = 0; kx < a->kw; kx++)
                            row_spread(sum, n, w[(c * mg * a->kh + ky) * a->kw + kx], x + (c * a->h + iy / a->sh) * a->wd,
                                       ox + a->pw - kx * a->dw, a->sw, a->wd);
                    }
                float *y = a->y + image * a->y_stride + (m * a->oh + oy) * a->ow + ox;
                for (int64_t i = 0; i < n; i++)
                    y[i] = scl_activate(a->bias ? sum[i] + ((const float *)a->bias)[m] : sum[i], a->act, a->p0, a->p1, a->slope, m);
            }
    }
}
