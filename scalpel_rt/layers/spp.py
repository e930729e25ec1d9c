"""SPP: spatial pyramid pooling."""

import numpy as np

from ..errors import GraphError, ShapeError, UnsupportedError
from ._base import Layer, as_f32, count
from ._registry import register
from .pooling import average_pool, max_pool, pooled_size


@register
class SPP(Layer):
    """Level l pools the bottom (N, C, H, W) into 2^l by 2^l windows; the levels are flattened and joined to a top
    (N, numbers). With one level only, the top is the pooled (N, C, 1, 1).
    """

    type = "SPP"

    def parse(self, message):
        p = message.spp_param
        self.height, self.method = p.pyramid_height, p.PoolMethod.Name(p.pool)
        if self.height < 1:
            raise GraphError("pyramid_height must be at least 1, not 0")
        if self.method == "STOCHASTIC":
            raise UnsupportedError("SPP with STOCHASTIC pooling")

    def levels(self, shape):
        """For each level (kernel, pad, size of what it gives), pairs of (height, width)."""
        if len(shape) != 4 or min(shape[1:]) < 1:
            raise ShapeError(f"the bottom must have 4 axes, none empty, its shape is {tuple(shape)}")
        levels = []
        for level in range(self.height):
            bins = 2 ** level
            kernel = tuple(-(-size // bins) for size in shape[2:])
            pad = tuple((k * bins - size + 1) // 2 for k, size in zip(kernel, shape[2:], strict=True))
            if any(p >= k for p, k in zip(pad, kernel, strict=True)):
                raise ShapeError(f"level {level} of pyramid_height {self.height} needs pad {pad} with kernel {kernel}: "
                                 f"the bottom, shape {tuple(shape)}, is too small or does not suit it")
            out = tuple(pooled_size(size, k, k, p, True, any(pad))
                        for size, k, p in zip(shape[2:], kernel, pad, strict=True))
            levels.append((kernel, pad, out))
        return levels

    def shapes(self, bottoms):
        levels = self.levels(bottoms[0])
        n, c = bottoms[0][:2]
        if self.height == 1:
            return [(n, c, *levels[0][2])]
        return [(n, c * sum(count(out) for _, _, out in levels))]

    def forward(self, bottoms, params):
        x, pool = bottoms[0], max_pool if self.method == "MAX" else average_pool
        pooled = [pool(x, kernel, kernel, pad, out) for kernel, pad, out in self.levels(x.shape)]
        if self.height == 1:
            return [as_f32(pooled[0])]
        return [as_f32(np.concatenate([y.reshape(y.shape[0], count(y.shape, 1)) for y in pooled], 1))]

    def lower(self, build, bottoms, tops, params):
        n, c = bottoms[0].shape[:2]
        pooled = []
        for (kh, kw), (ph, pw), out in self.levels(bottoms[0].shape):
            y = tops[0] if self.height == 1 else build.temp((n, c, *out))
            build.op("pool", bottoms, [y], method=self.method.lower(), kh=kh, kw=kw, sh=kh, sw=kw, ph=ph, pw=pw)
            pooled.append(y)
        if self.height == 1:
            return True
        parts, start = [], 0
        for i, y in enumerate(pooled):
            run = count(y.shape, 1)
            parts.append({"input": i, "shape": (n, run), "x_strides": (run, 1), "y_strides": (tops[0].shape[1], 1),
                          "y_offset": start})
            start += run
        return build.copy(pooled, tops[0], parts)
