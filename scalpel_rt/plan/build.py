"""From a Graph to a plan: lowering, passes, choice, packing, memory, steps."""

from .. import isa
from ..errors import ShapeError
from ..layers._base import as_f32
from ..options import Options
from ..passes import run_passes
from ..runtime import _plan
from . import memory
from .batches import images_to_pixels
from .bind import bind, scratch_floats
from .choose import compare, cuts_worth, decide, threads_worth
from .explain import row
from .lower import Lowering
from .stages import StagedPlan
from .tune import Tuner
from .turns import PlanInTurns, in_turns, side_by_side

TUNED = ("conv", "deconv", "fc")  # kinds of which there are kernels with different ideas; of the others take the widest


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
    Plan, PlanInTurns or StagedPlan
        The first two when every layer can be compiled: then a run is one C call, or two, where the caches do not hold
        a batch and a part of the net is done in turns. All have the same face: ``run``, ``run_all``, ``timed``,
        ``value``, ``clone_state``, ``explain``, ``plans``, ``inputs``, ``outputs``.

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
    """A :class:`~scalpel_rt.runtime._plan.Plan` that does what ``program`` says, or a :class:`.turns.PlanInTurns`.

    The first ``n_outputs`` of its outputs (None = all) are what a run gives, the others are kept for ``value()``.
    """
    program = run_passes(program)
    n_outputs = len(program.outputs) if n_outputs is None else n_outputs
    threads, machine = options.threads or isa.usable_cores(), isa.machine()
    turns = in_turns(program, machine)
    if turns is None:
        return _whole(program, options, threads, n_outputs)
    together = side_by_side(turns, threads, machine)
    front = _whole(turns.front, options, threads if together == 1 else 1, len(turns.makes))
    given = sum(v not in turns.makes for v in program.outputs[:n_outputs])
    rest = turns.rest and _whole(turns.rest, options, threads, given)
    return PlanInTurns(turns, program, n_outputs, front, rest, together)


def _whole(program, options, threads, n_outputs):
    """A Plan of all operations for all images at once."""
    level, machine = isa.active(options.isa), isa.machine()
    program = images_to_pixels(program, options)
    ops = list(memory.split_copies(program.ops))
    tuner = Tuner(machine, _weight_bytes(ops)) if options.tuned else None
    compared = {t: compare(op, level, options, machine) for t, op in enumerate(ops) if op.kind not in ("view", "fill")}
    # What takes longest comes first: there may be no time to measure all.
    choices = {t: decide(compared[t], tuner if ops[t].kind in TUNED else None)
               for t in sorted(compared, key=lambda t: -min(compared[t].costs))}
    if tuner is not None:
        tuner.save()
    workers = {t: threads_worth(choice.ns, threads) for t, choice in choices.items()}
    scratch = {t: workers[t] * scratch_floats(choice) for t, choice in choices.items()}
    layout = memory.lay_out(ops, program.inputs, program.outputs, scratch)
    steps = [bind(choices[t], layout, t, workers[t], choices[t].ns, choices[t].args,
                  _cuts(choices[t], workers[t])) for t in layout.work]
    constants = [(as_f32(op.weights["value"]), 4 * layout.offset[op.outputs[0]]) for op in ops if op.kind == "fill"]
    rows = [row(choices[t], step) for t, step in zip(layout.work, steps, strict=True)]
    slots = _slots(program.outputs, layout)
    return _plan.Plan(_plan.Steps(steps, 4 * layout.size, _slots(program.inputs, layout), slots[:n_outputs],
                                  slots[n_outputs:], constants, rows))


def _cuts(choice, threads):
    """``ns`` of what is not tuned, and of scalar kernels, is a guess; none of those minds being cut into many parts."""
    rough = choice.op.kind not in TUNED or choice.kernel.isa == "scalar"
    return cuts_worth(choice.ns, threads, choice.form.most_parts(choice.op, choice.kernel), rough)


def _slots(values, layout):
    return [_plan.Slot(v.name, v.shape, 4 * layout.offset[v]) for v in values]


def _weight_bytes(ops):
    return sum(w.nbytes for op in ops for w in op.weights.values())
