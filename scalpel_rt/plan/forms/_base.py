"""The contract of a form: how an operation's weights are packed for a family of kernels, and what it will cost.

``src_c/include/scl_kernels.def`` names a form for every kernel; the file of this folder called ``<kind>_<form>.py``
holds the class. A form decides nothing: :mod:`scalpel_rt.plan.candidates` asks whether it is legal,
:mod:`scalpel_rt.plan.choose` picks.
"""

_forms = {}


class Form:
    """One way of storing the weights of one kind of operation.

    Class attributes: ``kind`` and ``name`` as in scl_kernels.def (kind, form).
    """

    kind = None
    name = None

    def illegal(self, op, kernel):
        """Why this kernel cannot do this operation (a short phrase), or None when it can."""
        return None

    def args(self, op, kernel):
        """The kernel's INT, FLT and WGT fields as a dict; WGT fields are C-contiguous arrays, packed here.

        BUF fields are filled in by the plan from the operation's values: ``x``, ``y``, ``add``, ``mask`` …
        """
        raise NotImplementedError

    def scratch(self, op, kernel):
        """Floats of scratch memory that each thread needs."""
        return 0

    def cost(self, op, kernel, machine):
        """Estimated (multiply-add flops that are really done, bytes of weights streamed, efficiency 0..1 of the peak).

        Used when measuring is turned off; ``machine`` is a :class:`scalpel_rt.isa.Machine`.
        """
        raise NotImplementedError


def register(cls):
    """Class decorator: enter one instance under (kind, name)."""
    _forms[cls.kind, cls.name] = cls()
    return cls


def find(kind, name):
    """The Form for a kernel's kind and form; KeyError if its file is missing."""
    return _forms[kind, name]
