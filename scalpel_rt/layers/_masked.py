"""Layers of pruning forks that keep a mask beside each parameter, and multiply both."""

from ._base import as_f32

#: fields that only Auto_pruning sets
AUTO_PRUNING = ("inter_iter", "upper_bound", "is_pruning")
#: a field that only Dynamic Network Surgery's messages have
SURGERY = "gamma"


class Masked:
    """Mixed in before a layer with the blobs w [, b]. The blobs here, as the fields of ``mask_param`` tell:

    - Dynamic Network Surgery: w, b, mask of w, mask of b; or w, mask of w.
    - Auto_pruning (inter_iter, upper_bound or is_pruning is given): w [, b], mask of w.

    Without a filler a mask starts as all ones, where its authors' layers let it be all zeros until training begins.
    """

    origin = "Dynamic Network Surgery"
    mask_param = None

    def parse(self, message):
        super().parse(message)
        p = getattr(message, self.mask_param)
        surgery = SURGERY in p.DESCRIPTOR.fields_by_name and not any(p.HasField(field) for field in AUTO_PRUNING)
        self.masks_bias = self.bias_term and surgery
        self.mask_fillers = [getattr(p, name) if p.HasField(name) else type(p.weight_mask_filler)(value=1)
                             for name in ("weight_mask_filler", "bias_mask_filler")]

    def param_shapes(self, bottoms):
        plain = super().param_shapes(bottoms)
        return plain + plain[:1 + self.masks_bias]

    def fillers(self):
        return super().fillers() + self.mask_fillers[:1 + self.masks_bias]

    def multiply_adds(self, bottoms, tops, params):
        return super().multiply_adds(bottoms, tops, params[:1 + self.bias_term])

    def masked(self, params):
        """The parameters of the plain layer."""
        plain, masks = params[:1 + self.bias_term], params[1 + self.bias_term:]
        return [as_f32(p * m) for p, m in zip(plain, masks, strict=False)] + plain[len(masks):]

    def forward(self, bottoms, params):
        return super().forward(bottoms, self.masked(params))

    def lower(self, build, bottoms, tops, params):
        return super().lower(build, bottoms, tops, self.masked(params))
