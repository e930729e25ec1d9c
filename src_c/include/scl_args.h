/* What each kind of step is given, listed once.
 *
 * A list names the fields of one struct. BUF is a tensor in the state's arena (Python gives a value, the state fills in the address; NULL
 * where absent), WGT is packed read-only data that the plan keeps alive, INT an int64_t, FLT a float. The struct, and the table by which
 * Python fills it by field name, both come from the list, so that the two sides cannot disagree.
 *
 * Common fields: x, y input and output, float32, C-contiguous; scratch: `lanes` times scratch_stride floats, see
 * SCL_SCRATCH; act, p0, p1, slope: the epilogue (scl_epilogue.h). Sizes and strides are in elements.
 */
#ifndef SCL_ARGS_H
#define SCL_ARGS_H

#include <stddef.h>
#include <stdint.h>

/* Which of the threads that do a step this is: 0 the one that runs the plan, then the pool's helpers. */
int scl_lane(void);

/* What a kernel may write to beside its outputs: a thread's own. A step that is done by one thread has one lane, whoever that is. */
#define SCL_SCRATCH(args) ((args)->scratch + scl_lane() % (args)->lanes * (args)->scratch_stride)

/* Fully connected: y[b][m] = act(sum_k w[m][k]*x[b][k] + bias[m]), b < n, m < m, k < k.
 * w, idx, ptr are what the kernel's packer made: see the contract above each kernel. */
#define SCL_ARGS_fc(K, BUF, WGT, INT, FLT) \
    BUF(K, x) BUF(K, y) BUF(K, scratch) WGT(K, w) WGT(K, idx) WGT(K, ptr) WGT(K, bias) WGT(K, slope) INT(K, n) \
    INT(K, m) INT(K, k) INT(K, act) INT(K, scratch_stride) INT(K, lanes) FLT(K, p0) FLT(K, p1)

/* Convolution of x(n,c,h,w) to y(n,m,oh,ow); `add`, of y's shape, is added before the activation.
 * x_stride, y_stride, add_stride: elements from one image to the next (c*h*w, or more inside a concatenation). table: what else the
 * packer worked out for a kernel. */
#define SCL_ARGS_conv(K, BUF, WGT, INT, FLT) \
    BUF(K, x) BUF(K, y) BUF(K, add) BUF(K, scratch) WGT(K, w) WGT(K, idx) WGT(K, ptr) WGT(K, table) WGT(K, bias) \
    WGT(K, slope) INT(K, n) INT(K, c) INT(K, h) INT(K, wd) INT(K, m) INT(K, oh) INT(K, ow) INT(K, kh) INT(K, kw) INT(K, sh) \
    INT(K, sw) INT(K, ph) INT(K, pw) INT(K, dh) INT(K, dw) INT(K, group) INT(K, x_stride) INT(K, y_stride) \
    INT(K, add_stride) INT(K, act) INT(K, scratch_stride) INT(K, lanes) FLT(K, p0) FLT(K, p1)

/* Deconvolution, the transposed convolution, of x(n,c,h,w) to y(n,m,oh,ow); add is not used. */
#define SCL_ARGS_deconv(K, BUF, WGT, INT, FLT) SCL_ARGS_conv(K, BUF, WGT, INT, FLT)

/* Pooling over n*c planes of h x w; ave: 0 = maximum, 1 = average; mask NULL or of y's shape. */
#define SCL_ARGS_pool(K, BUF, WGT, INT, FLT) \
    BUF(K, x) BUF(K, y) BUF(K, mask) INT(K, n) INT(K, c) INT(K, h) INT(K, wd) INT(K, oh) INT(K, ow) INT(K, kh) \
    INT(K, kw) INT(K, sh) INT(K, sw) INT(K, ph) INT(K, pw) INT(K, x_stride) INT(K, y_stride) INT(K, ave)

/* Local response normalisation; within: 0 = across channels, 1 = within a channel: then wd + size floats of scratch a thread. */
#define SCL_ARGS_lrn(K, BUF, WGT, INT, FLT) \
    BUF(K, x) BUF(K, y) BUF(K, scratch) INT(K, n) INT(K, c) INT(K, h) INT(K, wd) INT(K, size) INT(K, within) \
    INT(K, scratch_stride) INT(K, lanes) FLT(K, alpha) FLT(K, beta) FLT(K, k)

/* Softmax over the middle axis of (outer, c, inner); x == y is allowed, and no scratch is needed. */
#define SCL_ARGS_softmax(K, BUF, WGT, INT, FLT) \
    BUF(K, x) BUF(K, y) BUF(K, scratch) INT(K, outer) INT(K, c) INT(K, inner) INT(K, scratch_stride) INT(K, lanes)

/* y[i] = fn(x[i]) for i < count; x == y is allowed. fn: enum scl_fn. */
#define SCL_ARGS_unary(K, BUF, WGT, INT, FLT) \
    BUF(K, x) BUF(K, y) INT(K, count) INT(K, fn) FLT(K, p0) FLT(K, p1) FLT(K, p2)

/* y = act(x*scale[c] + shift[c]) over (outer, c, inner); scale or shift may be NULL; x == y is allowed. */
#define SCL_ARGS_affine(K, BUF, WGT, INT, FLT) \
    BUF(K, x) BUF(K, y) WGT(K, scale) WGT(K, shift) WGT(K, slope) INT(K, outer) INT(K, c) INT(K, inner) \
    INT(K, act) FLT(K, p0) FLT(K, p1)

/* y[i] = act(ca*a[i] + cb*b[i]), a*b or max(a, b), for i < count, planes of `inner` in turn over c channels (for a PReLU slope);
 * y may be a or b. fn: enum scl_fn. */
#define SCL_ARGS_eltwise(K, BUF, WGT, INT, FLT) \
    BUF(K, a) BUF(K, b) BUF(K, y) WGT(K, slope) INT(K, count) INT(K, c) INT(K, inner) INT(K, fn) INT(K, act) \
    FLT(K, ca) FLT(K, cb) FLT(K, p0) FLT(K, p1)

/* y = x*s[c] or x+s[c] over (outer, c, inner), s from the arena: s[o*s_outer*c + c]; y may be x, or s where that is as large. */
#define SCL_ARGS_broadcast(K, BUF, WGT, INT, FLT) \
    BUF(K, x) BUF(K, s) BUF(K, y) INT(K, outer) INT(K, c) INT(K, inner) INT(K, s_outer) INT(K, fn)

/* y[y_offset + sum i_j*ys_j] = x[x_offset + sum i_j*xs_j], i_j < d_j: leading dims are 1 where fewer than six are needed. */
#define SCL_ARGS_copy(K, BUF, WGT, INT, FLT) \
    BUF(K, x) BUF(K, y) INT(K, x_offset) INT(K, y_offset) INT(K, d0) INT(K, d1) INT(K, d2) INT(K, d3) INT(K, d4) \
    INT(K, d5) INT(K, xs0) INT(K, xs1) INT(K, xs2) INT(K, xs3) INT(K, xs4) INT(K, xs5) INT(K, ys0) INT(K, ys1) \
    INT(K, ys2) INT(K, ys3) INT(K, ys4) INT(K, ys5)

/* y[i] = value[i] for i < count. */
#define SCL_ARGS_fill(K, BUF, WGT, INT, FLT) \
    BUF(K, y) WGT(K, value) INT(K, count)

/* y[o][i] = coeff * fn over the middle axis of x(outer, c, inner): sum, asum (of magnitudes), sumsq (of squares), max or argmax. Of equal
 * numbers the last is the greatest, and NaN is greater than all others. */
#define SCL_ARGS_reduce(K, BUF, WGT, INT, FLT) \
    BUF(K, x) BUF(K, y) INT(K, outer) INT(K, c) INT(K, inner) INT(K, fn) FLT(K, coeff)

/* y = (x - mean) / (deviation + eps) for each of `rows` rows of k elements, or x - mean without `variance`; the biased one. x == y is
 * allowed. */
#define SCL_ARGS_mvn(K, BUF, WGT, INT, FLT) \
    BUF(K, x) BUF(K, y) INT(K, rows) INT(K, k) INT(K, variance) FLT(K, eps)

/* y = x * scale[c] / sqrt(S) over (outer, c, inner), S = eps + the sum of squares along c, or with `guard` that sum where it is above eps,
 * and 1 elsewhere. scale may be NULL; x == y is allowed. */
#define SCL_ARGS_norm(K, BUF, WGT, INT, FLT) \
    BUF(K, x) BUF(K, y) WGT(K, scale) INT(K, outer) INT(K, c) INT(K, inner) INT(K, guard) FLT(K, eps)

/* Bilinear resizing of planes of h x wd to oh x ow: along each axis an output lies between pixels low[i] and high[i] (int32), the part
 * part[i] (float32) of the way. Each thread needs 2*ow floats of scratch. */
#define SCL_ARGS_interp(K, BUF, WGT, INT, FLT) \
    BUF(K, x) BUF(K, y) BUF(K, scratch) WGT(K, y_low) WGT(K, y_high) WGT(K, y_part) WGT(K, x_low) WGT(K, x_high) WGT(K, x_part) \
    INT(K, planes) INT(K, h) INT(K, wd) INT(K, oh) INT(K, ow) INT(K, scratch_stride) INT(K, lanes)

/* Planes of `size` zeros in which y[p][mask[p][i]] = x[p][i], i < count, in this order; mask values that are no place are left out. */
#define SCL_ARGS_scatter(K, BUF, WGT, INT, FLT) \
    BUF(K, x) BUF(K, mask) BUF(K, y) INT(K, planes) INT(K, count) INT(K, size)

/* What the machine can do; no layer needs these. fma: y[r][i] = x[r][i] after `repeats` times v = v*a + b, for rows of k elements.
 * read: y[r] = the sum over row r of x, `repeats` times over. A row is one thread's. */
#define SCL_ARGS_probe(K, BUF, WGT, INT, FLT) \
    WGT(K, x) BUF(K, y) INT(K, rows) INT(K, k) INT(K, repeats) FLT(K, a) FLT(K, b)

/* Every kind of step. */
#define SCL_KINDS(KIND) \
    KIND(fc) KIND(conv) KIND(deconv) KIND(pool) KIND(lrn) KIND(softmax) KIND(unary) KIND(affine) KIND(eltwise) KIND(broadcast) KIND(copy) KIND(fill) \
    KIND(reduce) KIND(mvn) KIND(norm) KIND(interp) KIND(scatter) KIND(probe)

#define SCL_BUF(kind, name) float *name;
#define SCL_WGT(kind, name) const void *name;
#define SCL_INT(kind, name) int64_t name;
#define SCL_FLT(kind, name) float name;
#define SCL_DECLARE(kind) typedef struct { SCL_ARGS_##kind(kind, SCL_BUF, SCL_WGT, SCL_INT, SCL_FLT) } scl_args_##kind;
SCL_KINDS(SCL_DECLARE)
#undef SCL_DECLARE

/* Activations of an epilogue (act). */
enum scl_act { SCL_ACT_NONE, SCL_ACT_RELU /* slope p0 */, SCL_ACT_CLIP /* p0..p1 */, SCL_ACT_PRELU /* slope[channel] */ };

/* Functions of unary, eltwise, broadcast and reduce steps (fn); the names are those of plan/spec.py. */
#define SCL_FNS(FN) \
    FN(relu) FN(elu) FN(sigmoid) FN(tanh) FN(abs) FN(bnll) FN(swish) FN(clip) FN(threshold) FN(power) FN(exp) FN(log) FN(mish) \
    FN(hswish) FN(sum) FN(prod) FN(max) FN(mul) FN(add) FN(asum) FN(sumsq) FN(argmax)
#define SCL_FN_ENUM(name) SCL_FN_##name,
enum scl_fn { SCL_FNS(SCL_FN_ENUM) SCL_FN_COUNT };

#endif
