/* The activation that ends a convolution, a matrix product or an element-wise step, one element at a time.
 * The vector files have their own of the same meaning. */
#ifndef SCL_EPILOGUE_H
#define SCL_EPILOGUE_H

#include "scl_args.h"

/* v after activation act; channel indexes slope (SCL_ACT_PRELU). NaN stays NaN under RELU and becomes p0 under CLIP, as in Caffe. */
static inline float scl_activate(float v, int64_t act, float p0, float p1, const float *slope, int64_t channel)
{
    switch (act) {
    case SCL_ACT_RELU: return v > 0 ? v : v < 0 ? p0 * v : v;
    case SCL_ACT_CLIP: v = v < p1 ? v : p1 < v ? p1 : p0; return v > p0 ? v : p0;
    case SCL_ACT_PRELU: return v > 0 ? v : v < 0 ? slope[channel] * v : v;
    default: return v;
    }
}

#endif
