"""Every kernel that could do an operation, and why the others cannot. Lists; decides nothing."""

import functools
from collections import namedtuple

from .. import isa
from ..runtime import _kernels
from . import forms

#: ``illegal``: None, or why this kernel cannot do the operation.
Candidate = namedtuple("Candidate", "kernel form illegal")


def candidates(op, level, options):
    """All kernels of the operation's kind up to the instruction set ``level``, as a list of Candidate."""
    found = []
    for kernel in kernels_of(op.kind):
        if kernel.isa in isa.up_to(level):
            form = forms.find(kernel.kind, kernel.form)
            found.append(Candidate(kernel, form, _unwanted(form, options) or form.illegal(op, kernel)))
    return _narrowed(found, options.weights)


def _unwanted(form, options):
    if options.numerics == "exact" and not form.exact:
        return "rounds otherwise than a sum of products, and numerics='exact'"
    return None


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
