"""The arena: who shares memory with whom, and that nobody is overwritten who is still needed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scalpel_rt.passes import run_passes
from scalpel_rt.plan.memory import IN_PLACE, lay_out, split_copies
from scalpel_rt.plan.spec import Builder, Value

from .programs import random_program


class Net:
    """A few operations by hand."""

    def __init__(self, *shape):
        self.build, self.x = Builder(), Value("x", shape)

    def conv(self, x, m):
        n, c, h, w = x.shape
        y = Value(f"conv{len(self.build.ops)}", (n, m, h, w))
        self.build.op("conv", [x], [y], {"w": np.ones((m, c, 1, 1), np.float32)}, kh=1, kw=1, sh=1, sw=1, ph=0, pw=0,
                      dh=1, dw=1, group=1)
        return y

    def exp(self, x):
        y = Value(f"exp{len(self.build.ops)}", x.shape)
        self.build.op("unary", [x], [y], fn="exp", p0=1.0, p1=0.0, p2=0.0)
        return y

    def add(self, a, b):
        y = Value(f"add{len(self.build.ops)}", a.shape)
        self.build.op("eltwise", [a, b], [y], fn="sum", ca=1.0, cb=1.0)
        return y

    def view(self, x, *shape):
        return self.build.reshaped(x, shape)

    def concat(self, *parts):
        n, _, h, w = parts[0].shape
        y, done, made = Value(f"concat{len(self.build.ops)}", (n, sum(v.shape[1] for v in parts), h, w)), 0, []
        for i, v in enumerate(parts):
            inner = v.size // n
            made.append({"input": i, "shape": (n, inner), "x_strides": (inner, 1), "y_offset": done,
                         "y_strides": (y.size // n, 1)})
            done += inner
        self.build.copy(parts, y, made)
        return y

    def laid_out(self, *outputs, scratch=None):
        ops = list(split_copies(self.build.ops))
        layout = lay_out(ops, [self.x], outputs, scratch or {})
        return layout, [ops[t].kind for t in layout.work]


def test_an_element_wise_operation_works_in_place():
    net = Net(1, 16, 4, 4)
    y = net.exp(net.exp(net.conv(net.x, 16)))
    layout, _ = net.laid_out(y)
    assert layout.size == 2 * 256                                # the input and one more
    assert len({layout.offset[v] for v in layout.offset}) == 2


def test_an_operation_works_over_the_input_of_the_net_but_not_over_a_kept_one():
    net = Net(1, 16, 4, 4)
    y = net.exp(net.x)
    assert net.laid_out(y)[0].size == 256
    assert net.laid_out(y, net.x)[0].size == 512


def test_a_value_that_is_read_later_is_not_overwritten():
    net = Net(1, 16, 4, 4)
    a = net.conv(net.x, 16)
    b = net.exp(a)
    layout, _ = net.laid_out(net.conv(net.add(b, a), 16))
    assert layout.offset[a] != layout.offset[b]


def test_a_view_that_is_read_later_protects_its_source():
    net = Net(1, 16, 4, 4)
    a = net.conv(net.x, 16)
    flat = net.view(a, 1, 256)
    b = net.exp(a)
    c = net.exp(flat)
    layout, _ = net.laid_out(b, c)
    assert layout.offset[flat] == layout.offset[a] != layout.offset[b]
    assert layout.offset[c] == layout.offset[a]


def test_memory_is_used_again():
    net = Net(1, 16, 4, 4)
    y = net.x
    for _ in range(10):
        y = net.conv(y, 16)
    assert net.laid_out(y)[0].size == 2 * 256


def test_scratch_lies_beside_what_lives_at_that_time():
    net = Net(1, 16, 4, 4)
    y = net.conv(net.conv(net.x, 16), 16)
    layout, _ = net.laid_out(y, scratch={0: 1000, 1: 10})
    assert layout.size == 512 + 1008 and layout.scratch[0] == 0
    assert layout.scratch[1] % 16 == 0


@pytest.mark.parametrize("n", [1, 3])
def test_a_concatenation_of_convolutions_is_no_copy(n):
    net = Net(n, 4, 3, 3)
    a, b = net.conv(net.x, 5), net.conv(net.x, 7)
    whole = net.concat(a, b)
    layout, kinds = net.laid_out(whole)
    assert kinds == ["conv", "conv"]
    assert layout.offset[a] == layout.offset[whole] and layout.offset[b] == layout.offset[whole] + 5 * 9
    if n > 1:
        assert layout.stride[a] == layout.stride[b] == layout.stride[whole] == 12 * 9


@pytest.mark.parametrize("n", [1, 3])
def test_a_concatenation_in_a_concatenation_is_no_copy(n):
    net = Net(n, 4, 3, 3)
    a = net.conv(net.x, 5)
    inner = net.concat(a, net.conv(a, 3))
    c = net.conv(inner, 2)
    outer = net.concat(c, inner)
    layout, kinds = net.laid_out(outer)
    assert kinds == ["conv"] * 3
    assert layout.offset[a] == layout.offset[inner] == layout.offset[outer] + 2 * 9
    if n > 1:
        assert layout.stride[a] == layout.stride[inner] == layout.stride[c] == 10 * 9


def test_an_activation_before_a_concatenation_works_in_its_place():
    net = Net(1, 4, 3, 3)
    a, b = net.conv(net.x, 5), net.exp(net.conv(net.x, 7))
    whole = net.concat(a, b)
    layout, kinds = net.laid_out(whole)
    assert kinds == ["conv", "conv", "unary"]
    assert layout.size == 48 + 112                               # rounded up to 16: the input, and the whole


def test_images_that_an_element_wise_operation_reads_are_not_spread():
    net = Net(2, 4, 3, 3)
    a, b = net.conv(net.x, 5), net.conv(net.x, 7)
    whole = net.concat(a, net.exp(b))
    layout, kinds = net.laid_out(whole, net.conv(a, 2))
    assert kinds == ["conv", "conv", "unary", "copy", "conv"]
    assert layout.stride[a] == 12 * 9 and layout.stride[b] == 7 * 9


def test_an_output_is_not_spread_and_an_input_not_moved():
    net = Net(2, 4, 3, 3)
    a = net.conv(net.x, 5)
    _, kinds = net.laid_out(net.concat(a, net.x), a)
    assert kinds == ["conv", "copy", "copy"]
    net = Net(1, 4, 3, 3)
    a = net.conv(net.x, 5)
    _, kinds = net.laid_out(net.concat(a, net.x), a)
    assert kinds == ["conv"]


def test_a_value_that_is_concatenated_twice_is_copied_once():
    net = Net(1, 4, 3, 3)
    a = net.conv(net.x, 5)
    _, kinds = net.laid_out(net.concat(a, a))
    assert kinds == ["conv", "copy"]


def test_a_constant_is_never_overwritten():
    net = Net(1, 4, 3, 3)
    value = Value("c", (1, 4, 3, 3))
    net.build.op("fill", [], [value], {"value": np.ones(value.shape, np.float32)})
    y = net.exp(value)
    layout, kinds = net.laid_out(net.conv(net.conv(net.conv(y, 4), 4), 4))
    assert kinds == ["unary", "conv", "conv", "conv"]
    assert all(layout.offset[v] != layout.offset[value] for v in layout.offset if v is not value)


def test_a_constant_lies_in_its_concatenation():
    net = Net(1, 4, 3, 3)
    value = Value("c", (1, 5, 3, 3))
    net.build.op("fill", [], [value], {"value": np.ones(value.shape, np.float32)})
    whole = net.concat(net.conv(net.x, 4), value)
    y = net.exp(whole)
    layout, kinds = net.laid_out(net.conv(y, 4))
    assert kinds == ["conv", "unary", "conv"]
    assert layout.offset[value] == layout.offset[whole] + 4 * 9 and layout.offset[y] != layout.offset[whole]


def test_images_of_a_constant_are_not_spread():
    net = Net(2, 4, 3, 3)
    value = Value("c", (2, 5, 3, 3))
    net.build.op("fill", [], [value], {"value": np.ones(value.shape, np.float32)})
    _, kinds = net.laid_out(net.concat(net.conv(net.x, 4), value))
    assert kinds == ["conv", "copy"]


def test_images_behind_each_other_in_a_whole_keep_it_from_being_spread():
    net = Net(2, 4, 3, 3)
    a, b, whole = net.conv(net.x, 1), net.conv(net.x, 1), Value("whole", (2, 2, 3, 3))
    net.build.copy([a, b], whole, [{"input": i, "shape": (18,), "x_strides": (1,), "y_strides": (1,),
                                    "y_offset": 18 * i} for i in range(2)])
    layout, kinds = net.laid_out(net.concat(whole, net.conv(net.x, 3)))
    assert kinds == ["conv", "conv", "conv", "copy"]
    assert layout.stride[a] == 9 and layout.offset[b] == layout.offset[a] + 18


# -- random programs ---------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), size=st.integers(1, 30), fused=st.booleans())
def test_no_operation_writes_over_what_is_still_needed(seed, size, fused):
    """Plays the program on a map of the arena that says whose each element is."""
    program, _ = random_program(seed, size)
    program = run_passes(program) if fused else program
    ops = list(split_copies(program.ops))
    scratch = {t: 5 + t for t, op in enumerate(ops) if op.kind in ("conv", "fc")}
    layout = lay_out(ops, program.inputs, program.outputs, scratch)
    source = {}                                                  # value -> the value whose contents it has
    for op in ops:
        if op.kind == "view":
            source[op.outputs[0]] = source.get(op.inputs[0], op.inputs[0])
    origin = lambda value: source.get(value, value)              # noqa: E731
    owner = {}                                                   # place -> (origin, its element)

    def content(value):
        return [(origin(value), i) for i in range(value.size)]

    def places(value):
        n = value.shape[0] if value.shape else 1
        inner = value.size // n if n else 0
        return [layout.offset[value] + i * layout.stride[value] + j for i in range(n) for j in range(inner)]

    def write(value):
        for place, what in zip(places(value), content(value), strict=True):
            assert 0 <= place < layout.size
            owner[place] = {what}

    def part_of(op):
        [part] = op.attrs["parts"]
        grid = np.indices(part["dims"]).reshape(len(part["dims"]), -1)
        return [(np.array(part[s + "_strides"]) @ grid + part[s + "_offset"]).tolist() for s in "xy"]

    def holds(value, position=None):
        spots = places(value)
        wanted = range(value.size) if position is None else position
        return all((origin(value), i) in owner.get(spots[i], ()) for i in wanted)

    for value in program.inputs:
        write(value)
    for op in ops:
        if op.kind == "fill":
            write(op.outputs[0])
    for t, op in enumerate(ops):
        if op.kind in ("view", "fill"):
            continue
        if op.kind == "copy":
            [x], [y] = op.inputs, op.outputs
            xs, ys = part_of(op)
            assert holds(x, sorted(set(xs)))
            from_, to = places(x), places(y)
            for i, j in zip(xs, ys, strict=True):
                if t in layout.work:
                    owner[to[j]] = {(origin(y), j)}
                else:
                    assert from_[i] == to[j]                     # left out, so it has to be there already
                    owner[to[j]].add((origin(y), j))
            continue
        assert t in layout.work
        assert all(holds(value) for value in op.inputs)
        if t in layout.scratch:
            spots = range(layout.scratch[t], layout.scratch[t] + scratch[t])
            assert spots.stop <= layout.size
            busy = {place for value in op.inputs + op.outputs for place in places(value)}
            assert not busy.intersection(spots)
            for place in spots:
                owner[place] = set()
        for value in op.outputs:
            overlap = set(places(value)).intersection(*[set(places(v)) for v in op.inputs[:1]])
            assert not overlap or op.kind in IN_PLACE
            write(value)
    assert all(holds(value) for value in program.outputs)


def test_random_programs_show_every_trick():
    seen = set()
    for seed in range(60):
        program, _ = random_program(seed, 25)
        program = run_passes(program)
        ops = list(split_copies(program.ops))
        layout = lay_out(ops, program.inputs, program.outputs, {})
        for t, op in enumerate(ops):
            if op.kind == "copy":
                seen.add("copied" if t in layout.work else "left out")
            if op.kind in IN_PLACE:
                seen.add("in place" if layout.offset[op.inputs[0]] == layout.offset[op.outputs[0]] else "beside")
        if any(v.shape and v.shape[0] > 1 and layout.stride[v] != v.size // v.shape[0] for v in layout.stride):
            seen.add("spread")
    assert seen == {"copied", "left out", "in place", "beside", "spread"}


def test_a_program_of_many_operations_is_laid_out_quickly():
    net = Net(1, 4, 8, 8)
    values = [net.x]
    for i in range(1000):
        values.append(net.conv(values[-1 - i % 3], 4))
    layout, _ = net.laid_out(values[-1])
    assert layout.size <= 5 * 256
