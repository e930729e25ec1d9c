/* What each kind of step is given, listed once.
 *
 * A list names the fields of one struct. BUF is a tensor in the state's arena (Python gives a value, the state fills in the address; NULL
 * where absent), WGT is packed read-only data that the plan keeps alive, INT an int64_t, FLT a float. The struct, and the table by which
 * Python fills it by field name, both come from the list, so that the two sides cannot disagree.
 *
 * Common fields: x, y input and output, float32, C-contiguous; scratch: each thread owns scratch_stride floats at
 * scratch + tid*scratch_stride; act, p0, p1, slope: the epilogue (scl_epilogue.h). Sizes and strides are in elements.
 */
#ifndef SCL_ARGS_H
#define SCL_ARGS_H

#include <stddef.h>
#include <stdint.h>

/* Fully connected: y[b][m] = act(sum_k w[m][k]*x[b][k] + bias[m]), b < n, m < m, k < k.
 * w, idx, ptr are what the kernel's packer made: see the contract above each kernel. */
#define SCL_ARGS_fc(BUF, WGT, INT, FLT)                                                                                          \
    BUF(x) BUF(y) BUF(scratch) WGT(w) WGT(idx) WGT(ptr) WGT(bias) WGT(slope)                                                     \
    INT(n) INT(m) INT(k) INT(act) INT(scratch_stride) FLT(p0) FLT(p1)

/* Convolution (and deconvolution) of x(n,c,h,w) to y(n,m,oh,ow); `add`, of y's shape, is added before the activation.
 * x_stride, y_stride, add_stride: elements from one image to the next (c*h*w, or more inside a concatenation). */
#define SCL_ARGS_conv(BUF, WGT, INT, FLT)                                                                                        \
    BUF(x) BUF(y) BUF(add) BUF(scratch) WGT(w) WGT(idx) WGT(ptr) WGT(bias) WGT(slope)                                            \
    INT(n) INT(c) INT(h) INT(wd) INT(m) INT(oh) INT(ow) INT(kh) INT(kw) INT(sh) INT(sw) INT(ph) INT(pw) INT(dh) INT(dw)          \
    INT(group) INT(x_stride) INT(y_stride) INT(add_stride) INT(act) INT(scratch_stride) FLT(p0) FLT(p1)

/* Pooling over n*c planes of h x w; ave: 0 = maximum, 1 = average; mask NULL or of y's shape. */
#define SCL_ARGS_pool(BUF, WGT, INT, FLT)                                                                                        \
    BUF(x) BUF(y) BUF(mask) INT(n) INT(c) INT(h) INT(wd) INT(oh) INT(ow) INT(kh) INT(kw) INT(sh) INT(sw) INT(ph) INT(pw)         \
    INT(x_stride) INT(y_stride) INT(ave)

/* Local response normalisation; within: 0 = across channels, 1 = within a channel. */
#define SCL_ARGS_lrn(BUF, WGT, INT, FLT)                                                                                         \
    BUF(x) BUF(y) BUF(scratch) INT(n) INT(c) INT(h) INT(wd) INT(size) INT(within) INT(scratch_stride)                            \
    FLT(alpha) FLT(beta) FLT(k)

/* Softmax over the middle axis of (outer, c, inner). */
#define SCL_ARGS_softmax(BUF, WGT, INT, FLT) BUF(x) BUF(y) BUF(scratch) INT(outer) INT(c) INT(inner) INT(scratch_stride)

/* y[i] = fn(x[i]) for i < count; x == y is allowed. fn: enum scl_fn. */
#define SCL_ARGS_unary(BUF, WGT, INT, FLT) BUF(x) BUF(y) INT(count) INT(fn) FLT(p0) FLT(p1) FLT(p2)

/* y = act(x*scale[c] + shift[c]) over (outer, c, inner); scale or shift may be NULL; x == y is allowed. */
#define SCL_ARGS_affine(BUF, WGT, INT, FLT)                                                                                      \
    BUF(x) BUF(y) WGT(scale) WGT(shift) WGT(slope) INT(outer) INT(c) INT(inner) INT(act) FLT(p0) FLT(p1)

/* y[i] = act(ca*a[i] + cb*b[i]), a*b or max(a, b), for i < count, planes of `inner` in turn over c channels (for a PReLU slope);
 * y may be a or b. fn: enum scl_fn. */
#define SCL_ARGS_eltwise(BUF, WGT, INT, FLT)                                                                                     \
    BUF(a) BUF(b) BUF(y) WGT(slope) INT(count) INT(c) INT(inner) INT(fn) INT(act) FLT(ca) FLT(cb) FLT(p0) FLT(p1)

/* y = x*s[c] or x+s[c] over (outer, c, inner), s from the arena: s[o*s_outer*c + c]. */
#define SCL_ARGS_broadcast(BUF, WGT, INT, FLT) BUF(x) BUF(s) BUF(y) INT(outer) INT(c) INT(inner) INT(s_outer) INT(fn)

/* y[y_offset + sum i_j*ys_j] = x[x_offset + sum i_j*xs_j], i_j < d_j: leading dims are 1 where fewer than six are needed. */
#define SCL_ARGS_copy(BUF, WGT, INT, FLT)                                                                                        \
    BUF(x) BUF(y) INT(x_offset) INT(y_offset) INT(d0) INT(d1) INT(d2) INT(d3) INT(d4) INT(d5)                                    \
    INT(xs0) INT(xs1) INT(xs2) INT(xs3) INT(xs4) INT(xs5) INT(ys0) INT(ys1) INT(ys2) INT(ys3) INT(ys4) INT(ys5)

/* y[i] = value[i] for i < count. */
#define SCL_ARGS_fill(BUF, WGT, INT, FLT) BUF(y) WGT(value) INT(count)

/* Every kind of step. */
#define SCL_KINDS(KIND)                                                                                                          \
    KIND(fc) KIND(conv) KIND(pool) KIND(lrn) KIND(softmax) KIND(unary) KIND(affine) KIND(eltwise) KIND(broadcast) KIND(copy) KIND(fill)

#define SCL_BUF(name) float *name;
#define SCL_WGT(name) const void *name;
#define SCL_INT(name) int64_t name;
#define SCL_FLT(name) float name;
#define SCL_DECLARE(kind) typedef struct { SCL_ARGS_##kind(SCL_BUF, SCL_WGT, SCL_INT, SCL_FLT) } scl_args_##kind;
SCL_KINDS(SCL_DECLARE)
#undef SCL_DECLARE

/* Activations of an epilogue (act). */
enum scl_act { SCL_ACT_NONE, SCL_ACT_RELU /* slope p0 */, SCL_ACT_CLIP /* p0..p1 */, SCL_ACT_PRELU /* slope[channel] */ };

/* Functions of unary, eltwise and broadcast steps (fn); the names are those of plan/spec.py. */
#define SCL_FNS(FN)                                                                                                              \
    FN(relu) FN(elu) FN(sigmoid) FN(tanh) FN(abs) FN(bnll) FN(swish) FN(clip) FN(threshold) FN(power) FN(exp) FN(log) FN(mish)   \
    FN(hswish) FN(sum) FN(prod) FN(max) FN(mul) FN(add)
#define SCL_FN_ENUM(name) SCL_FN_##name,
enum scl_fn { SCL_FNS(SCL_FN_ENUM) SCL_FN_COUNT };

#endif
