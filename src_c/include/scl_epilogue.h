/* The activation that ends a convolution, a matrix product or an element-wise step, one element at a time.
 * The vector files have their own of the same meaning. */
#ifndef SCL_EPILOGUE_H
#define SCL_EPILOGUE_H

#include "scl_args.h"

/* v after activation act; channel indexes slope (SCL_ACT_PRELU). As in Caffe: RELU is max(v,0) + p0*min(v,0), so that NaN stays NaN,
 * -0 stays -0 and a slope of 0 makes NaN of -inf; CLIP is max(p0, min(v, p1)) and makes p0 of NaN. */
static inline float scl_activate(float v, int64_t act, float p0, float p1, const float *slope, int64_t channel)
{
    switch (act) {
    case SCL_ACT_RELU: return v > 0 ? v : v < 0 ? 0.0f + p0 * v : v;
    case SCL_ACT_CLIP: v = p1 < v ? p1 : v; return p0 < v ? v : p0;
    case SCL_ACT_PRELU: return v > 0 ? v : v < 0 ? 0.0f + slope[channel] * v : v;
    default: return v;
    }
}

#endif
