"""Run one kernel alone, and prove that it touches only what it was given.

:func:`run` calls a kernel several times on copies of the same data: with 1, 2 and 3 parts, on aligned and on
misaligned memory, with different values around (and, for outputs, in) the arrays, and hard against memory that may not
be read. Every call must give the same bits, leave the surroundings and the inputs alone, and write every element of its
outputs. What comes back is then compared with a float64 reference by :func:`assert_close` or :func:`assert_ulps`.
"""

import ctypes
import mmap

import numpy as np

from scalpel_rt.runtime import _kernels

_libc = ctypes.CDLL(None, use_errno=True)

EPS = float(np.finfo(np.float32).eps)

GUARD = 96  # elements on both sides of every array: more than one register tile
#: (value around the inputs, value in and around the outputs and the scratch, place: elements off a 64-byte boundary, or
#: the side on which the array touches a page that may not be read)
SURROUNDINGS = [(np.nan, np.nan, 0), (3e38, -1234.5, 1), (-np.inf, 3e38, "behind"), (1e30, np.nan, "before")]


def tails(lanes):
    """Lengths around the multiples of a vector of ``lanes`` elements: the places where a tail can go wrong."""
    return sorted({0, 1, lanes - 1, lanes, lanes + 1, 2 * lanes - 1, 2 * lanes, 2 * lanes + 1, 4 * lanes + 3, 101})


class _Guarded:
    """A copy of ``array`` with GUARD times ``value`` on both sides, or with a page out of bounds on one of them.

    The guards show what was written, and, as they differ from call to call, what was read and mattered. The page ends
    the process with a segmentation fault even where what was read is thrown away.
    """

    def __init__(self, array, value, place):
        array = np.asarray(array, order="C")
        value = _cast(value, array.dtype)
        guard, nbytes = GUARD * array.itemsize, array.nbytes
        if place in ("before", "behind"):
            raw, start = _fenced(guard, nbytes, place)
            before, behind = (0, GUARD) if place == "before" else (GUARD, 0)
        else:
            raw = np.empty(2 * guard + nbytes + 128, np.uint8)
            start = guard + (-raw.ctypes.data - guard) % 64 + place * array.itemsize % 64
            before, behind = GUARD, GUARD
        around = raw[start - before * array.itemsize : start + nbytes + behind * array.itemsize].view(array.dtype)
        around[:] = value
        self.array = around[before : before + array.size].reshape(array.shape)
        self.array[...] = array
        self._sides = around[:before], around[before + array.size :]
        self._value = value

    def check(self, name):
        """The guards still hold what was put there."""
        for side, what in zip(self._sides, ("before", "behind"), strict=True):
            same = bits(side) == bits(np.full_like(side, self._value))
            assert same.all(), f"element {int(np.argmin(same))} of the {GUARD} {what} {name} was written"


def _fenced(guard, nbytes, side):
    """(bytes, offset): ``nbytes`` from the offset on that reach to a page out of bounds (side "behind") or begin right
    behind one ("before"), with ``guard`` bytes on the other side."""
    page = mmap.PAGESIZE
    usable = -(-(guard + nbytes) // page) * page
    raw = np.frombuffer(mmap.mmap(-1, usable + page), np.uint8)
    fence = usable if side == "behind" else 0
    if _libc.mprotect(ctypes.c_void_p(raw.ctypes.data + fence), ctypes.c_size_t(page), 0):
        raise OSError(ctypes.get_errno(), "mprotect")
    return raw, usable - nbytes if side == "behind" else page


def _cast(value, dtype):
    """A guard value for any dtype: integers get their largest, so that an index read too far goes far away."""
    return np.array(value, dtype) if dtype.kind == "f" else np.array(np.iinfo(dtype).max, dtype)


def bits(array):
    """``array`` as integers, so that NaN equals NaN and 0.0 differs from -0.0."""
    return np.ascontiguousarray(array).view(f"u{array.dtype.itemsize}")


def run(kernel, inputs, outputs, numbers=None, *, alias=None, inout=None, scratch=0, threads=(1, 2, 3)):
    """Call ``kernel`` under all SURROUNDINGS and part counts; the outputs as a dict of arrays.

    inputs : {field: array}; BUF and WGT fields that must not change (float32, or whatever the packed form holds).
    outputs : {field: shape}; float32 arrays of which the kernel must write every element.
    numbers : {field: int or float}.
    alias : {output field: input field} for work in place.
    inout : {field: array}; outputs of which the kernel may write a part: they start as these arrays.
    scratch : floats of scratch memory for each thread.
    """
    alias, inout = alias or {}, inout or {}
    first = None
    for around_in, around_out, place in SURROUNDINGS:
        for nt in threads:
            got = _once(kernel, inputs, outputs, numbers or {}, alias, inout, scratch, nt, around_in, around_out, place)
            if first is None:
                first = got
            for name in first:
                same = bits(first[name]) == bits(got[name])
                assert same.all(), (
                    f"{name}: {same.size - same.sum()} of {same.size} elements differ between two calls "
                    f"(now {nt} parts, place {place}), first at {tuple(np.argwhere(~same)[0])}"
                )
    return first


def _once(kernel, inputs, outputs, numbers, alias, inout, scratch, nt, around_in, around_out, place):
    given = {name: _Guarded(array, around_in, place) for name, array in inputs.items() if array is not None}
    made = {name: _Guarded(np.full(shape, around_out, np.float32), around_out, place) for name, shape in outputs.items()
            if name not in alias}
    made |= {name: _Guarded(array, around_out, place) for name, array in inout.items()}
    if scratch:     # all parts one after another, in the same scratch memory
        made["scratch"] = _Guarded(np.full(scratch, around_out, np.float32), around_out, 0)
        numbers = {**numbers, "scratch_stride": scratch, "lanes": 1}
    arrays = {name: guarded.array for name, guarded in (given | made).items()}
    arrays |= {name: arrays[source] for name, source in alias.items()}
    _kernels.call(kernel, {**arrays, **numbers}, nt)
    for name, guarded in (given | made).items():
        guarded.check(name)
    for name in given:
        if name not in alias.values():
            assert (bits(given[name].array) == bits(np.asarray(inputs[name]))).all(), f"the input {name} was written"
    return {name: arrays[name] for name in (*outputs, *inout)}


def assert_close(got, want, bound, what=""):
    """|got - want| <= bound, element by element; NaN and infinities stand in the same places.

    ``want`` is the float64 reference, ``bound`` a float or an array of its shape.
    """
    want = np.asarray(want, np.float64)
    assert got.shape == want.shape, f"{what}: shape {got.shape}, not {want.shape}"
    with np.errstate(over="ignore"):
        rounded = want.astype(np.float32)
    special = ~np.isfinite(rounded)
    assert_same(got[special], rounded[special], f"{what}: NaN or infinity")
    error = np.abs(np.where(special, 0, got) - np.where(special, 0, want))
    bad = ~(special | (error <= bound))
    if bad.any():
        at = np.unravel_index(np.argmax(np.where(bad, error, -1)), error.shape)
        raise AssertionError(f"{what}: {bad.sum()} of {bad.size} elements are off, the worst at {tuple(map(int, at))}: "
                             f"got {got[at]}, want {want[at]}")


def assert_ulps(got, want, ulps, what="", floor=0.0):
    """|got - want| <= ulps units in the last place of float32(want), plus ``floor``; NaN as in assert_close."""
    want = np.asarray(want, np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        unit = np.spacing(np.abs(want).astype(np.float32)).astype(np.float64)
    assert_close(got, want, np.where(np.isfinite(unit), ulps * unit, 0) + floor, what)


def assert_same(got, want, what=""):
    """Equal values; NaN equals NaN, 0.0 equals -0.0."""
    got, want = np.asarray(got), np.asarray(want)
    assert got.shape == want.shape, f"{what}: shape {got.shape}, not {want.shape}"
    bad = ~((got == want) | (np.isnan(got) & np.isnan(want)))
    assert not bad.any(), f"{what}: {bad.sum()} of {bad.size} differ, first: got {got[bad][0]}, want {want[bad][0]}"
