"""From a Graph to a plan: lowering, passes, choice, packing, memory, steps."""

from collections import namedtuple

import numpy as np

from .. import isa
from ..errors import ShapeError
from ..options import Options
from ..passes import run_passes
from ..runtime import _kernels, _plan
from . import memory
from .choose import choose, threads_worth
from .forms import packed
from .forms._base import ALIGN
from .lower import Lowering
from .stages import StagedPlan

#: One row of ``plan.explain()``. ``layers``: their names, joined by "+"; ``kind`` of operation; ``shape`` of its
#: output; ``kernel``: symbol of the one that was chosen; ``threads``; ``ns``: what it should take on one thread;
#: ``costs``: {symbol: ns} of all legal ones, ``measured`` or estimated; ``illegal``: {symbol: why not}.
Row = namedtuple("Row", "layers kind shape kernel threads ns costs measured illegal")


def compile_graph(graph, options=None, keep=(), state=None):
    """A plan that runs ``graph`` at its shapes.

    Parameters
    ----------
    graph : Graph
        All shapes known.
    options : Options, optional
    keep : "all" or iterable of Blob
        Blobs that ``plan.value()`` can give after a run, besides the outputs; what is kept is not fused away. "all"
        are the last of each name, where a blob is rewritten in place.
    state : dict, optional
        What stateful layers remember: another plan's, to go on where that one is.

    Returns
    -------
    Plan or StagedPlan
        The former when every layer can be compiled: then a run is one C call. Both have the same face: ``run``,
        ``run_all``, ``value``, ``clone_state``, ``explain``, ``inputs``, ``outputs``.

    Raises ShapeError when a shape is not known, UnsupportedError when no kernel can do something, OptionsError,
    MemoryError.
    """
    if not graph.ready:
        unknown = [blob.name for blob in graph.inputs if blob.shape is None]
        raise ShapeError(f"the shape of {', '.join(map(repr, unknown))} is not known; reshape the net first")
    options = options or Options()
    blobs = dict.fromkeys(blob for node in graph.nodes for blob in node.tops)
    kept = graph.final_blobs().values() if keep == "all" else keep
    kept = [blob for blob in kept if blob not in graph.outputs]
    whole = Lowering({blob: blob.shape for blob in blobs})
    if all(node.layer.is_input or whole.add(node) for node in graph.nodes):
        program, _ = whole.program(graph.outputs, kept, graph.inputs)
        return compile_program(program, options, len(graph.outputs))
    return StagedPlan(graph.nodes, graph.inputs, graph.outputs, kept,
                      lambda program: compile_program(program, options), {} if state is None else state)


def compile_program(program, options, n_outputs=None):
    """A :class:`~scalpel_rt.runtime._plan.Plan` that does what ``program`` says.

    The first ``n_outputs`` of its outputs (None = all) are what a run gives, the others are kept for ``value()``.
    """
    level, machine = isa.active(options.isa), isa.machine()
    threads = options.threads or isa.usable_cores()
    program = run_passes(program)
    ops = list(memory.split_copies(program.ops))
    choices = {t: choose(op, level, options, machine) for t, op in enumerate(ops) if op.kind not in ("view", "fill")}
    parts = {t: threads_worth(choice.ns, threads) for t, choice in choices.items()}
    strides = {t: _aligned(choice.form.scratch(choice.op, choice.kernel)) for t, choice in choices.items()}
    layout = memory.lay_out(ops, program.inputs, program.outputs, {t: strides[t] * parts[t] for t in choices})
    steps = [_step(choices[t], parts[t], strides[t], layout, t) for t in layout.work]
    constants = [(op.weights["value"], 4 * layout.offset[op.outputs[0]]) for op in ops if op.kind == "fill"]
    rows = [_row(choices[t], parts[t]) for t in layout.work]
    slots = _slots(program.outputs, layout)
    given, kept = (slots, ()) if n_outputs is None else (slots[:n_outputs], slots[n_outputs:])
    return _plan.Plan(_plan.Steps(steps, 4 * layout.size, _slots(program.inputs, layout), given, kept, constants, rows))


def _aligned(floats):
    return -(-floats // memory.ALIGN) * memory.ALIGN


def _slots(values, layout):
    return [_plan.Slot(v.name, v.shape, 4 * layout.offset[v]) for v in values]


def _step(choice, parts, stride, layout, t):
    op, form, kernel = choice.op, choice.form, choice.kernel
    fields = _kernels.fields(kernel.kind)
    buffers = dict(zip(form.inputs, op.inputs, strict=False)) | dict(zip(form.outputs, op.outputs, strict=False))
    args = {name: _on_boundary(value) for name, value in form.args(op, kernel).items()}
    args.update({f"{name}_stride": layout.stride[v] for name, v in buffers.items() if f"{name}_stride" in fields})
    offsets = {name: 4 * layout.offset[v] for name, v in buffers.items()}
    if stride:
        args["scratch_stride"] = stride
        offsets["scratch"] = 4 * layout.scratch[t]
    return _plan.Step(op.name, kernel, args, offsets, parts, choice.ns)


def _on_boundary(value):
    """Packed weights on a 64-byte boundary, copied where the form did not see to it."""
    if not isinstance(value, np.ndarray) or value.ctypes.data % ALIGN == 0:
        return value
    copy = packed(value.shape, value.dtype)
    copy[...] = value
    return copy


def _row(choice, parts):
    return Row(choice.op.name, choice.op.kind, choice.op.outputs[0].shape, choice.kernel.symbol, parts, choice.ns,
               choice.costs, choice.measured, choice.illegal)
