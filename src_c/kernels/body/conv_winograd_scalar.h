/* Convolution by Winograd's minimal filtering, word for word: the reference for conv_winograd.h, with the same weights.
 *
 * w[m][point][c/group], the IN*IN points of a transformed kernel. scratch: c/group * IN*IN floats.
 *
 * Before including: OUT and SIZE (2 and 3, 4 and 3, or 2 and 5) and CONV_WINOGRAD (the symbol).
 */
#include "scl_epilogue.h"
#include "scl_kernels.h"

enum { IN = OUT + SIZE - 1, POINTS = IN * IN };

/* V = B'dB and Y = A'(U*V)A. */
#if OUT + SIZE == 5
static const float B[IN][IN] = {{-1, 0, 1, 0}, {0, 1, 1, 0}, {0, -1, 1, 0}, {0, -1, 0, 1}};
static const float A[OUT][IN] = {{1, 1, 1, 0}, {0, 1, -1, 1}};
#else
#define R 1.41421356f
static const float B[IN][IN] = {{1, 0, -2.5f, 0, 1, 0},     {0, -R, -2, R / 2, 1, 0},       {0, R, -2, -R / 2, 1, 0},
                                {0, -R / 2, -0.5f, R, 1, 0}, {0, R / 2, -0.5f, -R, 1, 0}, {0, 1, 0, -2.5f, 0, 1}};
#if OUT == 4
static const float A[OUT][IN] = {{1, 1, 1, 1, 1, 0},
                                 {0, R / 2, -R / 2, R, -R, 0},
                                 {0, 0.5f, 0.5f, 2, 2, 0},
                                 {0, R / 4, -R / 4, 2 * R, -2 * R, 1}};
#else
static const float A[OUT][IN] = {{1, 1, 1, 1, 1, 0}, {0, R / 2, -R / 2, R, -R, 1}};
#endif
#endif

/* The tile of one channel whose first input is (iy, ix), transformed. */
static void points_of(const scl_args_conv *a, const float *plane, int64_t iy, int64_t ix, float v[POINTS])
{
    float d[IN][IN], half[IN][IN];
    for (int i = 0; i < IN; i++)
        for (int j = 0; j < IN; j++) {
            int64_t y = iy + i, x = ix + j;
            d[i][j] = y >= 0 && y < a->h && x >= 0 && x < a->wd ? plane[y * a->wd + x] : 0;
        }
    for (int i = 0; i < IN; i++)
        for (int j = 0; j < IN; j++) {
            half[i][j] = 0;
            for (int k = 0; k < IN; k++)
                half[i][j] += B[i][k] * d[k][j];
        }
    for (int i = 0; i < IN; i++)
        for (int j = 0; j < IN; j++) {
            v[i * IN + j] = 0;
            for (int k = 0; k < IN; k++)
                v[i * IN + j] += half[i][k] * B[j][k];
        }
}

/* Output (i, j) of a tile whose products, summed over channels, are `sums`. */
static float output_of(const float sums[POINTS], int i, int j)
{
    float y = 0;
    for (int k = 0; k < IN; k++)
        for (int l = 0; l < IN; l++)
            y += A[i][k] * A[j][l] * sums[k * IN + l];
    return y;
}

void CONV_WINOGRAD(const void *args, int tid, int nt)
{
    const scl_args_conv *a = args;
    int64_t down = (a->oh + OUT - 1) / OUT, across = (a->ow + OUT - 1) / OUT, channels = a->c / a->group, begin, end;
    float *v = SCL_SCRATCH(a);
    scl_part(a->n * a->group * down * across, 1, tid, nt, &begin, &end);
    for (int64_t tile = begin; tile < end; tile++) {
        int64_t oy = tile / across % down * OUT, ox = tile % across * OUT, group = tile / across / down % a->group;
        int64_t image = tile / across / down / a->group, mg = a->m / a->group;
        const float *x = a->x + image * a->x_stride + group * channels * a->h * a->wd;
        for (int64_t c = 0; c < channels; c++)
            points_of(a, x + c * a->h * a->wd, oy - a->ph, ox - a->pw, v + c * POINTS);
        for (int64_t m = group * mg; m < (group + 1) * mg; m++) {
            const float *w = (const float *)a->w + m * POINTS * channels;
            float sums[POINTS];
            for (int p = 0; p < POINTS; p++) {
                sums[p] = 0;
                for (int64_t c = 0; c < channels; c++)
                    sums[p] += w[p * channels + c] * v[c * POINTS + p];
            }
            for (int i = 0; i < OUT && oy + i < a->oh; i++)
                for (int j = 0; j < OUT && ox + j < a->ow; j++) {
                    int64_t at = (m * a->oh + oy + i) * a->ow + ox + j;
                    float y = output_of(sums, i, j);
                    if (a->bias)
                        y += ((const float *)a->bias)[m];
                    if (a->add)
                        y += a->add[image * a->add_stride + at];
                    a->y[image * a->y_stride + at] = scl_activate(y, a->act, a->p0, a->p1, a->slope, m);
                }
        }
    }
}
