"""The probes do the work that their figures are computed from."""

import numpy as np

from . import harness

TESTS = ("probe_fma", "probe_read")


def _rows(rng, rows, k):
    return rng.standard_normal((rows, k)).astype(np.float32)


def test_probe(kernel, rng):
    for rows, k, repeats in [(1, 1, 3), (3, 192, 5), (2, 97, 4), (5, 7, 0), (2, 301, 1), (1, 0, 2)]:
        x = _rows(rng, rows, k)
        numbers = {"rows": rows, "k": k, "repeats": repeats, "a": 0.75, "b": 0.5}
        if kernel.form == "fma":
            got = harness.run(kernel, {"x": x}, {"y": (rows, k)}, numbers)["y"]
            want = x.astype(np.float64)
            for _ in range(repeats):
                want = want * 0.75 + 0.5
            harness.assert_close(got, want, 4 * repeats * harness.EPS * np.maximum(np.abs(x), 2))
        else:
            got = harness.run(kernel, {"x": x}, {"y": (rows,)}, numbers)["y"]
            bound = repeats * (k + 8) * harness.EPS * np.abs(x).sum(1) * max(repeats, 1)
            harness.assert_close(got, repeats * x.astype(np.float64).sum(1), bound)
