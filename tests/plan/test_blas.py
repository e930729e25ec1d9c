"""OpenBLAS as a candidate: only where it works on one thread, and then with bits that hang on no count of threads."""

import textwrap

from scalpel_rt import isa
from scalpel_rt.options import Options
from scalpel_rt.plan.candidates import candidates
from scalpel_rt.runtime import blas

from ..runtime.nets import convolutions
from ..runtime.process import python

LEVEL = isa.runnable()[-1]
SETUP = textwrap.dedent("""
    import os
    os.environ.pop("OPENBLAS_NUM_THREADS", None)
    {}
    import numpy as np
    from scalpel_rt.options import Options
    from scalpel_rt.plan import candidates as listing
    from scalpel_rt.plan.build import compile_program
    from scalpel_rt.runtime import blas
    from tests.runtime.nets import convolutions, image
    """)
ONE = SETUP.format('os.environ["OPENBLAS_NUM_THREADS"] = "1"')


def found(level=LEVEL):
    return next(c for c in candidates(convolutions(1, 16, 14).ops[0], level, Options()) if c.kernel.form == "blas")


def test_it_has_to_be_asked_for(monkeypatch):
    monkeypatch.setattr(blas, "why_not", blas.why_not.__wrapped__)
    monkeypatch.delenv(blas.VARIABLE, raising=False)
    assert blas.VARIABLE in found().illegal


def test_it_keeps_to_no_level(monkeypatch):
    monkeypatch.setattr(blas, "why_not", lambda: None)
    assert found().illegal is None
    if LEVEL != "scalar":
        assert "widest" in found("scalar").illegal


def test_it_may_not_have_threads_by_itself():
    """SciPy reads the variable once."""
    out = python(SETUP.format("import scipy.linalg") + """
import ctypes
from scipy.linalg import cython_blas
library = ctypes.CDLL(cython_blas.__file__)
if not hasattr(library, "scipy_openblas_set_num_threads"):
    print("another BLAS")
else:
    library.scipy_openblas_set_num_threads(2)
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    print("2 threads" in blas.why_not() or blas.why_not())
""")
    assert out in ("True\n", "another BLAS\n")


def test_it_is_measured_with_the_others():
    out = python(ONE + """
if blas.why_not() is None:
    row, = compile_program(convolutions(1, 256, 14), Options(threads=1, numerics="exact", tune=True)).explain()
    print(row.measured and "scl_conv_blas__scalar" in row.costs, {k for k in row.rejected if "blas" in k})
else:
    print(blas.why_not())
""")
    assert out in ("True set()\n", "SciPy's BLAS is not an OpenBLAS of its own\n")


def test_any_number_of_threads_gives_the_same_bits():
    out = python(ONE + """
if blas.why_not() is None:
    listing.kernels_of = lambda kind, all_of=listing.kernels_of: [
        k for k in all_of(kind) if k.form == "blas" or kind not in ("conv", "fc")]
    for program in (convolutions(3, 24, 40), convolutions(2, 7, 13, batch=3)):
        arrays = image(program)
        plans = [compile_program(program, Options(threads=n)) for n in (1, 2, 3, 5)]
        assert {row.kernel for row in plans[0].explain()} == {"scl_conv_blas__scalar"}
        first, *others = [plan.run(*arrays) for plan in plans for _ in range(5)]
        assert all((y == first).all() for y in others) and np.isfinite(first).all()
    print("the same")
else:
    print(blas.why_not())
""")
    assert out in ("the same\n", "SciPy's BLAS is not an OpenBLAS of its own\n")
