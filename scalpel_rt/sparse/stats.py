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
    parts = nonzero.reshape(group, m // group, k)
    kept, groups = {}, {}
    for w in widths:
        kept["in", w] = int(np.count_nonzero(_any_of(nonzero, w)))
        groups["in", w] = m * -(-k // w)
        bands = -(-(m // group) // w)
        kept["out", w] = int(np.count_nonzero(_padded(parts, 1, w).reshape(group, bands, w, k).any(axis=2)))
        groups["out", w] = group * bands * k
    return Stats(dense.shape, int(np.count_nonzero(nonzero)), kept, groups)


def _any_of(flags, width):
    """Whether any of each ``width`` neighbours in a row is set; up to eight flags are looked at as one integer."""
    if not flags.size:
        return flags
    flags = np.ascontiguousarray(_padded(flags, 1, width))
    while width > 1:
        step = next(n for n in (8, 4, 2, width) if width % n == 0)
        if step <= 8:
            flags = flags.view(f"u{step}") != 0
        else:
            flags = flags.reshape(len(flags), -1, step).any(axis=2)
        width //= step
    return flags


def _padded(flags, axis, width):
    """``flags`` with False at the end of an axis, up to a multiple of ``width``."""
    short = -flags.shape[axis] % width
    return np.pad(flags, [(0, short if i == axis else 0) for i in range(flags.ndim)]) if short else flags
