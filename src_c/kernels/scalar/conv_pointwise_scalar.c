#include "row.h"

/* Convolution with a 1x1 kernel and no padding, word for word: w[m][channel], no scratch. */
void scl_conv_pointwise__scalar(const void *args, int tid, int nt)
{
    const scl_args_conv *a = args;
    int64_t cg = a->c / a->group, mg = a->m / a->group, plane = a->h * a->wd, begin, end;
    scl_part(a->n * a->m, 1, tid, nt, &begin, &end);
    for (int64_t nm = begin; nm < end; nm++) {
        int64_t image = nm / a->m, m = nm % a->m;
        const float *x = a->x + image * a->x_stride + m / mg * cg * plane, *w = (const float *)a->w + m * cg;
        for (int64_t oy = 0; oy < a->oh; oy++)
            for (int64_t ox = 0; ox < a->ow; ox += ROW) {
                int64_t n = a->ow - ox < ROW ? a->ow - ox : ROW;
                float sum[ROW] = {0};
                for (int64_t c = 0; c < cg; c++)
                    row_add(sum, n, w[c], x + c * plane + oy * a->sh * a->wd, ox * a->sw, a->sw, a->wd);
                row_end(a, sum, n, image, m, (m * a->oh + oy) * a->ow + ox);
            }
    }
}
