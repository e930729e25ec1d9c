"""The graph of a net: how it is built from messages, checked, shown and measured."""

from .build import build, reshape
from .dump import dump
from .filter import State
from .ir import Blob, Graph, Node, Param
from .summary import summarize
from .verify import verify

__all__ = ["Blob", "Graph", "Node", "Param", "State", "build", "dump", "reshape", "summarize", "verify"]
