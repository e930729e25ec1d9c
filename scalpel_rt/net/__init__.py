"""The Net that users hold: a graph, its inputs' values, plans to run it, and views of blobs and parameters."""

from .net import Net

__all__ = ["Net"]
