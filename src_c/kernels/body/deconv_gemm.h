/* Deconvolution as convolutions of stride 1, one for each phase of the outputs: see docs/kernels.md.
 *
 * Output oy takes input iy through kernel row ky where oy + ph = iy*sh + ky*dh. So the outputs of one phase r = (oy + ph) mod sh all use
 * the same kernel rows, those with ky*dh = r (mod sh), and neighbours among them use neighbouring inputs. The same holds for columns.
 *
 * w: for each phase (rows, then columns) and each group, panels of at most TILE_M output channels, as even_begin says; within a panel
 * [k][channel], k = (input channel, the phase's kernel rows from the last to the first, its kernel columns likewise).
 * scratch: c/group * the most kernel places of a phase * TILE_N floats.
 *
 * Before including: a simd header, TILE_M, TILE_V and DECONV_GEMM (the symbol).
 */
#include "conv_panel.h"
#include "conv_tile.h"
#include "scl_kernels.h"

/* One axis of one phase: outputs begin, begin + stride, ...; taps of the kernel, whose inputs are `step` apart; the first output's first
 * tap meets input -pad. */
typedef struct {
    int64_t begin, count, taps, step, pad;
} deconv_axis;

static deconv_axis axis_of(int64_t phase, int64_t out, int64_t kernel, int64_t stride, int64_t pad, int64_t dilation)
{
    int64_t every = 1, first = 0;
    while (every * dilation % stride)
        every++;                    /* of each `every` kernel rows, one belongs to a phase */
    while (first < every && first * dilation % stride != phase)
        first++;
    deconv_axis a = {.begin = ((phase - pad) % stride + stride) % stride, .step = every * dilation / stride};
    a.count = a.begin < out ? (out - a.begin + stride - 1) / stride : 0;
    a.taps = first < every && first < kernel ? (kernel - first + every - 1) / every : 0;
    a.pad = (first * dilation - phase) / stride + (a.taps - 1) * a.step - (a.begin + pad - phase) / stride;
    return a;
}

/* Copies a tile of pixels [p0, p1) of a phase to their places in y. */
static void scatter_pixels(const scl_args_conv *a, const deconv_axis *down, const deconv_axis *across, const float *tile, int64_t rows,
                           int64_t m, int64_t p0, int64_t p1)
{
    for (int64_t p = p0; p < p1;) {
        int64_t column = p % across->count, row = p / across->count % down->count, image = p / across->count / down->count;
        int64_t count = across->count - column < p1 - p ? across->count - column : p1 - p;
        float *y = a->y + image * a->y_stride + (m * a->oh + down->begin + row * a->sh) * a->ow + across->begin + column * a->sw;
        for (int64_t i = 0; i < rows; i++)
            for (int64_t j = 0; j < count; j++)
                y[i * a->oh * a->ow + j * a->sw] = tile[i * TILE_N + p - p0 + j];
        p += count;
    }
}

/* One phase of one group: x, w and m are the group's; this thread's part of the work. Returns the size of the phase's weights. */
static int64_t deconv_phase(const scl_args_conv *a, const deconv_axis *down, const deconv_axis *across, const float *x, const float *w,
                            int64_t m, int tid, int nt)
{
    int64_t c = a->c / a->group, k = c * down->taps * across->taps, mg = a->m / a->group, m0, m1, v0, v1;
    int64_t pixels = a->n * down->count * across->count, tiles = even_count(mg, TILE_M);
    panel_shape s = {.c = c, .h = a->h, .w = a->wd, .oh = down->count, .ow = across->count, .kh = down->taps, .kw = across->taps, .sh = 1,
                     .sw = 1, .ph = down->pad, .pw = across->pad, .dh = down->step, .dw = across->step, .stride = a->x_stride};
    float *panel = SCL_SCRATCH(a), y[TILE_M * TILE_N];
    grid_part(tiles, even_count(pixels, VL), 1, 2, tid, nt, &m0, &m1, &v0, &v1);
    for (int64_t v = v0; v < v1; v += TILE_V) {
        int64_t p0 = v * VL, p1 = (v + TILE_V < v1 ? v + TILE_V : v1) * VL;
        p1 = p1 < pixels ? p1 : pixels;
        panel_pack(&s, x, p0, p1, panel);
        for (int64_t tile = m0; tile < m1; tile++) {
            int64_t row = even_begin(mg, tiles, tile), rows = even_begin(mg, tiles, tile + 1) - row, nv = even_count(p1 - p0, VL);
            conv_tile t = conv_tile_of(a, k);
            t.a = w + row * k;
            t.b = panel;
            t.y = y;
            t.ldy = TILE_N;
            t.tail = p1 - p0 - (nv - 1) * VL;
            conv_tile_any(a, rows, m + row, nv, &t);
            scatter_pixels(a, down, across, y, rows, m + row, p0, p1);
        }
    }
    return mg * k;
}

void DECONV_GEMM(const void *args, int tid, int nt)
{
    const scl_args_conv *a = args;
    const float *w = a->w;
    for (int64_t py = 0; py < a->sh; py++)
        for (int64_t px = 0; px < a->sw; px++) {
            deconv_axis down = axis_of(py, a->oh, a->kh, a->sh, a->ph, a->dh), across = axis_of(px, a->ow, a->kw, a->sw, a->pw, a->dw);
            for (int64_t g = 0; g < a->group; g++)
                w += deconv_phase(a, &down, &across, a->x + g * (a->c / a->group) * a->h * a->wd, w, g * (a->m / a->group), tid, nt);
        }
}
