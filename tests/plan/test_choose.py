"""Which kernels are candidates, and which one is taken."""

import numpy as np
import pytest

from scalpel_rt import isa
from scalpel_rt.errors import UnsupportedError
from scalpel_rt.options import Options
from scalpel_rt.plan import choose as choosing
from scalpel_rt.plan import forms
from scalpel_rt.plan.build import compile_program
from scalpel_rt.plan.candidates import candidates
from scalpel_rt.plan.choose import choose, cuts_worth, threads_worth
from scalpel_rt.plan.forms._zeros import zeros
from scalpel_rt.plan.spec import KINDS, Op, Value
from scalpel_rt.runtime import _kernels

from ..runtime.nets import chain, convolutions
from .programs import random_program

MACHINE = isa.machine()


def conv(channels=16, size=14):
    return convolutions(1, channels, size).ops[0]


def test_every_kernel_has_a_form():
    for kernel in (k for k in _kernels.kernels() if k.kind in KINDS):
        form = forms.find(kernel.kind, kernel.form)
        assert (form.kind, form.name) == (kernel.kind, kernel.form)
        assert form.weights in ("dense", "csr", "group")


def test_every_kind_has_a_scalar_kernel():
    have = {kernel.kind for kernel in _kernels.kernels() if kernel.isa == "scalar"}
    assert have >= set(KINDS) - {"view"}


@pytest.mark.parametrize("level", isa.runnable())
def test_only_kernels_up_to_the_level_are_candidates(level):
    found = candidates(conv(), level, Options())
    assert {c.kernel.isa for c in found} <= set(isa.up_to(level))
    assert any(c.kernel.isa == "scalar" for c in found)


class Strange(forms.Form):
    """Stands in for the form of a kernel."""

    kind, name = "conv", "gemm"

    def __init__(self, **attributes):
        vars(self).update(attributes)

    def illegal(self, op, kernel):
        return self.why if hasattr(self, "why") else None

    def cost(self, op, kernel, machine):
        return self.price


def with_form(monkeypatch, name, **attributes):
    form = Strange(**attributes)
    monkeypatch.setitem(forms._base._forms, ("conv", name), form)
    return form


def test_inexact_forms_can_be_left_out(monkeypatch):
    with_form(monkeypatch, "gemm", exact=False)
    found = candidates(conv(), "scalar", Options(numerics="exact"))
    assert "numerics='exact'" in found[0].illegal
    assert candidates(conv(), "scalar", Options())[0].illegal is None


def test_a_wanted_storage_is_kept_to_where_it_is_legal(monkeypatch):
    with_form(monkeypatch, "gemm", weights="group")
    options = Options(weights="group")
    legal = [c for c in candidates(conv(), "scalar", options) if c.illegal is None]
    assert legal and {c.form.weights for c in legal} == {"group"}
    legal = [c for c in candidates(conv(), "scalar", Options(weights="dense")) if c.illegal is None]
    assert {c.form.weights for c in legal} <= {"dense"}


def test_without_a_legal_kernel_the_reasons_are_given(monkeypatch):
    for kernel in _kernels.kernels():
        if kernel.kind == "conv":
            with_form(monkeypatch, kernel.form, why="it is Monday")
    with pytest.raises(UnsupportedError, match="conv0.*scl_conv_gemm__scalar: it is Monday"):
        choose(conv(), "scalar", Options(), MACHINE)


class Prices:
    """Stands in for a Tuner."""

    def __init__(self, price):
        self.price = price

    def measure(self, op, legal):
        return [self.price(c) for c in legal], {c.kernel.symbol: {"w": c.kernel.symbol} for c in legal}


def alike(monkeypatch):
    """Estimates tell nothing apart."""
    monkeypatch.setattr(choosing, "estimate", lambda op, c, machine: 100.0 - isa.LEVELS.index(c.kernel.isa))


def test_the_cheapest_is_taken_and_of_equals_the_expected_one(monkeypatch):
    top = isa.runnable()[-1]
    alike(monkeypatch)
    choice = choose(conv(), top, Options(), MACHINE, Prices(lambda c: 100.0))
    assert choice.kernel.isa == top and choice.form.weights == "dense"
    assert choice.measured and choice.args == {"w": choice.kernel.symbol} and set(choice.costs.values()) == {100.0}
    dear = choice.kernel.symbol
    for price, taken in ((101.0, True), (110.0, False)):
        choice = choose(conv(), top, Options(), MACHINE,
                        Prices(lambda c, price=price: price if c.kernel.symbol == dear else 100.0))
        assert (choice.kernel.symbol == dear) == taken


def test_without_time_to_measure_estimates_decide(monkeypatch):
    alike(monkeypatch)
    class Late:
        def measure(self, op, legal):
            return None, {}

    late, rule = (choose(conv(), isa.runnable()[-1], Options(), MACHINE, tuner) for tuner in (Late(), None))
    assert late.kernel is rule.kernel and late.costs == rule.costs and not late.measured


def test_a_sparse_kernel_has_to_be_clearly_better(monkeypatch):
    with_form(monkeypatch, "gemm", weights="csr", price=(1e6, 4, 1.0))
    alike(monkeypatch)
    w = np.ones((16, 16, 3, 3), np.float32)
    w[::2] = 0
    op = conv().with_(weights={"w": w})
    for price, taken in ((99.0, "dense"), (94.0, "csr")):
        choice = choose(op, isa.runnable()[-1], Options(), MACHINE,
                        Prices(lambda c, price=price: {"csr": price, "dense": 100.0, "group": 1e9}[c.form.weights]))
        assert choice.form.weights == taken


def test_what_is_far_behind_is_not_measured(monkeypatch):
    found = [c for c in candidates(conv(), isa.runnable()[-1], Options()) if c.illegal is None]
    kept, dropped = choosing.promising(found, [1000.0] + [100.0] * (len(found) - 1))
    assert found[0] not in kept and "10.0 times" in dropped[found[0].kernel.symbol]
    assert len(kept) + len(dropped) == len(found)
    levels = [isa.LEVELS.index(c.kernel.isa) for c in kept if c.kernel.form == "gemm"]
    assert len(levels) == 1     # of equals the highest


def test_the_best_dense_kernel_is_measured_beside_sparse_ones():
    """Estimates alone may not let a sparse kernel win that is slower."""
    w = np.ones((16, 16, 3, 3), np.float32)
    w[::2] = 0
    found = [c for c in candidates(conv().with_(weights={"w": w}), isa.runnable()[-1], Options()) if c.illegal is None]
    dense = [c for c in found if c.form.weights == "dense"]
    assert len(dense) < len(found)
    for price, there in ((3.0, dense[:1]), (5.0, [])):
        kept, _ = choosing.promising(found, [price + i / 100 if c in dense else 1.0 for i, c in enumerate(found)])
        assert [c for c in kept if c in dense] == there


def test_estimates_follow_arithmetic_and_bytes(monkeypatch):
    form = with_form(monkeypatch, "gemm", price=(1e9, 4, 0.5))
    candidate = candidates(conv(), "scalar", Options())[0]
    assert choosing.estimate(conv(), candidate, MACHINE) == pytest.approx(
        choosing.CALL_NS + 2e9 / MACHINE.flops("scalar"))
    form.price = (1, 1 << 30, 0.5)
    assert choosing.estimate(conv(), candidate, MACHINE) == pytest.approx(
        choosing.CALL_NS + (1 << 30) / MACHINE.bandwidth(1 << 30))


def test_threads_are_for_what_takes_longer_than_handing_it_over():
    assert [threads_worth(ns, 4) for ns in (0, 1000, 9000, 13000, 1e6)] == [1, 1, 2, 3, 4]


def test_what_takes_long_is_cut_so_that_it_can_be_stopped():
    assert [cuts_worth(ns, 1) for ns in (0, 1e6, 2e7, 1e9, 1e30)] == [1, 1, 2, 128, 1 << 14]
    assert cuts_worth(2e7, 1, rough=True) == 16
    assert cuts_worth(1e9, 2, most_parts=1) == 64


def test_for_several_threads_it_is_cut_finely_as_far_as_that_costs_nothing():
    assert [cuts_worth(ns, 2) for ns in (0, 1.5e5, 1.7e5, 3.3e5, 1e6, 2e7)] == [1, 1, 2, 4, 8, 8]
    assert [cuts_worth(2e7, 4, most_parts=most) for most in (0, 3, 8, 17)] == [1, 1, 2, 4]


@pytest.mark.parametrize("size, tiles", [(14, 16), (56, 196), (224, 3136)])
def test_a_part_of_a_convolution_by_winograd_has_some_vectors_of_tiles(size, tiles):
    for kernel in (k for k in _kernels.kernels() if k.form == "winograd43"):
        parts = forms.find("conv", "winograd43").most_parts(conv(16, size), kernel)
        assert parts == tiles / (6 * isa.LANES[kernel.isa])


def test_explain_names_every_step_and_every_candidate():
    program = random_program(7, 25)[0]
    plan = compile_program(program, Options(threads=2))
    rows = plan.explain()
    assert [row.layers for row in rows] == [step.name for step in plan.steps.steps]
    for row, step in zip(rows, plan.steps.steps, strict=True):
        names = {k.symbol for k in _kernels.kernels() if k.kind == row.kind and k.isa in isa.up_to(isa.active())}
        assert set(row.costs) | set(row.rejected) == names and not set(row.costs) & set(row.rejected)
        assert row.kernel == step.kernel.symbol and row.costs[row.kernel] == row.ns
        sparse = {k.symbol for k in _kernels.kernels() if k.form in ("csr", "group_in", "group_out")}
        least = min(ns * (choosing.SPARSE_MARGIN if symbol in sparse else 1) for symbol, ns in row.costs.items())
        assert row.ns == least or row.kernel in sparse and row.ns * choosing.SPARSE_MARGIN == least
        assert row.threads == step.threads and not row.measured


def test_a_forced_level_is_kept_to():
    for level in isa.runnable():
        plan = compile_program(convolutions(2), Options(isa=level))
        assert {step.kernel.isa for step in plan.steps.steps} <= set(isa.up_to(level))


def test_the_environment_forces_a_level_too(monkeypatch):
    monkeypatch.setenv("SCALPEL_ISA", "scalar")
    plan = compile_program(chain(2, (1, 100)), Options())
    assert {step.kernel.isa for step in plan.steps.steps} == {"scalar"}


def test_packed_memory_starts_on_a_cache_line():
    for shape in ((), (0,), (3,), (7, 5)):
        array = forms.packed(shape, np.uint16)
        assert array.shape == shape and array.dtype == np.uint16
        assert array.ctypes.data % 64 == 0 or not array.size
    plan = compile_program(convolutions(1), Options())
    for step in plan.steps.steps:
        for value in step.args.values():
            assert not isinstance(value, np.ndarray) or value.ctypes.data % 64 == 0


def test_an_unknown_kind_has_no_kernel():
    op = Op("nothing", "n", (), (Value("y", (1,)),))
    with pytest.raises(UnsupportedError, match="none of its kind"):
        choose(op, "scalar", Options(), MACHINE)


def test_nearly_dense_weights_are_not_tried_as_sparse_ones_unless_asked():
    fc = Op("fc", "f", (Value("x", (1, 64)),), (Value("y", (1, 64)),), {}, {"w": np.ones((64, 64), np.float32)})
    sparse = [c for c in candidates(fc, "scalar", Options()) if c.form.weights != "dense"]
    assert sparse and all("only 0 % of the weights are zeros" in c.illegal for c in sparse)
    assert any(c.illegal is None for c in candidates(fc, "scalar", Options(weights="csr")) if c.form.weights == "csr")
    w = np.ones((64, 64), np.float32)
    w[::2] = 0
    half = candidates(fc.with_(weights={"w": w}), "scalar", Options())
    assert {c.form.weights for c in half if c.illegal is None} == {"dense", "csr", "group"}


@pytest.mark.parametrize("channels, group, considered", [(1, 1, True), (4, 1, True), (5, 1, False), (8, 8, False)])
def test_sparse_kernels_may_run_first_layers_whose_weights_are_all_there(channels, group, considered):
    w = np.ones((8, channels // group, 3, 3), np.float32)
    attrs = dict(kh=3, kw=3, sh=1, sw=1, ph=0, pw=0, dh=1, dw=1, group=group, act=None)
    conv = Op("conv", "c", (Value("x", (1, channels, 9, 9)),), (Value("y", (1, 8, 7, 7)),), attrs, {"w": w})

    def sparse(w, weights):
        found = candidates(conv.with_(weights={"w": w}), "scalar", Options(weights=weights))
        return any(c.illegal is None for c in found if c.form.weights != "dense")

    assert sparse(w, "auto") == sparse(w, "dense") == considered    # none is skipped, so that this is a dense layer
    half = np.where(np.arange(w.size).reshape(w.shape) % 2, w, 0)
    assert sparse(half, "auto") and not sparse(half, "dense")


def test_zeros_are_counted_once():
    w = np.eye(32, dtype=np.float32)
    fc = Op("fc", "f", (Value("x", (1, 32)),), (Value("y", (1, 32)),), {"act": None}, {"w": w})
    assert zeros(fc).nonzeros == 32 and zeros(fc) is zeros(fc)
    w[0] = 1
    assert zeros(fc.with_()).nonzeros == 63, "the zeros of weights that were written since"
    w.flags.writeable = False
    assert zeros(fc) is zeros(fc.with_(weights={"w": w.reshape(32, 32)}))
