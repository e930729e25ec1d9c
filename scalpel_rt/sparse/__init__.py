"""Sparse matrices as files and plans hold them: element by element (:class:`Csr`) and in groups (:class:`Groups`).

Nothing here knows of graphs or kernels. A matrix is a layer's weights seen as (outputs, inputs): (M, K) for a fully
connected layer, (M, C/group*kh*kw) for a convolution. See docs/formats.md.
"""

from .csr import Csr
from .groups import Groups
from .known import known, unpacked
from .smallest import sizes, smallest
from .stats import Stats, stats

__all__ = ["Csr", "Groups", "Stats", "known", "sizes", "smallest", "stats", "unpacked"]
