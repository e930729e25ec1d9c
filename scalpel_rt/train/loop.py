"""The training loop: one module, one data set, one recipe; resumable, seeded, silent (progress goes to a callback)."""

import io
import pickle
import struct
import time
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from ..errors import DataError, FormatError, GraphError, OptionsError, ShapeError
from ..files import atomic_write
from ..graph import reshape
from .recipe import stored


def fit(module, data, recipe, *, test=None, hooks=(), progress=None, checkpoint=None, device="cpu"):
    """Train ``module`` (a :class:`~scalpel_rt.train.to_torch.TorchNet`) in place.

    Parameters
    ----------
    data, test : Dataset; ``test``, where given, is scored after every epoch
    recipe : Recipe
    hooks : objects that take part in training, with any of ``to(device)``, ``parameter_groups()``,
        ``before(node, tensors)``, ``after_step(rate)``, ``state()`` and ``restore(state)``: weight masks and mask
        layers (:mod:`scalpel_rt.train.masks`)
    progress : called with the log row after each epoch, and every half second within it with ``{"epoch": float}``
    checkpoint : path; written after each epoch (to the side, then renamed), and read to go on after a kill with the
        same result; OptionsError where another recipe made it
    device : "cpu", "cuda" …

    Returns the log, a list of dicts: epoch, loss, rate, seconds and, with ``test``, accuracy (percent).
    """
    device = _device(device)
    module.to(device)
    for hook in hooks:
        getattr(hook, "to", lambda device: None)(device)
    source, target = ends(module.graph, recipe, data, test)
    optimiser = torch.optim.SGD(_groups(module, recipe, hooks), lr=0.0 if recipe.warmup else recipe.lr,
                                momentum=recipe.momentum, nesterov=recipe.nesterov and recipe.momentum > 0)
    log, order_seed = _resume(module, optimiser, recipe, hooks, checkpoint), recipe.seed
    per_epoch, low = -(-len(data) // recipe.batch), recipe.precision == "bf16"
    for epoch in range(len(log), int(np.ceil(recipe.epochs))):
        rng = np.random.default_rng((order_seed, epoch))
        torch.manual_seed(order_seed * 10007 + epoch)
        module.train()
        started, shown, total, seen = time.perf_counter(), time.perf_counter(), 0.0, 0
        for step, (x, y) in enumerate(data.batches(recipe.batch, rng.permutation(len(data)))):
            now = epoch + step / per_epoch
            if now >= recipe.epochs:
                break
            rate = recipe.rate(now)
            for group in optimiser.param_groups:
                group["lr"] = rate * group["lr_mult"]
            x = augment(x, recipe.augment, rng, recipe.crop if now < 0.75 * recipe.epochs else 0)
            x, y = _tensor(x, device), _tensor(y, device)
            if x.dim() == 4 and x.shape[1] > 1:     # torch's convolutions are faster with channels last
                x = x.contiguous(memory_format=torch.channels_last)
            with torch.autocast(device.type, torch.bfloat16, enabled=low):
                scores = _run(module, {source: x}, hooks)[target]
            loss = _loss(scores.float(), y, recipe.loss)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            for hook in hooks:
                getattr(hook, "after_step", lambda rate: None)(rate)
            total, seen = total + float(loss.detach()) * len(x), seen + len(x)
            if progress is not None and time.perf_counter() - shown > 0.5:
                shown = time.perf_counter()
                progress({"epoch": now, "loss": total / seen})
        if not np.isfinite(total):
            raise GraphError(f"training diverged in epoch {epoch + 1}: the loss is {total / max(seen, 1)}; "
                             "a lower rate may help")
        row = {"epoch": epoch + 1, "loss": total / max(seen, 1), "rate": rate, "seconds": time.perf_counter() - started}
        if test is not None:
            row["accuracy"] = accuracy(module, test, recipe, hooks=hooks, device=device)
        log.append(row)
        if checkpoint is not None:
            whole, states = io.BytesIO(), [hook.state() for hook in hooks if hasattr(hook, "state")]
            torch.save({"recipe": recipe.as_dict(), "module": module.state_dict(), "log": log,
                        "optimiser": optimiser.state_dict(), "hooks": states}, whole)
            with atomic_write(checkpoint) as file:
                file.write(whole.getbuffer())
        if progress is not None:
            progress(row)
    module.eval()
    return log


def accuracy(module, data, recipe, *, hooks=(), device="cpu", batch=500):
    """Percent of samples whose greatest output is their label (dropout off, BatchNorm's stored statistics)."""
    source, target = _ends(module.graph, recipe)
    module.eval()
    right = 0
    with torch.no_grad():
        for x, y in data.batches(batch):
            scores = _run(module, {source: _tensor(x, device)}, hooks)[target]
            right += int((scores.flatten(1).argmax(1).cpu().numpy() == y).sum())
    return 100.0 * right / len(data)


def augment(x, kind, rng, crop=0):
    """A batch (N, C, H, W) changed at random in the way that ``Recipe.augment`` names, windows of ``crop`` pixels."""
    if kind == "none" and not crop:
        return x
    n, _, h, w = x.shape
    if kind.startswith("flip"):
        x = np.where(rng.random(n)[:, None, None, None] < 0.5, x[:, :, :, ::-1], x)
    pad = 0 if crop else {"shift": 2, "flip-shift": 2, "flip-crop": 4}.get(kind, 0)
    if crop or pad:
        padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, (crop or h, crop or w), axis=(2, 3))
        dy, dx = (rng.integers(0, places, n) for places in windows.shape[2:4])
        x = windows[np.arange(n), :, dy, dx]
    return np.ascontiguousarray(x)


def _run(module, feed, hooks):
    around = [hook.before for hook in hooks if hasattr(hook, "before")]

    def before(node, tensors):
        for f in around:
            tensors = f(node, tensors)
        return tensors

    return module(feed, before if around else None)


def ends(graph, recipe, *parts):
    """Names of the input to feed and of the blob to judge: a closing Softmax is taken off.

    GraphError or OptionsError for a net or a recipe without them; ShapeError or DataError where one of ``parts``,
    data sets or None, is not for this net.
    """
    source, target = _ends(graph, recipe)
    for part in parts:
        if part is not None:
            _check_data(graph, part, target, recipe)
    return source, target


def _ends(graph, recipe):
    if len(graph.inputs) != 1:
        names = ", ".join(blob.name for blob in graph.inputs)
        raise GraphError(f"training wants a net with one input, not {names or 'none'}")
    if recipe.scores:
        if recipe.scores not in graph.final_blobs():
            raise OptionsError(f"the net has no blob {recipe.scores!r} to judge")
        return graph.inputs[0].name, recipe.scores
    last = graph.nodes[-1]
    blob = last.bottoms[0] if last.type == "Softmax" and recipe.loss == "softmax" else last.tops[0]
    return graph.inputs[0].name, blob.name


def _check_data(graph, data, target, recipe):
    """ShapeError or DataError for data that the net cannot take."""
    want = graph.inputs[0].shape[1:]
    if data.shape != want:
        raise ShapeError(f"{data.name}: samples of shape {data.shape}, but input {graph.inputs[0].name!r} takes {want}")
    if recipe.crop:
        _check_crop(graph, want, recipe.crop)
    scores = next(blob.shape for blob in graph.final_blobs().values() if blob.name == target)[1:]
    if recipe.loss == "softmax":
        if data.labels.ndim != 1 or data.labels.dtype.kind not in "iu":
            raise DataError(f"{data.name}: labels of {data.labels.dtype}, shape {data.labels.shape}; "
                            "the loss softmax takes one whole number for each sample")
        low, high, classes = data.labels.min(), data.labels.max(), int(np.prod(scores))
        if low < 0 or high >= classes:
            raise DataError(f"{data.name}: labels from {low} to {high}, but blob {target!r} has {classes} classes")
    elif int(np.prod(data.labels.shape[1:])) != int(np.prod(scores)):
        raise ShapeError(f"{data.name}: answers of shape {data.labels.shape[1:]}, but blob {target!r} has {scores}")


def _check_crop(graph, shape, crop):
    """OptionsError or ShapeError where the net cannot run on windows of so many pixels."""
    if len(shape) != 3 or crop > min(shape[1:]):
        raise OptionsError(f"windows of {crop} pixels cannot be cut from samples of {shape}")
    name = graph.inputs[0].name
    reshape(graph, {name: (graph.inputs[0].shape[0], shape[0], crop, crop)})


def _loss(scores, y, kind):
    if kind == "softmax":
        return functional.cross_entropy(scores.flatten(1), y)
    return ((scores - y.reshape(scores.shape)) ** 2).sum() / (2 * len(scores))


def _groups(module, recipe, hooks):
    """Parameter groups with each layer's own lr_mult and decay_mult, as its prototxt gives them."""
    specs = {node.name: node.layer.message.param for node in module.graph.nodes}
    groups = []
    for (name, index), weight in module.weights.items():
        spec = specs[name][index] if index < len(specs[name]) else None
        groups.append({"params": [weight], "lr_mult": spec.lr_mult if spec is not None else 1.0,
                       "weight_decay": recipe.weight_decay * (spec.decay_mult if spec is not None else 1.0)})
    for hook in hooks:
        groups += getattr(hook, "parameter_groups", list)()
    return groups


def _device(name):
    try:
        device = torch.device(name)
    except RuntimeError as e:
        raise OptionsError(f"no such device: {name}") from e
    if device.type == "meta":
        raise OptionsError("device meta holds no numbers, so nothing can be trained there")
    if device.type == "cuda" and not torch.cuda.is_available():
        raise OptionsError("device cuda asked for, but torch sees no CUDA device here")
    return device


def _tensor(array, device):
    return torch.as_tensor(np.ascontiguousarray(array)).to(device)


def _resume(module, optimiser, recipe, hooks, checkpoint):
    if checkpoint is None or not Path(checkpoint).exists():
        return []
    try:
        held = torch.load(checkpoint, map_location="cpu", weights_only=True)    # the device it was made on may be gone
    except (pickle.UnpicklingError, struct.error, RuntimeError, EOFError, ValueError, LookupError, TypeError,
            AttributeError, AssertionError, OverflowError) as error:
        raise FormatError(f"is no checkpoint of a training run: {error}", file=str(checkpoint)) from error
    parts = {"recipe", "module", "optimiser", "hooks", "log"}
    if not isinstance(held, dict) or not parts <= held.keys() or not isinstance(held["recipe"], dict):
        raise FormatError("is no checkpoint of a training run", file=str(checkpoint))
    then = stored(held["recipe"])
    other = ", ".join(f"{name} {then[name]} instead of {now}" for name, now in recipe.as_dict().items()
                      if then[name] != now)
    if other:
        raise OptionsError(f"holds a run with {other}; choose another file, or remove it", file=str(checkpoint))
    try:
        module.load_state_dict(held["module"])
        optimiser.load_state_dict(held["optimiser"])
        # Those without a state of their own left an empty one in older checkpoints, and nothing in those before them.
        for hook, state in zip([h for h in hooks if hasattr(h, "state")], filter(None, held["hooks"]), strict=True):
            hook.restore(state)
        for hook in hooks:
            getattr(hook, "after_step", lambda rate: None)(0.0)     # what the checkpoint trained may have to be held
    except (RuntimeError, ValueError, KeyError, TypeError, AttributeError) as error:
        said = " ".join(str(error).split())
        raise FormatError(f"is a checkpoint of another net: {said}", file=str(checkpoint)) from error
    return held["log"]
