"""The list of kernels itself: every line is tested, named by the rules, and has its scalar twin."""

import importlib
import re
from pathlib import Path

from scalpel_rt import isa
from scalpel_rt.runtime import _kernels

HERE = Path(__file__).parent
SOURCES = HERE.parents[1] / "src_c" / "kernels"


def test_every_kernel_is_tested():
    tested = set()
    for path in HERE.glob("test_*.py"):
        module = importlib.import_module(f"{__package__}.{path.stem}")
        uses = any("kernel" in f.__code__.co_varnames[: f.__code__.co_argcount]
                   for name, f in vars(module).items() if name.startswith("test_") and hasattr(f, "__code__"))
        if uses:
            tested |= set(module.TESTS)
    assert not {f"{k.kind}_{k.form}" for k in _kernels.kernels()} - tested


def test_symbols_and_files_follow_the_names():
    for k in _kernels.kernels():
        assert k.isa in isa.LEVELS
        assert k.symbol.startswith(f"scl_{k.kind}_{k.form}"), k.symbol
        assert k.symbol.endswith(f"__{k.isa}"), k.symbol
        assert (SOURCES / k.isa / f"{k.kind}_{k.form}_{k.isa}.c").is_file(), k.symbol


def test_every_kind_and_form_has_a_scalar_kernel():
    names = {(k.kind, k.form) for k in _kernels.kernels()}
    assert names == {(k.kind, k.form) for k in _kernels.kernels() if k.isa == "scalar"}


def test_the_fuzzer_in_c_knows_every_form():
    """It is compiled by `make fuzz` alone, which a new form would break unseen."""
    known = re.findall(r"^#define IF_(\w+)\(", (HERE.parents[1] / "fuzz" / "kernels.c").read_text(), re.MULTILINE)
    assert set(known) == {k.form for k in _kernels.kernels()}
