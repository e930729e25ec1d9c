"""Program → Program: the same results with less work.

Each pass is one pure function in a file of its own name. :data:`PASSES` is the only place that knows their order.
"""

from ..plan.verify import verify_program
from .conv_to_fc import conv_to_fc
from .drop_dead import drop_dead
from .flatten_views import flatten_views
from .fold_affine import fold_affine
from .fuse_activation import fuse_activation
from .fuse_add import fuse_add
from .merge_affine import merge_affine

#: In this order: what one makes, the next can use. flatten_views stands wherever views would hide who reads whom.
PASSES = (drop_dead, flatten_views, merge_affine, fold_affine, flatten_views, fuse_add, fuse_activation, conv_to_fc,
          flatten_views)


def run_passes(program, stop=None):
    """``program`` after all passes, or after the first ``stop`` of them (for debugging), verified after each."""
    verify_program(program)
    for step in PASSES[:stop]:
        program = verify_program(step(program))
    return program


__all__ = ["PASSES", "run_passes"]
