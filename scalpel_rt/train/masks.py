"""What pruning adds to training: weights that stay zero, and mask layers that learn which nodes are redundant.

Weight masks: traditional and SIMD-aware pruning hold their zeros by setting them again after every step of the optimiser.
Mask layers: Scalpel's node pruning (Yu et al., ISCA 2017, section 4.2, with the hyper-parameters of the authors' code).
Both are hooks for :func:`scalpel_rt.train.loop.fit`.
"""

from dataclasses import dataclass

import numpy as np
import torch

from ..errors import GraphError


class WeightMasks:
    """Keeps masked weights at zero. ``masks``: {(layer name, index): bool array of the weight's shape, True = kept}."""

    def __init__(self, module, masks):
        self.module, self.masks = module, {}
        for key, mask in masks.items():
            if key not in module.weights:
                raise GraphError(f"no trainable weight {key[1]} to mask").locate(layer=key[0])
            weight = module.weights[key]
            if tuple(mask.shape) != tuple(weight.shape):
                raise GraphError(f"a mask of shape {tuple(mask.shape)} for a weight of shape {tuple(weight.shape)}").locate(layer=key[0])
            self.masks[key] = torch.from_numpy(np.ascontiguousarray(mask))
        self.after_step(0.0)

    def after_step(self, rate):
        """Set the masked weights to zero again."""
        with torch.no_grad():
            for key, mask in self.masks.items():
                weight = self.module.weights[key]
                if mask.device != weight.device:
                    mask = self.masks[key] = mask.to(weight.device)
                weight.masked_fill_(~mask, 0)


@dataclass(frozen=True)
class NodeSettings:
    """Constants of a mask layer; the defaults are those of the authors' LeNets and ConvNet (NIN: beta_max 0.82)."""

    threshold: float = 0.8
    hysteresis: float = 1e-4
    start: float = 0.8002
    beta_max: float = 0.802


class _Gate(torch.autograd.Function):
    """y = alpha*x; the gradient of alpha goes straight to beta, and x is seen unmasked by it, so a node can come back."""

    @staticmethod
    def forward(ctx, x, beta, alpha):
        shape = (1, -1) + (1,) * (x.dim() - 2)
        ctx.save_for_backward(x, alpha)
        return x * alpha.reshape(shape)

    @staticmethod
    def backward(ctx, grad):
        x, alpha = ctx.saved_tensors
        axes = [d for d in range(x.dim()) if d != 1]
        return grad * alpha.reshape((1, -1) + (1,) * (x.dim() - 2)), (x * grad).sum(axes), None


class NodeMasks:
    """Mask layers behind some nodes of a graph.

    Parameters
    ----------
    module : TorchNet
    places : {name of the layer whose nodes are judged: graph Node behind which its mask stands}
    settings : NodeSettings
    penalty : {layer name: lambda}, the L1 pull on beta: beta loses lambda*rate after each step; a layer that is missing or 0
        has its mask frozen
    dropouts : {Dropout layer name: layer name}: the ratio of the first follows the share of the second's nodes still alive
    """

    def __init__(self, module, places, settings=NodeSettings(), penalty=None, dropouts=None):
        self.settings, self.penalty, self.dropouts = settings, dict(penalty or {}), dict(dropouts or {})
        self.layer_of = {node: name for name, node in places.items()}
        self.alpha, self.beta = {}, {}
        for name, node in places.items():
            n = node.tops[0].shape[1]
            self.alpha[name] = torch.ones(n)
            self.beta[name] = torch.nn.Parameter(torch.full((n,), settings.start), requires_grad=self.penalty.get(name, 0) > 0)

    def parameter_groups(self):
        """The betas that still learn: the module's own rate and momentum, no weight decay."""
        return [{"params": [beta], "lr_mult": 1.0, "weight_decay": 0.0} for beta in self.beta.values() if beta.requires_grad]

    def after(self, node, tensors):
        """Gate the first top of a masked node; rescale dropout where it follows one."""
        name = self.layer_of.get(node)
        if name is None:
            return tensors
        alpha = self.alpha[name]
        if alpha.device != tensors[0].device:
            alpha = self.alpha[name] = alpha.to(tensors[0].device)
            self.beta[name].data = self.beta[name].data.to(alpha.device)
        return [_Gate.apply(tensors[0], self.beta[name], alpha), *tensors[1:]]

    def after_step(self, rate):
        """Pull the betas down, clamp them, and switch nodes by the threshold and its hysteresis."""
        s = self.settings
        with torch.no_grad():
            for name, beta in self.beta.items():
                if not beta.requires_grad:
                    continue
                beta.sub_(self.penalty[name] * rate).clamp_(0, s.beta_max)
                alpha = self.alpha[name]
                alpha[beta > s.threshold + s.hysteresis] = 1
                alpha[beta < s.threshold] = 0
                if not alpha.any():
                    alpha[beta.argmax()] = 1

    def kept(self):
        """{layer name: indices of the nodes that are alive}."""
        return {name: np.flatnonzero(alpha.cpu().numpy()) for name, alpha in self.alpha.items()}

    def dropout_ratio(self, layer_name, ratio):
        """The ratio of a Dropout layer scaled by the share of its nodes still alive."""
        name = self.dropouts.get(layer_name)
        return ratio if name is None else ratio * float(self.alpha[name].mean())

    def state(self):
        """What a checkpoint must hold."""
        return {"alpha": {k: v.cpu() for k, v in self.alpha.items()}, "beta": {k: v.detach().cpu() for k, v in self.beta.items()}}

    def restore(self, state):
        """Go on from a checkpoint."""
        for name in self.alpha:
            self.alpha[name] = state["alpha"][name].to(self.alpha[name].device)
            self.beta[name].data.copy_(state["beta"][name])
