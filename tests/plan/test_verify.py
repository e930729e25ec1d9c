"""verify_program finds what is wrong with a program."""

from dataclasses import replace

import numpy as np
import pytest

from scalpel_rt.plan import verify
from scalpel_rt.plan.spec import KINDS, Op, Program, Value
from scalpel_rt.plan.verify import ProgramError, verify_program

from .programs import random_program

X, Y = Value("x", (2, 4, 5, 5)), Value("y", (2, 6, 5, 5))
NUMBERS = dict(kh=3, kw=3, sh=1, sw=1, ph=1, pw=1, dh=1, dw=1, group=1)
CONV = Op("conv", "c", (X,), (Y,), NUMBERS, {"w": np.zeros((6, 4, 3, 3), np.float32)})


def check(*ops, inputs=(X,), outputs=(Y,)):
    return verify_program(Program(ops, inputs, outputs))


def test_every_kind_is_checked():
    assert set(verify._checks) == set(KINDS)


def test_a_right_program_comes_back():
    program = Program((CONV,), (X,), (Y,))
    assert verify_program(program) is program
    for seed in range(30):
        verify_program(random_program(seed, 25)[0])


@pytest.mark.parametrize("make, message", [
    (lambda: check(), "never written"),
    (lambda: check(CONV, inputs=()), "'c': .*read before"),
    (lambda: check(CONV, CONV), "written twice"),
    (lambda: check(CONV, inputs=(X, Y)), "written twice"),
    (lambda: check(CONV, inputs=(X, X)), "an input twice"),
    (lambda: check(CONV.with_(inputs=())), "0 inputs"),
    (lambda: check(CONV.with_(inputs=(X, X))), "differ"),
    (lambda: check(CONV.with_(kind="konv")), "no such kind"),
    (lambda: check(CONV.with_(attrs=NUMBERS | {"ph": 0})), "reaches over 7 of 5 in h"),
    (lambda: check(CONV.with_(attrs=NUMBERS | {"group": 4})), "in 4 groups"),
    (lambda: check(CONV.with_(attrs=NUMBERS | {"sw": 0})), "sw = 0"),
    (lambda: check(CONV.with_(attrs={})), "kh = None"),
    (lambda: check(CONV.with_(attrs=NUMBERS | {"act": ("tanh",)})), "epilogue"),
    (lambda: check(CONV.with_(attrs=NUMBERS | {"act": ("prelu",)})), "slope"),
    (lambda: check(CONV.with_(weights={})), "no weight w"),
    (lambda: check(CONV.with_(weights={"w": np.zeros((6, 4, 3, 3))})), "no array of float32"),
    (lambda: check(CONV.with_(weights={"w": np.zeros((6, 4, 9), np.float32)})), r"\(6, 4, 9\), not \(6, 4, 3, 3\)"),
    (lambda: check(CONV.with_(weights=CONV.weights | {"bias": np.zeros(6, np.float32)})), "unknown weight bias"),
    (lambda: check(replace(CONV, outputs=(Value("y", (2, 6, 5.0, 5)),))), "has the shape"),
    (lambda: check(Op("view", "v", (X,), (Y,))), "differ in count"),
    (lambda: check(Op("unary", "u", (X,), (Y,), {"fn": "relu"})), "differ"),
    (lambda: check(Op("unary", "u", (X,), (replace(X),), {"fn": "sin"}), outputs=()), "fn 'sin'"),
    (lambda: check(Op("fill", "f", (), (Y,), {}, {"value": np.zeros(3, np.float32)})), "weight value"),
    (lambda: check(Op("fc", "f", (X,), (Y,))), "2 axes"),
    (lambda: check(Op("pool", "p", (X,), (Y,), {"method": "max"})), "N or C"),
    (lambda: check(Op("pool", "p", (X,), (Y,), {"method": "sum"})), "method 'sum'"),
])
def test_what_is_wrong_is_said(make, message):
    with pytest.raises(ProgramError, match=message):
        make()


def copy(**changes):
    part = {"input": 0, "dims": (300,), "x_strides": (0,), "y_strides": (1,), "x_offset": 0, "y_offset": 0} | changes
    return Op("copy", "c", (X,), (Y,), {"parts": (part,)})


def test_copies_stay_inside():
    check(copy())
    for wrong, message in [({"dims": (299,)}, "write 299 of the 300"), ({"x_strides": (1,)}, "0 to 299"),
                           ({"x_offset": 200}, "200 to 200"), ({"y_offset": 1}, "1 to 300"),
                           ({"input": 1}, "input 1"),
                           ({"y_strides": (1, 1)}, "strides"), ({"y_strides": (-1,)}, "-299"),
                           ({"dims": ()}, "0 dims")]:
        with pytest.raises(ProgramError, match=message):
            check(copy(**wrong))
