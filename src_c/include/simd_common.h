/* What simd_<isa>.h derives from its own functions. */

/* For functions that are written once and specialised by the constants they are called with. */
#define INLINE static inline __attribute__((always_inline))

/* scl_activate on a vector, special values and all. p0 holds the slopes of the lanes' channels under SCL_ACT_PRELU. */
static inline vf vf_activate(vf v, int64_t act, vf p0, vf p1)
{
    switch (act) {
    case SCL_ACT_RELU:
    case SCL_ACT_PRELU: return vf_fma(p0, vf_min(vf_zero(), v), vf_max(vf_zero(), v));
    case SCL_ACT_CLIP: return vf_max(vf_min(p1, v), p0);
    default: return v;
    }
}
