"""Prune a little, retrain, prune more: until the accuracy budget is spent, then one step back.

Source of the scheme: Han et al., NIPS 2015 (iterative pruning with retraining), and Yu et al., ISCA 2017, whose
stages of rising thresholds and penalties these are.
"""

import inspect
import json
import math
import numbers
import time
import zlib
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from ..caffe import read_compact
from ..errors import FormatError, OptionsError, ShapeError
from ..files import atomic_write
from ..graph import build, reshape
from ..graph.save import save_compact
from ..train.loop import accuracy, ends, fit
from ..train.masks import NodeMasks, NodeSettings, zeros_held
from ..train.recipe import Recipe, stored
from ..train.to_torch import TorchNet, from_torch
from . import magnitude, nodes, simd
from .couple import couple
from .remove import NO_LIMITS, parts_of, remove
from .sizes import measure
from .weights import apply_masks, check_finite, check_layer

WEIGHTS = {"magnitude": magnitude, "simd": simd}
METHODS = (*WEIGHTS, "nodes")
WAYS = ("sparsity", "threshold", "quality")


@dataclass(frozen=True)
class Stage:
    """One turn.

    method : "magnitude", "simd" or "nodes"
    options : dict
        Those of :func:`scalpel_rt.pruning.magnitude.masks` or :func:`scalpel_rt.pruning.simd.masks`. For nodes those
        of :func:`scalpel_rt.pruning.nodes.prune`, or, to learn on the data which are redundant: ``penalty`` (a number
        for all layers that can lose nodes, or {layer: number}; the L1 pull of
        :class:`~scalpel_rt.train.masks.NodeMasks`) and ``settings`` (a dict of
        :class:`~scalpel_rt.train.masks.NodeSettings`).
    recipe : Recipe, optional
        For retraining after it; default that of the run.
    learn : Recipe, optional
        For learning masks; default that for retraining.
    ladder : str
        Stages of one ladder go ever further. When one fails, the rest of its ladder is left out.
    budget : float, optional
        Points of accuracy below the dense net's that are allowed after it; default that of the run.
    """

    method: str
    options: dict = field(default_factory=dict)
    recipe: Recipe = None
    learn: Recipe = None
    ladder: str = ""
    budget: float = None

    def __post_init__(self):
        if self.method not in METHODS:
            raise OptionsError(f"a stage's method is one of {', '.join(METHODS)}, not {self.method!r}")

    @property
    def learns(self):
        """Whether masks are learnt."""
        return self.method == "nodes" and "penalty" in self.options

    def epochs(self, recipe):
        """Of learning and retraining together, for a run with ``recipe``."""
        own = self.recipe or recipe
        return own.epochs + ((self.learn or own).epochs if self.learns else 0)


@dataclass(frozen=True, eq=False)
class Result:
    """What a run gave: the net of the last stage that held (or the one given), its accuracy and the dense one's
    (percent on the test data, None without), and a list of dicts, one for each stage."""

    graph: object
    accuracy: float
    dense_accuracy: float
    log: list


def rising(method, target, stages, ladder="", way="sparsity", **options):
    """Stages of a sparsity that rises to ``target``, in steps that become smaller: s = target*(1 - (1 - i/n)^3).

    ``target`` is a number or {layer: number}. ``way`` may also be "threshold" or, for magnitude, "quality". Nodes
    that are gone do not count any more: each of their stages asks for a share of those that are left, rounded down,
    so that up to a node a stage and layer may stay beyond the target. ``options`` are those of a :class:`Stage`
    (recipe, budget ...) and of its method. Source of the curve: Zhu and Gupta, "To prune, or not to prune", 2017.
    """
    if way not in WAYS:
        raise OptionsError(f"what rises is one of {', '.join(WAYS)}, not {way!r}")
    for layer, number in target.items() if isinstance(target, dict) else ((None, target),):
        if not isinstance(number, numbers.Real) or not 0 < number < (1 if way == "sparsity" else math.inf):
            within = "in (0, 1)" if way == "sparsity" else "a number above 0"
            raise OptionsError(f"the {way} to reach must be {within}, not {number!r}", layer=layer)

    def at(number, i):
        reached, before = (number * (1 - (1 - j / stages) ** 3) for j in (i, i - 1))
        return float(f"{(reached - before) / (1 - before) if method == 'nodes' else reached:.9g}")

    own = {name: options.pop(name) for name in ("recipe", "learn", "budget") if name in options}
    return [Stage(method, {way: {layer: at(number, i) for layer, number in target.items()} if isinstance(target, dict)
                           else at(target, i), **options}, ladder=ladder, **own)
            for i in range(1, stages + 1)]


def prune_and_retrain(graph, data, stages, *, recipe, test=None, budget=None, folder=None, progress=None, device="cpu"):
    """Carry out ``stages`` on a copy of ``graph``, one after the other.

    Parameters
    ----------
    graph : Graph
        Trained.
    data, test : Dataset
        To retrain on, and to judge by.
    stages : list of Stage
    recipe : Recipe
        For retraining, where a stage has none of its own.
    budget : float, optional
        Points (of percent) that the accuracy on ``test`` may lie below that of ``graph``. A stage after which it lies
        lower is undone, and the rest of its ladder left out. Without, all stages are kept.
    folder : path, optional
        Where to keep the state: each stage's net, and checkpoints within stages. A run that was killed goes on there,
        with the same result as if it had not been.
    progress : callable, optional
        Called with a dict: stage, stages, what ("learn" or "retrain"), epoch, loss, left (seconds; None while
        unknown), and, after an epoch, accuracy; after each stage with its log row as ``row``.
    device : str
        For torch.

    Returns a :class:`Result`. Weights that are zero in ``graph``, or that a stage made so, stay zero in all that
    follows. Before anything is trained, raises OptionsError for options that do not fit or a folder that holds another
    run, ShapeError or DataError for data that the net cannot take, WeightsError for a NaN or an infinity in its
    parameters; later GraphError when training diverges.
    """
    return _Run(graph, data, list(stages), recipe, test, budget, folder, progress, device).all()


def check(graph, stage):
    """OptionsError for a stage that would be none for this graph; what earlier stages change is not foreseen."""
    options = dict(stage.options)
    if stage.learns:
        able = ["penalty", "settings", "approximate"]
    else:
        able = list(inspect.signature(WEIGHTS.get(stage.method, nodes).check).parameters)[1:]
        able += ["approximate"] if stage.method == "nodes" else []
    for name in options:
        if name not in able:
            raise OptionsError(f"a stage of {stage.method}{' that learns' if stage.learns else ''} has no option "
                               f"{name!r}; it takes {', '.join(able)}")
    if stage.method != "nodes":
        WEIGHTS[stage.method].check(graph, **options)
        return
    coupling = couple(graph, options.pop("approximate", False))
    if not stage.learns:
        nodes.check(coupling, **options)
        return
    NodeSettings(**options.get("settings", {}))
    penalty = options["penalty"] if isinstance(options["penalty"], dict) else {None: options["penalty"]}
    for layer, strength in penalty.items():
        if layer is not None:
            check_layer(layer, coupling.makers, graph, "nodes that can be removed")
        if not isinstance(strength, numbers.Real) or not 0 <= strength < math.inf:
            raise OptionsError(f"a penalty must be a number of at least 0, not {strength!r}", layer=layer)


class _Run:
    def __init__(self, graph, data, stages, recipe, test, budget, folder, progress, device):
        self.graph, self.data, self.stages, self.recipe = graph, data, stages, recipe
        self.test, self.budget, self.progress, self.device = test, budget, progress, device
        self.folder = None if folder is None else Path(folder)
        self.log, self.dense, self.best = [], None, None
        self.seconds = []       # of each epoch so far
        self.number = 0

    def all(self):
        """Every stage that is still to do."""
        self._check()
        if self.folder is not None:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._resume()
        if self.dense is None:
            self.dense = self._accuracy(TorchNet(self.graph))
            self._save_state()
        self.best = next((row["accuracy"] for row in reversed(self.log) if row["accepted"]), self.dense)
        for number in range(len(self.log), len(self.stages)):
            self.number, stage = number, self.stages[number]
            if any(row["ladder"] == stage.ladder and not row["accepted"] for row in self.log):
                row = {**self._about(stage), "accuracy": None, "accepted": False, "skipped": True}
            else:
                graph, row = self._stage(stage)
                if row["accepted"]:
                    self.graph, self.best = graph, row["accuracy"]
                    if self.folder is not None:
                        save_compact(graph, self.folder / f"stage-{self.number + 1}.safetensors")
            self.log.append(row)
            self._save_state()
            self._tell(row=row)
        return Result(self.graph, self.best, self.dense, self.log)

    def _check(self):
        """The errors that can be told before anything is trained."""
        if not self.graph.ready:
            raise ShapeError("the net has no parameters yet: the shape of an input is unknown; reshape it first")
        check_finite(self.graph)
        for budget in (self.budget, *(stage.budget for stage in self.stages)):
            if budget is None:
                continue
            if not isinstance(budget, numbers.Real) or not 0 <= budget < math.inf:
                raise OptionsError(f"an accuracy budget must be a number of points of at least 0, not {budget!r}")
            if self.test is None:
                raise OptionsError("an accuracy budget needs test data to judge by")
        recipes = [self.recipe, *(own for stage in self.stages for own in (stage.recipe, stage.learn) if own)]
        for recipe in recipes:
            ends(self.graph, recipe, self.data, self.test)
        for stage in self.stages:
            check(self.graph, stage)

    def _stage(self, stage):
        """(graph, log row) after pruning and retraining."""
        started = time.perf_counter()
        graph = self._pruned(stage)
        if graph is None:
            return self.graph, {**self._about(stage), "accuracy": self.best, "accepted": True, "skipped": True}
        module = TorchNet(graph)
        before = self._accuracy(module)
        self._fit("retrain", module, stage.recipe or self.recipe, zeros_held(module))
        graph = from_torch(graph, module)
        after = self._accuracy(module)
        budget = self.budget if stage.budget is None else stage.budget
        layers, total = measure(graph)
        row = {**self._about(stage), "accuracy_before_retraining": before, "accuracy": after,
               "accepted": budget is None or after >= self.dense - budget - 1e-9,
               "weights": total.weights, "nonzeros": total.nonzeros, "bytes": total.bytes,
               "layers": {name: asdict(size) for name, size in layers.items()},
               "seconds": time.perf_counter() - started}
        return graph, row

    def _pruned(self, stage):
        """The graph before retraining; None where nothing was found to prune."""
        if stage.method == "nodes":
            return self._learnt(stage) if stage.learns else nodes.prune(self.graph, **stage.options)
        options = dict(stage.options)
        if "layers" in options:     # an earlier stage may have split one
            options["layers"] = [part for name in options["layers"] for part in parts_of(self.graph, name)]
        return apply_masks(self.graph, WEIGHTS[stage.method].masks(self.graph, **options))

    def _learnt(self, stage):
        """The graph without the nodes that training with mask layers found redundant, None when it found none."""
        coupling = couple(self.graph, stage.options.get("approximate", False))
        penalty = stage.options["penalty"]
        if not isinstance(penalty, dict):
            penalty = {name: penalty for name, classes in coupling.makers.items()
                       if nodes.removable(coupling, classes).any()}
        penalty = {part: strength for name, strength in penalty.items() for part in parts_of(self.graph, name)}
        module = TorchNet(self.graph)
        masks = NodeMasks(module, coupling, penalty, NodeSettings(**stage.options.get("settings", {})))
        self._fit("learn", module, stage.learn or stage.recipe or self.recipe, [*zeros_held(module), masks])
        if not masks.gone().any():
            return None
        return remove(couple(from_torch(self.graph, module), stage.options.get("approximate", False)), masks.gone())

    def _fit(self, what, module, recipe, hooks):
        checkpoint = self.folder and self.folder / f"stage-{self.number + 1}.{what}.checkpoint"

        def tell(row):
            if "seconds" in row:
                self.seconds.append(row["seconds"])
            self._tell(what=what, **row)

        self._tell(what=what, epoch=0)
        fit(module, self.data, recipe, test=self.test, hooks=hooks, progress=tell, checkpoint=checkpoint,
            device=self.device)
        module.to("cpu")

    def _accuracy(self, module):
        return None if self.test is None else accuracy(module, self.test, self.recipe, device="cpu")

    def _about(self, stage):
        return {"stage": self.number + 1, "method": stage.method, "options": stage.options, "ladder": stage.ladder}

    def _tell(self, **row):
        if self.progress is None:
            return
        left = None
        if self.seconds:
            epochs = sum(stage.epochs(self.recipe) for stage in self.stages[self.number:]) - row.get("epoch", 0)
            left = max(epochs, 0) * float(np.mean(self.seconds[-20:]))
        self.progress({"stage": self.number + 1, "stages": len(self.stages), "left": left, **row})

    # -- going on after a kill ---------------------------------------------------------------------------------

    def _plan(self):
        """What makes a run the same run."""
        weights_sum = 0
        for node in self.graph.nodes:
            for param in node.params:
                weights_sum = zlib.crc32(np.ascontiguousarray(param.array).tobytes(), weights_sum)
        return {"stages": [asdict(stage) for stage in self.stages], "recipe": asdict(self.recipe),
                "budget": self.budget, "net": self.graph.name, "weights": weights_sum,
                "data": [self.data.name, len(self.data)]}

    def _save_state(self):
        if self.folder is None:
            return
        state = {**self.plan, "dense_accuracy": self.dense, "log": self.log}
        with atomic_write(self.folder / "run.json", "w") as file:
            json.dump(state, file, indent=1)
        for checkpoint in self.folder.glob(f"stage-{len(self.log)}.*.checkpoint"):
            checkpoint.unlink()

    def _resume(self):
        self.plan = json.loads(json.dumps(self._plan()))
        path = self.folder / "run.json"
        if not path.exists():
            return
        try:
            state = json.loads(path.read_text())
            plan = {name: state[name] for name in self.plan}
            for part in (plan, *plan["stages"]):
                part.update({name: stored(part[name]) for name in ("recipe", "learn") if part.get(name)})
            self.log, self.dense = state["log"], state["dense_accuracy"]
            rows = [(int(r["stage"]), r["accepted"], r["ladder"], float(r["accuracy"] or 0)) for r in self.log]
            done = [stage for stage, accepted, *_ in rows if accepted]
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise FormatError(f"is not the state of a run: {error}", file=str(path)) from None
        if plan != self.plan:
            other = ", ".join(name for name in plan if plan[name] != self.plan[name])
            raise OptionsError(f"this folder holds another run, with other {other}; choose another folder, or empty it",
                               file=str(self.folder))
        if done:
            message, held = read_compact(self.folder / f"stage-{done[-1]}.safetensors")
            trusted = any(node.layer.trusted for node in self.graph.nodes)
            shapes = {blob.name: blob.shape for blob in self.graph.inputs}
            made = build(message, self.graph.phase, weights=held, trusted=trusted, limits=NO_LIMITS)
            self.graph = reshape(made, shapes, limits=NO_LIMITS)
