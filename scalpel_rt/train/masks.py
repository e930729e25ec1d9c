"""What pruning adds to training: weights that stay zero, and mask layers that learn which nodes are redundant.

Weight masks: traditional and SIMD-aware pruning hold their zeros by setting them again after every step of the
optimiser. Mask layers: Scalpel's node pruning (Yu et al., ISCA 2017, section 4.2, with the hyper-parameters of the
authors' code). Both are hooks for :func:`scalpel_rt.train.loop.fit`.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch

from ..errors import GraphError
from ..pruning.weights import zero_masks


class WeightMasks:
    """Keeps masked weights at zero. ``masks``: {(layer name, index): bool array of the weight's shape, True = kept}.

    Fewer connections overfit less: the ratio of each Dropout becomes its own times the root of the share that is left
    of the connections into what it drops (Han et al., NIPS 2015, section 3.2).
    """

    def __init__(self, module, masks):
        self.module, self.masks = module, {}
        for key, mask in masks.items():
            if key not in module.weights:
                raise GraphError(f"no trainable weight {key[1]} to mask", layer=key[0])
            weight = module.weights[key]
            if tuple(mask.shape) != tuple(weight.shape):
                raise GraphError(f"a mask of shape {tuple(mask.shape)} for a weight of shape {tuple(weight.shape)}",
                                 layer=key[0])
            self.masks[key] = torch.from_numpy(np.ascontiguousarray(mask)).to(weight.device)
        for node, keys in _connections(module).items():
            left = sum(int(self.masks[key].sum()) if key in self.masks else module.weights[key].numel() for key in keys)
            module.dropout[node] = node.layer.ratio * math.sqrt(left / sum(module.weights[key].numel() for key in keys))
        self.after_step(0.0)

    def to(self, device):
        """Follow the module to a device."""
        self.masks = {key: mask.to(device) for key, mask in self.masks.items()}

    def after_step(self, rate):
        """Set the masked weights to zero again."""
        with torch.no_grad():
            for key, mask in self.masks.items():
                self.module.weights[key].masked_fill_(~mask, 0)


def zeros_held(module):
    """Hooks, one or none, that keep at zero what is zero in the weights of a TorchNet's graph: what was pruned stays
    so in retraining."""
    keys = {param.owner or param: key for node, held in module.keys.items()
            for param, (key, _) in zip(node.params, held, strict=True)}
    masks = {keys[owner]: mask for owner, mask in zero_masks(module.graph).items()}
    return [WeightMasks(module, masks)] if masks else []


def _connections(module):
    """{Dropout node: the keys of the weights that make what it drops}, where there are any."""
    made, found = {}, {}
    for node in module.graph.nodes:
        behind = set().union(*(made.get(blob, ()) for blob in node.bottoms))
        if node.type == "Dropout" and behind:
            found[node] = behind
        key, shape = (module.keys.get(node) or [(None, ())])[0]
        made.update(dict.fromkeys(node.tops, {key} if key in module.weights and len(shape) > 1 else behind))
    return found


@dataclass(frozen=True)
class NodeSettings:
    """Constants of mask layers; the defaults are those of the authors' LeNets and ConvNet.

    threshold, hysteresis : a node is switched off when beta falls below the first, on when it exceeds their sum
    start, beta_max : where beta begins, and the most that it can be (NIN: 0.802 and 0.82; AlexNet: 0.802 and 0.81)
    """

    threshold: float = 0.8
    hysteresis: float = 1e-4
    start: float = 0.8002
    beta_max: float = 0.802


class _Gate(torch.autograd.Function):
    """y = alpha*x along an axis. The gradient of alpha goes straight to beta, and x is seen unmasked by it, so that a
    node can come back."""

    @staticmethod
    def forward(ctx, x, beta, alpha, axis):
        alpha = alpha.reshape([-1 if i == axis else 1 for i in range(x.dim())])
        ctx.save_for_backward(x, alpha)
        ctx.axis = axis
        return x * alpha

    @staticmethod
    def backward(ctx, grad):
        x, alpha = ctx.saved_tensors
        return grad * alpha, (x * grad).sum([i for i in range(x.dim()) if i != ctx.axis]), None, None


class NodeMasks:
    """Mask layers for the nodes of a graph.

    A mask stands in front of each layer whose weights sum over channels, behind all activations, pooling,
    normalisation and joins in between: there, what a mask switches off is exactly what removing the node takes away.
    Nodes that must live and die together (:mod:`scalpel_rt.pruning.couple`) share one alpha and one beta.

    Parameters
    ----------
    module : TorchNet
    coupling : Coupling of the module's graph
    penalty : {layer name: lambda}
        The L1 pull on the betas of a layer's nodes: they lose lambda*rate after each step. Nodes of layers that are
        missing or 0, or that cannot be removed, are left alone.
    settings : NodeSettings

    While masks are learnt, the ratio of a Dropout is what it was times the share of what runs through it still alive.

    alpha : float tensor (classes,), 1 = on; beta : Parameter (classes,)
    """

    def __init__(self, module, coupling, penalty, settings=NodeSettings()):
        self.module, self.coupling, self.settings = module, coupling, settings
        pull = np.zeros(coupling.size, np.float32)
        for name, strength in penalty.items():
            classes = coupling.makers[name]
            pull[classes] = np.maximum(pull[classes], strength)
        pull[list(coupling.pinned)] = 0
        self.pull = torch.from_numpy(pull)
        self.alpha = torch.ones(coupling.size)
        self.beta = torch.nn.Parameter(torch.full((coupling.size,), settings.start))
        self._gates = {node: (axis, torch.from_numpy(classes)) for node, (axis, classes) in coupling.reads.items()
                       if pull[classes].any()}
        self._dropouts = {node: torch.from_numpy(coupling.blobs[node.bottoms[0]][1]) for node in coupling.graph.nodes
                          if node.type == "Dropout"}
        self._ratios = {node: module.dropout.get(node, node.layer.ratio) for node in self._dropouts}
        self._needs = [torch.from_numpy(classes) for classes in coupling.needs()]
        self._follow()

    def to(self, device):
        """Follow the module to a device. Beta is another Parameter then: an optimiser must be made after this."""
        self.alpha, self.pull = self.alpha.to(device), self.pull.to(device)
        self.beta = torch.nn.Parameter(self.beta.detach().to(device))
        self._gates = {node: (axis, classes.to(device)) for node, (axis, classes) in self._gates.items()}
        self._dropouts = {node: classes.to(device) for node, classes in self._dropouts.items()}
        self._needs = [classes.to(device) for classes in self._needs]

    def parameter_groups(self):
        """The betas: the module's own rate and momentum, no weight decay."""
        return [{"params": [self.beta], "lr_mult": 1.0, "weight_decay": 0.0}]

    def before(self, node, tensors):
        """Gate what a layer reads."""
        if node not in self._gates:
            return tensors
        axis, classes = self._gates[node]
        return [_Gate.apply(x, self.beta[classes], self.alpha[classes], axis) for x in tensors]

    def after_step(self, rate):
        """Pull the betas down, clamp them, and switch nodes by the threshold and its hysteresis."""
        s, free = self.settings, self.pull > 0
        with torch.no_grad():
            self.beta.sub_(self.pull * rate).clamp_(0, s.beta_max)
            self.alpha[free & (self.beta > s.threshold + s.hysteresis)] = 1
            self.alpha[free & (self.beta < s.threshold)] = 0
            for classes in self._needs:
                if not self.alpha[classes].any():
                    self.alpha[classes[self.beta[classes].argmax()]] = 1
        self._follow()

    def gone(self):
        """The classes that are switched off, bool array (classes,)."""
        return self.alpha.cpu().numpy() == 0

    def kept(self):
        """{layer name: how many of its nodes are on}."""
        gone = self.gone()
        return {name: int(np.count_nonzero(~gone[classes])) for name, classes in self.coupling.makers.items()}

    def state(self):
        """What a checkpoint must hold."""
        return {"alpha": self.alpha.cpu(), "beta": self.beta.detach().cpu()}

    def restore(self, state):
        """Go on from a checkpoint."""
        self.alpha = state["alpha"].to(self.alpha.device)
        self.beta.data.copy_(state["beta"])
        self._follow()

    def _follow(self):
        """Let the ratios of dropout follow the nodes that are alive."""
        for node, classes in self._dropouts.items():
            self.module.dropout[node] = self._ratios[node] * float(self.alpha[classes].mean())
