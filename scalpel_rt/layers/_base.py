"""The contract of a layer: what every file of this folder fills in for one Caffe type.

A :class:`Layer` is made once from its ``LayerParameter`` message and never changes afterwards. It knows its
parameters, not its neighbours: shapes come in as tuples, data as arrays, and state, where there is any, as an
object of its own. So one layer can serve many threads and many input sizes.
"""

import numpy as np

from ..errors import GraphError, ShapeError, UnsupportedError

#: a field that the LayerParameter of the "any" dialect has and that of "bvlc" has not
FORK_FIELD = "permute_param"


class Layer:
    """One Caffe layer type. Subclasses override what differs from these defaults.

    Class attributes
    ----------------
    type : str
        Caffe's name, as in ``type: "Convolution"``.
    bottoms, tops : (int, int or None)
        Least and greatest count of bottoms and tops; None = any number.
    origin : str
        Whose layer it is: "BVLC" for Caffe's own, else the fork or repository that it is best known from. The "bvlc"
        dialect knows only the former, and only the "any" dialect's messages have the parameters of the latter.
    stateful : bool
        The layer remembers something from one forward to the next; it then has :meth:`initial_state`, and
        :meth:`forward` is given that state as its keyword ``state``.
    dynamic : bool
        The tops' shapes depend on the data; :meth:`shapes` gives what Caffe shows after set-up, :meth:`forward`
        returns arrays of the shapes that came out.
    in_place : bool
        Caffe accepts top == bottom for this type.
    is_loss : bool
        Caffe gives the first top loss weight 1 by default, and makes a top where none is written.
    is_input : bool
        Nothing is computed: the caller feeds the tops, as those of Caffe's Input. :meth:`shapes` gives None for a top
        whose shape the net does not tell, and 0 for a single dimension that it does not tell. May be set by the
        instance.
    one_batch : bool
        For an input with several tops: they share their first dimension (images and their labels).
    note : str or None
        Set by an instance that is run otherwise than its type says (a data base that became an input); for people.
    trusted : bool
        The caller vouches for the net: its layers may run the Python code and write the files that it names. Set by
        whoever builds the net, before shapes are asked for; never by a layer.
    """

    type = None
    bottoms = (1, 1)
    tops = (1, 1)
    origin = "BVLC"
    stateful = False
    dynamic = False
    in_place = False
    is_loss = False
    is_input = False
    one_batch = False
    note = None
    trusted = False

    def __init__(self, message, phase="TEST"):
        """Read and check the parameters.

        ``message`` is a V2 ``LayerParameter``; ``phase`` is "TRAIN" or "TEST", the layer's own. Whatever can be
        found wrong without shapes raises :class:`GraphError` here.
        """
        if self.origin != "BVLC" and FORK_FIELD not in message.DESCRIPTOR.fields_by_name:
            raise UnsupportedError(f"layer type {self.type!r} comes from {self.origin}, BVLC Caffe does not know it; "
                                   "the dialect \"any\" does")
        self.message = message
        self.name = message.name
        self.phase = phase
        self.parse(message)

    def parse(self, message):
        """Turn the message into checked attributes of plain Python types."""

    def shapes(self, bottoms):
        """Shapes of the tops, a list of tuples, from those of the bottoms; ShapeError where they do not fit."""
        return [tuple(bottoms[0])]

    def param_shapes(self, bottoms):
        """Shapes of the learnt blobs in Caffe's order, a list of tuples, from the shapes of the bottoms."""
        return []

    def fillers(self):
        """A ``FillerParameter`` for each learnt blob, used where no weights are loaded; or the values, an array; None =
        constant 0."""
        return []

    def multiply_adds(self, bottoms, tops, params):
        """Multiplications with learnt weights in one forward, from the shapes of all three (lists of tuples)."""
        return 0

    def forward(self, bottoms, params):
        """The reference: NumPy, right before it is fast.

        ``bottoms`` and ``params`` are lists of float32 arrays that must not be written; returns a list of float32
        arrays, one for each top. Sums are made in float64, so that this can judge the kernels.
        """
        raise NotImplementedError(f"{self.type}.forward")

    def initial_state(self):
        """What a stateful layer remembers before its first forward: an object that :meth:`forward` changes in place,
        and that ``copy.deepcopy`` can double for a second executor."""
        raise NotImplementedError(f"{self.type}.initial_state")

    def lower(self, build, bottoms, tops, params):
        """Say the same in the runtime's operations (see :mod:`scalpel_rt.plan.spec`); True when it could be said.

        ``build`` is a :class:`~scalpel_rt.plan.spec.Builder`, ``bottoms`` and ``tops`` its values, ``params`` arrays.
        A layer that returns False (the default) runs as :meth:`forward`, in Python, between two compiled parts.
        """
        return False

    # -- helpers that most layers need -------------------------------------------------------------------------

    def check_counts(self, n_bottoms, n_tops):
        """Caffe's ExactNumBottomBlobs and its kin; GraphError naming both numbers."""
        for what, n, (least, most) in (("bottom", n_bottoms, self.bottoms), ("top", n_tops, self.tops)):
            if n < least or (most is not None and n > most):
                want = str(least) if least == most else f"at least {least}" if most is None else f"{least} to {most}"
                raise GraphError(f"{self.type} takes {want} {what} blob(s), not {n}")

    def axis(self, axis, shape, what="axis"):
        """A possibly negative axis as Caffe's CanonicalAxisIndex reads it; ShapeError when out of range."""
        if not -len(shape) <= axis < len(shape):
            raise ShapeError(f"{what} {axis} is out of range for a bottom of {len(shape)} axes, shape {tuple(shape)}")
        return axis % len(shape)


def count(shape, start=0, stop=None):
    """Product of ``shape[start:stop]`` as a Python int (1 for none)."""
    n = 1
    for d in shape[start:stop]:
        n *= int(d)
    return n


def as_f32(array):
    """``array`` as C-contiguous float32, keeping 0-axis shapes (``ascontiguousarray`` would make them 1-D).

    What float32 cannot hold becomes infinite, as it would in Caffe.
    """
    with np.errstate(over="ignore"):
        return np.asarray(array, dtype=np.float32, order="C")
