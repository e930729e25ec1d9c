"""The contract of a form: how an operation's weights are packed for a family of kernels, and what it will cost.

``src_c/include/scl_kernels.def`` names a form for every kernel; the file of this folder called ``<kind>_<form>.py``
holds the class. A form decides nothing: :mod:`scalpel_rt.plan.candidates` asks whether it is legal,
:mod:`scalpel_rt.plan.choose` picks.
"""

import math

import numpy as np

_forms = {}

ALIGN = 64  # bytes: a cache line, and the widest vector
HUGE = 2 << 20  # bytes of a huge page: weights that stream by miss the TLB less, and are fetched further ahead
ASKED = 4 << 20  # bytes from which on NumPy asks the system for such pages

#: Share of the peak that the scalar kernels reach: they make one sum at a time, in order.
SCALAR = 0.1


class Form:
    """One way of storing the weights of one kind of operation.

    Class attributes
    ----------------
    kind, name : str
        As in scl_kernels.def (kind, form).
    weights : str
        "dense", "csr" or "group": what ``Options(weights=...)`` calls this form.
    exact : bool
        Every output is a plain sum of products (any order, float32): within ``c*eps*(|A|@|B|)``. False for what is
        not (Winograd); ``Options(numerics="exact")`` leaves such a form out.
    widest : bool
        The kernel is for plans of the widest runnable instruction set only, whatever its own: it looks for that itself.
    inputs, outputs : tuple of str
        The BUF fields that the operation's inputs and outputs go to, in their order.
    """

    kind = None
    name = None
    weights = "dense"
    exact = True
    widest = False
    inputs = ("x", "add")
    outputs = ("y", "mask")

    def illegal(self, op, kernel):
        """Why this kernel cannot do this operation (a short phrase), or None when it can."""
        return None

    def args(self, op, kernel):
        """The kernel's INT, FLT and WGT fields as a dict; WGT fields are C-contiguous arrays, packed here.

        The plan fills in the BUF fields (``x``, ``y``, ``add``, ``mask``, ``scratch`` …) from the operation's values,
        and the numbers that follow from where it puts them: ``x_stride``, ``y_stride``, ``add_stride``,
        ``scratch_stride``. Arrays for WGT fields should come from :func:`packed`: the plan copies what is not aligned.
        """
        raise NotImplementedError

    def scratch(self, op, kernel):
        """Floats of scratch memory that each thread needs."""
        return 0

    def most_parts(self, op, kernel):
        """Parts into which the work can be cut before doing them one by one takes longer than doing it whole."""
        return math.inf

    def cost(self, op, kernel, machine):
        """Estimated (flops that are really done, bytes of weights streamed, efficiency 0..1 of the peak).

        Where it matters, flops count lanes that are idle, and other work as the multiply-adds that would take as long.

        Used when measuring is turned off; ``machine`` is a :class:`scalpel_rt.isa.Machine`.
        """
        raise NotImplementedError


def packed(shape, dtype=np.float32):
    """An uninitialised C-contiguous array whose memory starts on a 64-byte boundary; a large one lies in huge pages."""
    dtype = np.dtype(dtype)
    nbytes = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    align = HUGE if nbytes >= HUGE // 2 else ALIGN
    raw = np.empty(nbytes + align if align == ALIGN else max(nbytes + align, ASKED), np.uint8)
    start = -raw.ctypes.data % align
    return raw[start : start + nbytes].view(dtype).reshape(shape)


def register(cls):
    """Class decorator: enter one instance under (kind, name)."""
    _forms[cls.kind, cls.name] = cls()
    return cls


def find(kind, name):
    """The Form for a kernel's kind and form; KeyError if its file is missing."""
    return _forms[kind, name]
