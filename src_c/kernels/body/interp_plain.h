/* Bilinear resizing: rows of the image are stretched as they come up, at most once each where the image grows, and then mixed in pairs. */
#include "scl_kernels.h"

/* Row `from` of a plane at the width of the output. */
static void stretch(const scl_args_interp *a, const float *from, float *to)
{
    const int32_t *low = a->x_low, *high = a->x_high;
    const float *part = a->x_part;
    for (int64_t j = 0; j < a->ow; j += VL) {
        int64_t n = a->ow - j < VL ? a->ow - j : VL;
        float left[VL] = {0}, right[VL] = {0};
        for (int i = 0; i < n; i++) {
            left[i] = from[low[j + i]];
            right[i] = from[high[j + i]];
        }
        vf p = vf_loadn(part + j, n);
        vf_storen(to + j, n, vf_fma(p, vf_load(right), vf_mul(vf_sub(vf_set1(1), p), vf_load(left))));
    }
}

void SCL_NAME(scl_interp_plain)(const void *args, int tid, int nt)
{
    const scl_args_interp *a = args;
    const int32_t *y_low = a->y_low, *y_high = a->y_high;
    const float *y_part = a->y_part;
    float *low = SCL_SCRATCH(a), *high = low + a->ow;
    const float *low_of = NULL, *high_of = NULL;        /* the rows of x that they hold, stretched */
    int64_t begin, end;
    scl_part(a->planes * a->oh, 1, tid, nt, &begin, &end);
    for (int64_t row = begin; row < end; row++) {
        int64_t i = scl_mod(row, a->oh);
        const float *plane = a->x + scl_div(row, a->oh) * a->h * a->wd;
        const float *first = plane + y_low[i] * a->wd, *second = plane + y_high[i] * a->wd;
        float *y = a->y + row * a->ow;
        if (first == high_of) {
            float *spare = low;
            low = high;
            high = spare;
            high_of = low_of;
            low_of = first;
        }
        if (first != low_of)
            stretch(a, low_of = first, low);
        if (second != high_of)
            stretch(a, high_of = second, high);
        vf p = vf_set1(y_part[i]), q = vf_sub(vf_set1(1), p);
        for (int64_t j = 0; j < a->ow; j += VL) {
            int64_t n = a->ow - j < VL ? a->ow - j : VL;
            vf_storen(y + j, n, vf_fma(p, vf_loadn(high + j, n), vf_mul(q, vf_loadn(low + j, n))));
        }
    }
}
