"""Caffe's files: bytes to messages and back, without any idea of what a layer does."""

from .compact import is_compact, read_compact, write_compact
from .messages import messages
from .text import format_prototxt, parse_prototxt, read_prototxt, write_prototxt
from .upgrade import format_of, upgrade_net
from .weights import Blob, LayerWeights, Weights, read_blobproto, read_weights
from .writer import write_caffemodel, write_hdf5

__all__ = [
    "Blob", "LayerWeights", "Weights", "format_of", "format_prototxt", "is_compact", "messages", "parse_prototxt",
    "read_blobproto", "read_compact", "read_prototxt", "read_weights", "upgrade_net", "write_caffemodel",
    "write_compact", "write_hdf5", "write_prototxt",
]
