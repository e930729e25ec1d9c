"""Random programs that use every kind of operation, for what must hold of any program."""

import numpy as np

from scalpel_rt.plan.spec import Builder, Program, Value
from scalpel_rt.plan.verify import verify_program

#: Continuous ones with their parameters: a rounding must not become a step.
FUNCTIONS = {"relu": (0.0, 0.0, 0.0), "elu": (1.0, 0.0, 0.0), "sigmoid": (0.0, 0.0, 0.0), "tanh": (0.0, 0.0, 0.0),
             "abs": (0.0, 0.0, 0.0), "bnll": (0.0, 0.0, 0.0), "swish": (1.5, 0.0, 0.0), "clip": (-0.5, 1.0, 0.0),
             "power": (2.0, 0.5, 0.25), "exp": (0.25, 0.0, 0.0),
             "hswish": (0.0, 0.0, 0.0), "mish": (0.0, 0.0, 0.0)}


class Maker:
    """Grows a program by random operations; values stay of moderate size, so that nothing overflows."""

    def __init__(self, seed, batch=None):
        self.rng = np.random.default_rng(seed)
        self.build = Builder()
        self.n = batch or int(self.rng.integers(1, 4))
        self.inputs = [self.image(f"in{i}") for i in range(self.rng.integers(1, 3))]
        self.values = list(self.inputs)
        self.count = 0

    def image(self, name):
        c, h, w = self.rng.integers(1, [9, 8, 8])
        return Value(name, (self.n, int(c), int(h), int(w)))

    def weights(self, *shape, scale=1.0):
        return (self.rng.normal(size=shape) * scale).astype(np.float32)

    def pruned(self, *shape, scale=1.0):
        """Weights that may have many zeros, alone or in groups along the inputs."""
        w = self.weights(*shape, scale=scale)
        if self.chance(0.4):
            flat = w.reshape(shape[0], -1)
            width = int(self.rng.choice([1, 4, 8]))
            keep = self.rng.random((shape[0], -(-flat.shape[1] // width))) < self.rng.choice([0.1, 0.5])
            flat[...] *= np.repeat(keep, width, axis=1)[:, : flat.shape[1]]
        return w

    def chance(self, p):
        return self.rng.random() < p

    def pick(self, want=lambda value: True):
        """A value to read, more likely a late one; None when none is as wanted. What has grown large is not read
        again, or a convolution of all its channels would take all memory."""
        found = [v for v in self.values if want(v) and max(v.shape[1:], default=1) <= 256 and v.size <= 1 << 16]
        return found[-1 - min(int(self.rng.geometric(0.4)) - 1, len(found) - 1)] if found else None

    def grow(self):
        self.count += 1
        self.build.layer(f"op{self.count}")
        getattr(self, self.rng.choice(KINDS))()

    def new(self, shape):
        value = Value(f"v{self.count}", tuple(int(d) for d in shape))
        self.values.append(value)
        return value

    def act(self, y, weights):
        which = self.rng.integers(0, 5)
        if which == 3:
            weights["slope"] = self.weights(y.shape[1])
        return {"act": [None, ("relu", 0.0, 0.0), ("clip", -0.25, 0.75), ("prelu",), ("relu", 0.125, 0.0)][which]
                if self.chance(0.3) or which == 3 else None}

    def conv(self):
        x = self.pick(lambda v: len(v.shape) == 4)
        n, c, h, w = x.shape
        group = int(self.rng.choice([g for g in (1, 2, c) if c % g == 0]))
        m = group * int(self.rng.integers(1, 5))
        a = dict(zip(("kh", "kw", "sh", "sw", "ph", "pw", "dh", "dw"),
                     map(int, self.rng.integers([1, 1, 1, 1, 0, 0, 1, 1], [4, 4, 3, 3, 3, 3, 3, 3])), strict=True))
        if self.chance(0.6):
            k = int(self.rng.choice([1, 3, 5]))
            a.update(kh=k, kw=k, sh=1, sw=1, ph=k // 2, pw=k // 2, dh=1, dw=1)
        if group == 1 and self.chance(0.1):
            a.update(kh=h, kw=w, sh=1, sw=1, ph=0, pw=0, dh=1, dw=1)
        oh = (h + 2 * a["ph"] - (a["kh"] - 1) * a["dh"] - 1) // a["sh"] + 1
        ow = (w + 2 * a["pw"] - (a["kw"] - 1) * a["dw"] - 1) // a["sw"] + 1
        if oh < 1 or ow < 1:
            return
        weights = {"w": self.pruned(m, c // group, a["kh"], a["kw"], scale=(c // group * a["kh"] * a["kw"]) ** -0.5)}
        if self.chance(0.7):
            weights["b"] = self.weights(m)
        y = self.new((n, m, oh, ow))
        add = self.pick(lambda v: v.shape == y.shape and v is not y) if self.chance(0.2) else None
        self.build.op("conv", [x] if add is None else [x, add], [y], weights, group=group, **a,
                      **self.act(y, weights))

    def residual(self):
        """A sum that ends with a convolution, as ResNet's blocks do."""
        x = self.pick(lambda v: len(v.shape) == 4)
        c = x.shape[1]
        branch = self.build.temp(x.shape)
        self.build.op("conv", [x], [branch], {"w": self.weights(c, c, 3, 3, scale=(9 * c) ** -0.5)}, kh=3, kw=3, sh=1,
                      sw=1, ph=1, pw=1, dh=1, dw=1, group=1)
        inputs = [branch, x] if self.chance(0.5) else [x, branch]
        self.build.op("eltwise", inputs, [self.new(x.shape)], fn="sum", ca=1.0, cb=1.0)

    def deconv(self):
        x = self.pick(lambda v: len(v.shape) == 4)
        n, c, h, w = x.shape
        group = int(self.rng.choice([1, c]))
        k, s, p = int(self.rng.integers(1, 4)), int(self.rng.integers(1, 3)), int(self.rng.integers(0, 2))
        oh, ow = (h - 1) * s + k - 2 * p, (w - 1) * s + k - 2 * p
        m = group * int(self.rng.integers(1, 4))
        if not (1 <= oh <= 16 and 1 <= ow <= 16):
            return
        weights = {"w": self.weights(c, m // group, k, k, scale=(c // group * k * k) ** -0.5), "b": self.weights(m)}
        y = self.new((n, m, oh, ow))
        self.build.op("deconv", [x], [y], weights, kh=k, kw=k, sh=s, sw=s, ph=p, pw=p, dh=1, dw=1, group=group,
                      **self.act(y, weights))

    def fc(self):
        x = self.pick()
        x = self.build.reshaped(x, (self.n, x.size // self.n))
        m, k = int(self.rng.integers(1, 40)), x.shape[1]
        weights = {"w": self.pruned(m, k, scale=k**-0.5), "b": self.weights(m)}
        y = self.new((self.n, m))
        self.build.op("fc", [x], [y], weights, **self.act(y, weights))

    def pool(self):
        x = self.pick(lambda v: len(v.shape) == 4)
        n, c, h, w = x.shape
        k, s = int(self.rng.integers(1, min(h, w, 3) + 1)), int(self.rng.integers(1, 4))
        p = int(self.rng.integers(0, k))
        size = [-(-(d + 2 * p - k) // s) + 1 for d in (h, w)]
        size = [d - ((d - 1) * s >= full + p) for d, full in zip(size, (h, w), strict=True)]
        y = self.new((n, c, *size))
        outputs, method = [y], str(self.rng.choice(["max", "ave"]))
        if method == "max" and x in self.inputs:    # elsewhere a rounding may make another one the greatest
            outputs.append(self.build.temp(y.shape))
            self.values.append(outputs[1])
        self.build.op("pool", [x], outputs, method=method, kh=k, kw=k, sh=s, sw=s, ph=p, pw=p)

    def lrn(self):
        x = self.pick(lambda v: len(v.shape) == 4)
        self.build.op("lrn", [x], [self.new(x.shape)], region=str(self.rng.choice(["across", "within"])),
                      size=int(self.rng.choice([1, 3, 5])), alpha=0.5, beta=0.75, k=1.0)

    def outer_c_inner(self, value):
        """(value as (O, C, I) around axis 1, its shape)."""
        shape = value.shape[:2] + (value.size // (value.shape[0] * value.shape[1]),)
        return self.build.reshaped(value, shape), shape

    def softmax(self):
        value = self.pick()
        x, shape = self.outer_c_inner(value)
        y, done = self.build.into(self.new(value.shape), shape)
        self.build.op("softmax", [x], [y])
        done()

    def unary(self):
        x = self.pick()
        fn = str(self.rng.choice(["relu", "clip", *FUNCTIONS]))
        p0, p1, p2 = FUNCTIONS[fn]
        self.build.op("unary", [x], [self.new(x.shape)], fn=fn, p0=p0, p1=p1, p2=p2)

    def affine(self):
        value = self.pick()
        for _ in range(self.rng.integers(1, 3)):
            x, shape = self.outer_c_inner(value)
            c = shape[1]
            weights = {"scale": self.weights(c) if self.chance(0.8) else None,
                       "shift": self.weights(c) if self.chance(0.8) else None}
            value = self.new(value.shape)
            y, done = self.build.into(value, shape)
            self.build.op("affine", [x], [y], weights, **self.act(y, weights))
            done()

    def eltwise(self):
        a = self.pick()
        b = self.pick(lambda v: v.shape == a.shape and (v is not a or self.chance(0.1)))
        if b is None:
            return
        y, weights = self.new(a.shape), {}
        fn = str(self.rng.choice(["sum", "sum", "prod", "max"]))
        numbers = {"ca": 1.0, "cb": 1.0} if self.chance(0.7) else {"ca": 0.5, "cb": -2.0}
        act = self.act(y, weights)
        self.build.op("eltwise", [a, b], [y], weights, fn=fn, **numbers, **act)

    def broadcast(self):
        value = self.pick()
        x, shape = self.outer_c_inner(value)
        s = self.pick(lambda v: v.shape == shape[:2])
        if s is None:
            return
        y, done = self.build.into(self.new(value.shape), shape)
        self.build.op("broadcast", [x, s], [y], fn=str(self.rng.choice(["mul", "add"])), s_outer=1)
        done()

    def reduce(self):
        x, (outer, _, inner) = self.outer_c_inner(self.pick())
        y = self.new((outer, inner))
        self.build.op("reduce", [x], [y], fn=str(self.rng.choice(["sum", "asum", "sumsq", "max"])),
                      coeff=0.125)

    def mvn(self):
        value = self.pick(lambda v: v.size >= 8 * self.n)
        if value is None:
            return
        flat = (self.n, value.size // self.n)
        y, done = self.build.into(self.new(value.shape), flat)
        self.build.op("mvn", [self.build.reshaped(value, flat)], [y], variance=int(self.chance(0.5)), eps=0.5)
        done()

    def norm(self):
        value = self.pick()
        x, shape = self.outer_c_inner(value)
        y, done = self.build.into(self.new(value.shape), shape)
        weights = {"scale": self.weights(shape[1]) if self.chance(0.5) else None}
        self.build.op("norm", [x], [y], weights, guard=0, eps=0.25)
        done()

    def interp(self):
        value = self.pick(lambda v: len(v.shape) == 4)
        n, c, h, w = value.shape
        size = self.rng.integers(1, 12, 2)
        weights = {}
        for axis, pixels, points in zip("yx", (h, w), size, strict=True):
            weights[f"{axis}_low"], weights[f"{axis}_high"] = self.rng.integers(0, pixels, (2, points), np.int32)
            weights[f"{axis}_part"] = self.rng.random(points).astype(np.float32)
        y, done = self.build.into(self.new((n, c, *size)), (n * c, *map(int, size)))
        self.build.op("interp", [self.build.reshaped(value, (n * c, h, w))], [y], weights)
        done()

    def unpool(self):
        """Maxima, and back to where they came from: of an input, as for pool."""
        value = self.inputs[0]
        if min(value.shape[2:]) < 2:
            return
        n, c, h, w = value.shape
        y, mask = (self.build.temp((n, c, h // 2, w // 2)) for _ in range(2))
        self.build.op("pool", [value], [y, mask], method="max", kh=2, kw=2, sh=2, sw=2, ph=0, pw=0)
        out, done = self.build.into(self.new(value.shape), (n * c, h * w))
        self.build.op("scatter", [self.build.reshaped(v, (n * c, h // 2 * (w // 2))) for v in (y, mask)], [out])
        done()

    def concat(self):
        a = self.pick(lambda v: len(v.shape) == 4)
        alike = [v for v in self.values if len(v.shape) == 4 and v.shape[2:] == a.shape[2:]]
        parts = [alike[i] for i in self.rng.integers(0, len(alike), self.rng.integers(1, 4))]
        n, _, h, w = a.shape
        y, done, made = self.new((n, sum(v.shape[1] for v in parts), h, w)), 0, []
        for i, v in enumerate(parts):
            inner = v.shape[1] * h * w
            made.append({"input": i, "shape": (n, inner), "x_strides": (inner, 1), "y_offset": done,
                         "y_strides": (y.size // n, 1)})
            done += inner
        assert self.build.copy(parts, y, made)

    def slice(self):
        x = self.pick(lambda v: v.shape[1] > 1)
        if x is None:
            return
        cut = int(self.rng.integers(1, x.shape[1]))
        for start, stop in ((0, cut), (cut, x.shape[1])):
            y = self.new((x.shape[0], stop - start, *x.shape[2:]))
            inner = y.size // y.shape[0]
            full = x.size // x.shape[0]
            assert self.build.copy([x], y, [{"shape": (x.shape[0], inner), "x_strides": (full, 1),
                                             "y_strides": (inner, 1), "x_offset": start * (full // x.shape[1])}])

    def permute(self):
        x = self.pick(lambda v: len(v.shape) == 4)
        order = self.rng.permutation(3)
        n, strides = x.shape[0], [x.shape[2] * x.shape[3], x.shape[3], 1]
        y = self.new((n, *(x.shape[1 + i] for i in order)))
        full = x.size // n
        out = [y.shape[2] * y.shape[3], y.shape[3], 1]
        assert self.build.copy([x], y, [{"shape": y.shape, "x_strides": (full, *(strides[i] for i in order)),
                                         "y_strides": (full, *out)}])

    def split(self):
        x = self.pick()
        y = self.new(x.shape)
        assert self.build.copy([x], y, [{"shape": x.shape, "x_strides": _strides(x.shape),
                                         "y_strides": _strides(x.shape)}])

    def view(self):
        x = self.pick()
        self.build.op("view", [x], [self.new((self.n, x.size // self.n, 1, 1))])

    def fill(self):
        x = self.pick(lambda v: len(v.shape) == 4)
        y = self.new((self.n, int(self.rng.integers(1, 5)), *x.shape[2:]))
        self.build.op("fill", [], [y], {"value": self.weights(*y.shape)})

    def program(self):
        """What has grown so far; the outputs are what nobody reads, and some others."""
        read = {v for op in self.build.ops for v in op.inputs}
        outputs = [v for v in self.values if v not in read or self.chance(0.1)]
        if self.chance(0.5) and len(outputs) > 1:
            outputs = outputs[1:]
        return verify_program(Program(tuple(self.build.ops), tuple(self.inputs), tuple(outputs)))


def _strides(shape):
    return tuple(int(np.prod(shape[i + 1 :])) for i in range(len(shape)))


KINDS = ["conv", "conv", "conv", "deconv", "fc", "pool", "lrn", "softmax", "unary", "unary", "affine", "affine",
         "residual", "eltwise", "eltwise", "broadcast", "concat", "concat", "slice", "permute", "split", "view", "fill",
         "reduce", "mvn", "norm", "interp", "unpool"]


def random_program(seed, size=12, batch=None):
    """(program, its inputs as arrays); the same for the same arguments."""
    maker = Maker(seed, batch)
    for _ in range(size):
        maker.grow()
    program = maker.program()
    return program, [maker.weights(*v.shape) for v in program.inputs]


def assert_close(got, want):
    """``got`` is ``want`` but for some roundings, each relative to the largest values around."""
    scale = max(1.0, float(np.abs(want[np.isfinite(want)]).max(initial=0)))
    np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5 * scale)
