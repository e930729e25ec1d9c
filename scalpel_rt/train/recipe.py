"""How to train: the few numbers that a run is made of, and where Caffe's solver files say the same."""

import math
from dataclasses import asdict, dataclass, replace

from ..errors import OptionsError

SCHEDULES = ("fixed", "step", "multistep", "inv", "poly", "cosine")
AUGMENTATIONS = ("none", "shift", "flip", "flip-shift", "flip-crop")
LOSSES = ("softmax", "euclidean")
PRECISIONS = ("float32", "bf16")
MAX_SEED = 2**48        # torch takes 64 bits, and each epoch makes a seed of its own


@dataclass(frozen=True)
class Recipe:
    """Stochastic gradient descent with momentum, as Caffe and Scalpel's authors use it.

    epochs, batch : passes over the data, samples a step
    lr, momentum, weight_decay, nesterov : of the optimiser; a layer's ``lr_mult`` and ``decay_mult`` multiply
    schedule : "fixed", "step" (times ``gamma`` every ``steps[0]`` epochs), "multistep" (times ``gamma`` at each of
        ``steps``), "inv" (times (1 + ``gamma`` * epoch) ** -``power``), "poly" (to 0, times the share of epochs that
        is left, to the ``power``) or "cosine" (to 0)
    warmup : epochs during which the rate rises from 0
    augment : "none", "shift" (up to 2 pixels), "flip" (left-right), "flip-shift" (both), or "flip-crop" (flip, and a
        shift of up to 4 pixels)
    crop : where not 0, the first three quarters of the epochs see random windows of so many pixels a side instead of
        whole images; cheaper, for nets that end in a global pooling
    precision : "float32", or "bf16": products and convolutions in bfloat16 (torch's autocast), weights and updates in
        float32; about twice as fast where the CPU has bfloat16
    loss : "softmax" or "euclidean", applied to the blob ``scores`` (default: the net's last layer, without a Softmax)
    seed : of the order of samples, the augmentation and dropout
    """

    epochs: float = 10
    batch: int = 128
    lr: float = 0.01
    momentum: float = 0.9
    weight_decay: float = 1e-4
    nesterov: bool = False
    schedule: str = "fixed"
    steps: tuple = ()
    gamma: float = 0.1
    power: float = 0.75
    warmup: float = 0
    augment: str = "none"
    crop: int = 0
    precision: str = "float32"
    loss: str = "softmax"
    scores: str = ""
    seed: int = 1

    def __post_init__(self):
        for name in ("epochs", "lr", "momentum", "weight_decay", "gamma", "power", "warmup"):
            value = getattr(self, name)
            if not (_is_number(value) and value >= 0):
                raise OptionsError(f"{name} must be a number of at least 0, not {value!r}")
        for name, least in (("batch", 1), ("crop", 0)):
            value = getattr(self, name)
            if not (isinstance(value, int) and value >= least):
                raise OptionsError(f"{name} must be a whole number of at least {least}, not {value!r}")
        if not (isinstance(self.seed, int) and 0 <= self.seed < MAX_SEED):
            raise OptionsError(f"seed must be a whole number from 0 to {MAX_SEED - 1}, not {self.seed!r}")
        if not (isinstance(self.steps, (tuple, list)) and all(_is_number(s) and s > 0 for s in self.steps)):
            raise OptionsError(f"steps must be numbers above 0, in epochs, not {self.steps!r}")
        for name, legal in (("schedule", SCHEDULES), ("augment", AUGMENTATIONS), ("loss", LOSSES),
                            ("precision", PRECISIONS)):
            if getattr(self, name) not in legal:
                raise OptionsError(f"{name} must be one of {', '.join(legal)}, not {getattr(self, name)!r}")
        if self.schedule == "step" and len(self.steps) != 1:
            raise OptionsError(f"schedule step needs one number in steps, not {len(self.steps)}; multistep takes more")
        if self.schedule == "multistep" and not self.steps:
            raise OptionsError("schedule multistep needs steps")

    def rate(self, epoch):
        """Learning rate at a (fractional) epoch."""
        if epoch < self.warmup:
            return self.lr * (epoch / self.warmup)
        if self.schedule == "step":
            return self.lr * self.gamma ** int(epoch // self.steps[0])
        if self.schedule == "multistep":
            return self.lr * self.gamma ** sum(epoch >= s for s in self.steps)
        if self.schedule == "inv":
            return self.lr * (1 + self.gamma * epoch) ** -self.power
        done = min((epoch - self.warmup) / max(self.epochs - self.warmup, 1e-9), 1)
        if self.schedule == "poly":
            return self.lr * (1 - done) ** self.power
        if self.schedule == "cosine":
            return self.lr * 0.5 * (1 + math.cos(math.pi * done))
        return self.lr

    def but(self, **changes):
        """A copy with other numbers."""
        return replace(self, **changes)

    def as_dict(self):
        """Plain types, for logs and cards."""
        return asdict(self)


def stored(held):
    """What :meth:`Recipe.as_dict` gave when a file was written; options that came later are at their defaults."""
    return {**Recipe().as_dict(), **held}


def from_solver(solver, samples, batch):
    """The Recipe that a Caffe ``SolverParameter`` says, for a training set of ``samples`` in batches of ``batch``.

    Caffe counts iterations, a Recipe epochs. What has no counterpart here (another optimiser, an ``exp`` or ``sigmoid``
    policy, gradient clipping, L1 regularisation) raises OptionsError rather than train something else.
    """
    kind = _kind(solver)
    if kind not in ("SGD", "Nesterov"):
        raise OptionsError(f"solver type {kind} is not offered; SGD and Nesterov are")
    if solver.regularization_type not in ("", "L2"):
        raise OptionsError(f"regularization_type {solver.regularization_type} is not offered; L2 is")
    if solver.clip_gradients > 0:
        raise OptionsError("clip_gradients is not offered")
    policy = solver.lr_policy or "fixed"
    if policy not in ("fixed", "step", "multistep", "inv", "poly"):
        raise OptionsError(f"lr_policy {policy} is not offered; fixed, step, multistep, inv and poly are")
    for name in ("max_iter", "base_lr"):
        if not getattr(solver, name) > 0:
            raise OptionsError(f"{name} must be above 0, not {getattr(solver, name)}: nothing would be trained")
    steps = {"step": [solver.stepsize], "multistep": solver.stepvalue}.get(policy, ())
    if policy in ("step", "multistep") and not (steps and min(steps) > 0):
        raise OptionsError(f"lr_policy {policy} needs a {'stepsize' if policy == 'step' else 'stepvalue'} above 0")
    batch *= max(solver.iter_size, 1)
    per_epoch = samples / batch
    return Recipe(epochs=solver.max_iter / per_epoch, batch=batch, lr=solver.base_lr, momentum=solver.momentum,
                  weight_decay=solver.weight_decay, nesterov=kind == "Nesterov", schedule=policy,
                  steps=tuple(s / per_epoch for s in steps), power=solver.power,
                  gamma=solver.gamma * per_epoch if policy == "inv" else solver.gamma,
                  seed=max(int(solver.random_seed), 0))


def _is_number(value):
    return isinstance(value, (int, float)) and math.isfinite(value)


def _kind(solver):
    """The name of the optimiser; files of 2015 and before say it as an enum, never both ways (Caffe's upgrade)."""
    if not solver.HasField("solver_type"):
        return solver.type or "SGD"
    if solver.HasField("type"):
        raise OptionsError("the solver names its optimiser twice, as type and, the old way, as solver_type")
    return ("SGD", "Nesterov", "AdaGrad", "RMSProp", "AdaDelta", "Adam")[solver.solver_type]
