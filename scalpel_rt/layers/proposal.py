"""Proposal: the region proposals of Faster R-CNN."""

from ..errors import GraphError
from ._base import Layer
from ._registry import register
from ._rpn import RATIOS, SCALES, RegionProposals


@register
class Proposal(Layer):
    """Scores (N, 2A, H, W), deltas (N, 4A, H, W), im_info (N, 3 or more) -> boxes (R, 5) [, scores (R)].

    See :class:`~scalpel_rt.layers._rpn.RegionProposals`. Until the first forward the tops show the most rows that
    there can be. Boxes that are too small are dropped, as in py-faster-rcnn, where the C++ forks keep them with score
    0. Without ``ratio`` or ``scale`` those of py-faster-rcnn are taken.
    """

    type = "Proposal"
    origin = "Faster R-CNN"
    bottoms = (3, 3)
    tops = (1, 2)
    dynamic = True

    def parse(self, message):
        p = message.proposal_param
        self.proposals = RegionProposals(
            feat_stride=p.feat_stride, base_size=p.base_size, min_size=p.min_size, ratios=tuple(p.ratio) or RATIOS,
            scales=tuple(p.scale) or SCALES, pre_nms=p.pre_nms_topn, post_nms=p.post_nms_topn, threshold=p.nms_thresh)

        if min(*self.proposals.ratios, *self.proposals.scales) <= 0:
            raise GraphError(f"proposal_param ratio and scale must be above 0, not {list(p.ratio)} and {list(p.scale)}")

    def shapes(self, bottoms):
        return self.proposals.shapes(bottoms, len(self.message.top))

    def forward(self, bottoms, params):
        return self.proposals.forward(bottoms, len(self.message.top))
