/* What simd_<isa>.h derives from its own functions. */

/* scl_activate on a vector. p0 holds the slopes of the lanes' channels under SCL_ACT_PRELU. */
static inline vf vf_activate(vf v, int64_t act, vf p0, vf p1)
{
    switch (act) {
    case SCL_ACT_RELU:
    case SCL_ACT_PRELU: return vf_if_neg(v, vf_mul(v, p0), v);
    case SCL_ACT_CLIP: return vf_max(vf_min(vf_max(v, p0), p1), p0);
    default: return v;
    }
}
