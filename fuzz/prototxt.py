"""Prototxt text: it is refused, or the net does what the reference does."""

import random

from tests.golden.test_fuzz import mutated

from ._nets import refused_or, run_small, small


def seeds():
    return small("*.prototxt", 6000)


def once(data, scratch):
    refused_or(run_small, data)


def mutate(data, max_size, seed):
    """Numbers, names and lines of the text half of the time, bytes otherwise."""
    import atheris  # here alone, so that the ordinary tests can use the target without it

    if seed % 2:
        return atheris.Mutate(data, len(data) + 64)
    return mutated(data.decode("latin-1"), random.Random(seed)).encode("latin-1")[:max_size]
