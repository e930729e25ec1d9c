"""A net with layers that only Python can run: compiled parts and such layers in turn."""

import copy
import time
from collections import OrderedDict

import numpy as np

from ..errors import ShapeError, located
from ..notebook import plan_part
from ..runtime import _plan
from ..runtime.reference import run_layer
from .explain import python_row
from .lower import Lowering

KEPT = 8    # plans for so many different shapes behind a dynamic layer; beyond, the one used longest ago goes


class StagedPlan:
    """Runs a graph of which some layers cannot be compiled; it has the face of :class:`_plan.Plan`.

    Parameters
    ----------
    nodes : sequence of Node
    inputs, outputs, kept : sequence of Blob
        What goes in, what comes out, and what :meth:`value` can give besides.
    compile : callable
        compile(program) -> Plan.
    state : dict
        What stateful layers remember, by layer.

    The outputs' shapes may hang on the data; ``outputs`` then says what Caffe shows after set-up.
    """

    def __init__(self, nodes, inputs, outputs, kept, compile, state):
        self._blobs = tuple(inputs), tuple(outputs), tuple(kept)
        self.inputs, self.outputs, self.kept = (tuple(_plan.Slot(b.name, b.shape, None) for b in blobs)
                                                for blobs in self._blobs)
        shapes = {blob: blob.shape for blob in inputs}
        self._chain = Chain(tuple(nodes), shapes, {*outputs, *kept}, compile)
        self._state = state
        self._values = {}
        self._lock = _plan.RunLock()

    @property
    def stages(self):
        """The stages whose shapes do not hang on data, in order."""
        return tuple(self._chain.stages)

    @property
    def plans(self):
        """The Plans that its compiled stages are made of."""
        return tuple(plan for stage in self.stages if isinstance(stage, CompiledStage) for plan in stage.plan.plans)

    def run(self, *arrays, out=None):
        """As :meth:`_plan.Plan.run`."""
        results = self.run_all(*arrays, out=out)
        return results[0] if len(results) == 1 else results

    def run_all(self, *arrays, out=None):
        """As :meth:`run`, but always a tuple."""
        _, outputs, kept = self._blobs
        if out is not None:
            out = (out,) if isinstance(out, np.ndarray) else tuple(out)
            if len(out) != len(outputs):
                raise ShapeError(f"the plan gives {len(outputs)} array(s), out holds {len(out)}")
        values = self._checked(arrays)
        with self._lock:
            self._chain.run(values, self._state)
            self._values = {blob.name: values[blob] for blob in (*kept, *outputs)}
        results = tuple(values[blob] for blob in outputs)
        if out is None:
            return tuple(np.array(array) for array in results)      # a Python layer may have handed on its bottom
        for target, array, blob in zip(out, results, outputs, strict=True):
            if target.shape != array.shape or target.dtype != np.float32:
                raise ShapeError(f"out for {blob.name!r} must be float32 of shape {array.shape}, not {target.dtype} "
                                 f"of shape {target.shape}")
            target[...] = array
        return out

    def timed(self, *arrays):
        """Run once and say how long everything took: [(Row, ns)] in the order of the run, layers that only Python can
        run among them."""
        values = self._checked(arrays)
        with self._lock:
            return self._chain.run(values, self._state, times=[])

    def value(self, name):
        """A copy of what an output or a kept blob (or its name) held after the last run; KeyError for others."""
        return np.array(self._values[getattr(name, "name", name)])

    def _checked(self, arrays):
        inputs = self._blobs[0]
        if len(arrays) != len(inputs):
            raise ShapeError(f"the plan takes {len(inputs)} array(s) ({', '.join(b.name for b in inputs)}), "
                             f"not {len(arrays)}")
        return {blob: _plan.converted(array, blob) for blob, array in zip(inputs, arrays, strict=True)}

    def clone_state(self):
        """Another plan over the same weights, with memory of its own; stateful layers go on from where they are now."""
        with self._lock:
            twin = copy.copy(self)
            twin._chain = self._chain.clone()
            twin._state = {layer: copy.deepcopy(held) for layer, held in self._state.items()}
            twin._values = {}
            twin._lock = _plan.RunLock()
        return twin

    def explain(self):
        """The rows of all compiled stages (see scalpel_rt.plan.explain.Row)."""
        return [row for stage in self._chain.all_stages() for row in stage.explain()]

    def _repr_html_(self):
        return plan_part(self)


class Chain:
    """Stages one after another up to the first dynamic layer, and then a chain for each set of shapes that came out."""

    def __init__(self, nodes, shapes, needed, compile):
        self.stages, self.tails = [], OrderedDict()
        self._needed, self._compile = needed, compile
        shapes = dict(shapes)
        last_read = {blob: i for i, node in enumerate(nodes) for blob in node.bottoms}
        part = Lowering(shapes)
        start = 0
        self._rest = ()
        for i, node in enumerate(nodes):
            if node.layer.is_input:
                continue
            with located(layer=node.name):
                tops = node.layer.shapes([shapes[blob] for blob in node.bottoms])
            shapes.update(zip(node.tops, (tuple(int(d) for d in shape) for shape in tops), strict=False))
            if part.add(node):
                continue
            self._close(part, nodes[start:i], last_read, i)
            self.stages.append(PythonStage(node))
            part, start = Lowering(shapes), i + 1
            if node.layer.dynamic:
                self._rest = nodes[i + 1 :]
                break
        else:
            self._close(part, nodes[start:], last_read, len(nodes))
        made = {blob for node in self._rest for blob in node.tops if not node.layer.is_input}
        self._rest_inputs = tuple(dict.fromkeys(b for node in self._rest for b in node.bottoms if b not in made))

    def _close(self, part, nodes, last_read, end):
        """End a compiled stage before node number ``end``."""
        tops = [blob for node in nodes if not node.layer.is_input for blob in node.tops]
        outputs = [blob for blob in tops if blob in self._needed or last_read.get(blob, -1) >= end]
        if outputs:
            program, inputs = part.program(outputs)
            self.stages.append(CompiledStage(self._compile(program), tuple(inputs), tuple(outputs)))

    def run(self, values, state, times=None):
        """Run all stages on ``values``, {Blob: array}, which grows. Each adds its (Row, ns) to a list
        ``times``, which is returned."""
        for stage in self.stages:
            if times is None:
                stage.run(values, state)
            else:
                times += stage.timed(values, state)
        if self._rest:
            self._tail(values).run(values, state, times)
        return times

    def _tail(self, values):
        key = tuple(values[blob].shape for blob in self._rest_inputs)
        if key not in self.tails:
            shapes = dict(zip(self._rest_inputs, key, strict=True))
            self.tails[key] = Chain(self._rest, shapes, self._needed, self._compile)
            if len(self.tails) > KEPT:
                self.tails.popitem(last=False)
        self.tails.move_to_end(key)
        return self.tails[key]

    def clone(self):
        twin = copy.copy(self)
        twin.stages = [stage.clone() for stage in self.stages]
        twin.tails = OrderedDict((key, tail.clone()) for key, tail in self.tails.items())
        return twin

    def all_stages(self):
        return [*self.stages, *(stage for tail in self.tails.values() for stage in tail.all_stages())]


class CompiledStage:
    """Layers that are one Plan."""

    def __init__(self, plan, inputs, outputs):
        self.plan, self.inputs, self.outputs = plan, inputs, outputs

    def run(self, values, state):
        results = self.plan.run_all(*[values[blob] for blob in self.inputs])
        values.update(zip(self.outputs, results, strict=True))

    def timed(self, values, state):
        results = [np.empty(slot.shape, np.float32) for slot in self.plan.outputs]
        times = self.plan.timed(*[values[blob] for blob in self.inputs], out=results)
        values.update(zip(self.outputs, results, strict=True))
        return times

    def clone(self):
        return CompiledStage(self.plan.clone_state(), self.inputs, self.outputs)

    def explain(self):
        return self.plan.explain()


class PythonStage:
    """One layer that only Python can run."""

    def __init__(self, node):
        self.node = node

    def run(self, values, state):
        with located(layer=self.node.name):
            tops = run_layer(self.node, [values[blob] for blob in self.node.bottoms], state)
        values.update(zip(self.node.tops, tops, strict=True))

    def timed(self, values, state):
        bottoms = [values[blob] for blob in self.node.bottoms]
        start = time.perf_counter_ns()
        self.run(values, state)
        ns = time.perf_counter_ns() - start
        return [(python_row(self.node, bottoms, [values[blob] for blob in self.node.tops]), ns)]

    def clone(self):
        return self

    def explain(self):
        return []
