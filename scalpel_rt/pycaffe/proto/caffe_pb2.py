"""caffe.proto.caffe_pb2: the classes of Caffe's messages and its enums, those of public forks included.

``NetParameter``, ``LayerParameter``, ``Datum``, ``SolverParameter`` and so on, ``TRAIN`` and ``TEST`` of the enum
``Phase``.
"""

from ...caffe import messages

_all = vars(messages("any"))

__all__ = [*_all, "DESCRIPTOR", "TEST", "TRAIN"]

globals().update(_all)
TRAIN, TEST = _all["Phase"].TRAIN, _all["Phase"].TEST
DESCRIPTOR = _all["NetParameter"].DESCRIPTOR.file
