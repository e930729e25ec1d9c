"""From an operation, a kernel for it and a layout to a step with all its arguments."""

from collections import namedtuple

import numpy as np

from ..runtime import _kernels, _plan
from . import memory
from .forms import packed
from .forms._base import ALIGN
from .memory import ALIGN as FLOATS
from .share import share


def bind(choice, layout, t, threads=1, ns=0.0, args=None, cuts=1):
    """A Step for operation number ``t`` of a layout.

    ``choice`` says op, kernel and form; ``args`` are what :func:`pack` made of them, if that was done already.
    """
    op, form, kernel = choice.op, choice.form, choice.kernel
    fields = _kernels.fields(kernel.kind)
    args = dict(pack(choice) if args is None else args)
    buffers = dict(zip(form.inputs, op.inputs, strict=False)) | dict(zip(form.outputs, op.outputs, strict=False))
    args.update({f"{name}_stride": layout.stride[v] for name, v in buffers.items() if f"{name}_stride" in fields})
    offsets = {name: 4 * layout.offset[v] for name, v in buffers.items()}
    if t in layout.scratch:
        args |= {"scratch_stride": scratch_floats(choice), "lanes": threads}
        offsets["scratch"] = 4 * layout.scratch[t]
    return _plan.Step(op.name, kernel, args, offsets, threads, ns, cuts)


Bound = namedtuple("Bound", "op form kernel")


def alone(op, form, kernel, threads=1):
    """(a Plan of this one operation, by this kernel in ``threads`` parts; its packed arguments)."""
    bound = Bound(op, form, kernel)
    args = pack(bound)
    layout = memory.lay_out([op], op.inputs, op.outputs, {0: threads * scratch_floats(bound)})
    step = bind(bound, layout, 0, threads, args=args)
    slots = [[_plan.Slot(v.name, v.shape, 4 * layout.offset[v]) for v in side] for side in (op.inputs, op.outputs)]
    return _plan.Plan(_plan.Steps([step], 4 * layout.size, *slots)), args


def pack(choice):
    """The kernel's arguments but for the addresses; packed weights are the plans' own and lie on 64-byte boundaries."""
    op, args = choice.op, choice.form.args(choice.op, choice.kernel)
    return {name: share(_own(value, op.weights.values())) if isinstance(value, np.ndarray) else value
            for name, value in args.items()}


def scratch_floats(choice):
    """Floats of scratch memory for each thread, a multiple of a cache line."""
    return -(-choice.form.scratch(choice.op, choice.kernel) // FLOATS) * FLOATS


def _own(array, weights):
    """``array`` where the kernel likes it, and apart from the ``weights`` of the net, which their owner may write to:
    a copy where the form did not see to that."""
    if array.ctypes.data % ALIGN == 0 and not any(np.may_share_memory(array, w) for w in weights):
        return array
    copy = packed(array.shape, array.dtype)
    copy[...] = array
    return copy
