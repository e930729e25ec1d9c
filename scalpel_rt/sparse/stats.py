"""How sparse a weight matrix is, and how well its zeros fill groups."""

from dataclasses import dataclass

import numpy as np

from ._arrays import matrix

WIDTHS = (4, 8, 16)


@dataclass(frozen=True)
class Stats:
    """Counts of one matrix.

    shape : (M, K)
    nonzeros : int
    kept : {(axis, width): groups with a nonzero}, axis "in" or "out" as in :class:`~scalpel_rt.sparse.Groups`.
    groups : {(axis, width): all groups}
    """

    shape: tuple
    nonzeros: int
    kept: dict
    groups: dict

    @property
    def sparsity(self):
        """Share of zeros, 0 to 1 (0 for an empty matrix)."""
        count = self.shape[0] * self.shape[1]
        return 1 - self.nonzeros / count if count else 0.0

    def occupancy(self, axis, width):
        """Share of the groups that hold a nonzero: what a kernel for such groups cannot skip."""
        groups = self.groups[axis, width]
        return self.kept[axis, width] / groups if groups else 0.0


def stats(weights, widths=WIDTHS, group=1):
    """Count the zeros of ``weights`` (two or more axes), alone and in groups of each of ``widths``.

    ``group`` is that of a convolution: groups along the outputs start anew with each of its parts.
    """
    dense = matrix(weights)
    nonzero = dense != 0
    m, k = dense.shape
    kept, groups = {}, {}
    for w in widths:
        starts = np.arange(0, k, w)
        kept["in", w] = int(np.count_nonzero(np.logical_or.reduceat(nonzero, starts, axis=1))) if dense.size else 0
        groups["in", w] = m * len(starts)
        starts = (np.arange(group)[:, None] * (m // group) + np.arange(0, m // group, w)).ravel()
        kept["out", w] = int(np.count_nonzero(np.logical_or.reduceat(nonzero, starts, axis=0))) if dense.size else 0
        groups["out", w] = len(starts) * k
    return Stats(dense.shape, int(np.count_nonzero(nonzero)), kept, groups)
