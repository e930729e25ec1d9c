"""Work in pieces that fit a cache, so that the reference in float64 needs no great arrays."""

#: numbers in a piece
CHUNK = 1 << 20


def chunks(n, size):
    """Slices of 0..n that hold about CHUNK numbers when each of the n has ``size`` of them, at least one each."""
    step = max(1, CHUNK // max(1, size))
    return [slice(i, min(i + step, n)) for i in range(0, n, step)]
