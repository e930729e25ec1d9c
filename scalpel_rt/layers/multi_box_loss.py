"""MultiBoxLoss: what SSD is trained with (Liu et al., 2016)."""

import numpy as np

from ..errors import DataError, GraphError, ShapeError, UnsupportedError
from ._base import count
from ._boxes import best_first
from ._loss import Loss, Normalizer, log_softmax, scalar
from ._matching import UNMATCHED, match
from ._registry import register
from ._ssd import count_priors, decode, encode, priors_of


@register
class MultiBoxLoss(Loss):
    """locations (N, 4LP), confidences (N, KP), priors (1, 2, 4P), objects (1, 1, G, 8) -> loss ().

    Priors are matched to the objects of an item; matched ones give a localisation loss against the coded object, they
    and the negatives that were mined a confidence loss. Their sum, the former times ``loc_weight``, is divided by the
    number of matches (or what ``loss_param`` says). The objects' rows are [item, label, instance, xmin, ymin, xmax,
    ymax, difficult], item -1 for none. Mining HARD_EXAMPLE is not done here.
    """

    type = "MultiBoxLoss"
    origin = "SSD"
    bottoms = (4, 4)

    def parse(self, message):
        p = message.multibox_loss_param
        if not p.HasField("num_classes") or p.num_classes < 1:
            raise GraphError("multibox_loss_param needs num_classes")
        kinds = type(p)
        self.num_classes, self.background = p.num_classes, p.background_label_id
        self.shared = p.share_location
        self.loc_classes = 1 if p.share_location else p.num_classes
        self.code = type(message.prior_box_param).CodeType.Name(p.code_type)
        self.in_target = p.encode_variance_in_target
        self.match_by_prior = p.use_prior_for_matching
        self.per_prediction = p.match_type == kinds.PER_PREDICTION
        self.overlap, self.negative_overlap = p.overlap_threshold, p.neg_overlap
        self.negatives_each, self.loc_weight = p.neg_pos_ratio, p.loc_weight
        self.difficult, self.agnostic = p.use_difficult_gt, p.map_object_to_agnostic
        self.ignore_crossing = p.ignore_cross_boundary_bbox
        self.smooth, self.softmax = p.loc_loss_type == kinds.SMOOTH_L1, p.conf_loss_type == kinds.SOFTMAX
        mining = kinds.MiningType.Name(p.mining_type)
        if p.HasField("do_neg_mining"):                 # the older spelling
            mining = "MAX_NEGATIVE" if p.do_neg_mining else "NONE"
        if mining == "HARD_EXAMPLE" or p.HasField("nms_param"):
            raise UnsupportedError("multibox_loss_param mining_type HARD_EXAMPLE and nms_param cannot be done")
        self.mines = mining == "MAX_NEGATIVE"
        if self.mines and not self.shared:
            raise GraphError("multibox_loss_param mining needs share_location: true")
        if self.softmax and not 0 <= self.background < self.num_classes:
            raise GraphError(f"multibox_loss_param background_label_id {self.background} must be below num_classes "
                             f"{self.num_classes}")
        self.inside_only = p.bp_inside
        self.normalizer = Normalizer(message.loss_param)
        parts = list(message.propagate_down) or [True, True]
        self.with_loc, self.with_conf = parts[0], len(parts) < 2 or parts[1]

    def shapes(self, bottoms):
        loc, conf, prior, objects = bottoms
        count_priors(loc, conf, prior, self.loc_classes, self.num_classes)
        if len(objects) != 4 or objects[:2] != (1, 1) or objects[3] != 8:
            raise ShapeError(f"the objects must have shape (1, 1, G, 8), not {objects}")
        return [()]

    def forward(self, bottoms, params):
        loc, conf, prior, objects = bottoms
        items, n_priors = loc.shape[0], count(prior.shape, 2) // 4
        priors, variances = priors_of(prior)
        loc = loc.astype(np.float64).reshape(items, n_priors, self.loc_classes, 4).transpose(0, 2, 1, 3)
        conf = conf.astype(np.float64).reshape(items, n_priors, self.num_classes)
        matches = loc_loss = conf_loss = 0
        for item in range(items):
            labels, boxes = self._objects(objects, item)
            owners = self._owners(loc[item], priors, variances, labels, boxes)
            targets = np.full(n_priors, self.background)
            for c, (mine, _) in owners.items():
                matched = np.flatnonzero(mine > UNMATCHED)
                matches += len(matched)
                targets[matched] = self.background + 1 if self.agnostic else labels[mine[matched]]
                loc_loss += self._loc_loss(loc[item, c, matched], boxes[mine[matched]], priors[matched],
                                           variances[matched])
            losses = self._conf_losses(conf[item], targets)
            if self.mines:
                losses = losses[self._kept(losses, owners)]
            conf_loss += losses.sum()
        loss = self.with_loc * self.loc_weight * loc_loss + self.with_conf * conf_loss
        return [scalar(loss / self.normalizer(items, n_priors, matches))]

    def _objects(self, objects, item):
        """(labels, boxes) of the objects of an item."""
        rows = objects[0, 0].astype(np.float64)
        rows = rows[(rows[:, 0] == item) & (self.difficult | (rows[:, 7] == 0))]
        labels = rows[:, 1].astype(np.int64)
        if ((labels < 0) | (labels >= self.num_classes)).any() or (labels == self.background).any():
            raise DataError(f"the labels {labels} of item {item}'s objects must be below num_classes "
                            f"{self.num_classes} and not the background, {self.background}")
        return labels, rows[:, 3:7]

    def _owners(self, loc, priors, variances, labels, boxes):
        """{location class: (object of each prior, its largest overlap)}."""
        found = {}
        if not len(labels):
            return found
        for c in range(self.loc_classes):
            if not self.shared and c == self.background:
                continue
            places = priors if self.match_by_prior else decode(loc[c], priors, variances, self.code, self.in_target)
            if self.shared:
                some = np.arange(len(labels))
            else:
                some = np.arange(len(labels)) if self.match_by_prior else np.flatnonzero(labels == c)
            mine, largest = match(boxes[some], places, self.per_prediction, self.overlap, self.ignore_crossing)
            mine = np.where(mine > UNMATCHED, some[mine] if len(some) else UNMATCHED, mine)
            if not self.shared and self.match_by_prior:     # matched among all, then given to the object's own class
                mine = np.where((mine > UNMATCHED) & (labels[mine] != c), UNMATCHED, mine)
            found[c] = mine, largest
        return found

    def _loc_loss(self, codes, objects, priors, variances):
        """The sum over matched priors, of their codes against those of their objects."""
        difference = codes - encode(objects, priors, variances, self.code, self.in_target)
        if self.inside_only:                                # sides that leave the image do not count
            places = priors if self.match_by_prior else decode(codes, priors, variances, self.code, self.in_target)
            difference = np.where((places < 0) | (places > 1), 0, difference)
        d = np.abs(difference / variances if self.in_target else difference)
        return (np.where(d < 1, d * d / 2, d - 0.5) if self.smooth else d * d / 2).sum()

    def _conf_losses(self, conf, targets):
        """The loss of each prior of an item."""
        rows = np.arange(len(targets))
        if self.softmax:
            floor = np.log(np.finfo(np.float32).tiny)
            return -np.maximum(log_softmax(conf[:, :, None])[rows, targets, 0], floor)
        known = (targets != self.background) | (self.mines and 0 <= self.background)    # SSD's: only mining has it as 1
        wanted = np.zeros_like(conf)
        wanted[rows[known], targets[known]] = 1
        return (np.maximum(conf, 0) - conf * wanted + np.log1p(np.exp(-np.abs(conf)))).sum(axis=1)

    def _kept(self, losses, owners):
        """The priors that count: the matched, and of the others the ones with the largest loss."""
        if not owners:
            return np.zeros(0, np.int64)
        (mine, largest), = owners.values()
        matched = np.flatnonzero(mine > UNMATCHED)
        free = np.flatnonzero((mine == UNMATCHED) & (largest < self.negative_overlap))
        worst = free[best_first(losses[free], int(len(matched) * self.negatives_each))]
        return np.concatenate([matched, worst])
