"""Every kernel that could do an operation, and why the others cannot. Lists; decides nothing."""

import functools
from collections import namedtuple

import numpy as np

from .. import isa
from ..runtime import _kernels
from . import forms

#: Least share of zeros at which a sparse form may be chosen: below, none has been faster than dense.
WORTH = 0.3
#: Channels of an image up to which it may gain even with weights that are all there: the dense kernels copy the image
#: once for each weight of a window, the sparse ones look at it through offsets.
FEW_CHANNELS = 4

#: ``illegal``: None, or why this kernel cannot do the operation.
Candidate = namedtuple("Candidate", "kernel form illegal")


def candidates(op, level, options):
    """All kernels of the operation's kind up to the instruction set ``level``, as a list of Candidate."""
    found = []
    full = _too_full(op) if options.weights in ("auto", "dense") else None
    skips_none = full is not None and op.kind == "conv" and op.inputs[0].shape[1] <= FEW_CHANNELS
    for kernel in kernels_of(op.kind):
        if kernel.isa in isa.up_to(level):
            form = forms.find(kernel.kind, kernel.form)
            unwanted = _unwanted(form, level, options, None if skips_none else full)
            found.append(Candidate(kernel, form, unwanted or form.illegal(op, kernel)))
    return found if skips_none else _narrowed(found, options.weights)


def _unwanted(form, level, options, full):
    if options.numerics == "exact" and not form.exact:
        return "rounds otherwise than a sum of products, and numerics='exact'"
    if form.widest and level != isa.runnable()[-1]:
        return f"takes the widest instruction set, and this is for {level}"
    return full if form.weights != "dense" else None


def _too_full(op):
    """Why no sparse form is worth a thought, or None. Nearly full weights are told by counting; packing them in every
    sparse form to learn its cost would take longer than all else."""
    weights = op.weights.get("w")
    if weights is None:
        return None
    zeros = 1 - np.count_nonzero(weights) / max(weights.size, 1)
    return None if zeros >= WORTH else f"only {100 * zeros:.0f} % of the weights are zeros"


def _narrowed(found, weights):
    """Leave the legal ones of the wanted storage, or, where there are none of it, the dense ones."""
    if weights == "auto":
        return found
    wanted = weights if any(c.form.weights == weights and c.illegal is None for c in found) else "dense"
    return [c._replace(illegal=c.illegal or f"stores its weights as {c.form.weights}, and weights={weights!r}")
            if c.form.weights != wanted else c for c in found]


@functools.cache
def kernels_of(kind):
    """The kernels of this build for one kind of operation, in the order of scl_kernels.def."""
    return tuple(kernel for kernel in _kernels.kernels() if kernel.kind == kind)
