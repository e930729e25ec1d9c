"""The judge itself: it must be able to say no."""

import numpy as np
import pytest

from .judge import difference, names


@pytest.mark.parametrize("got, want", [
    ([1.0, 2.001], [1.0, 2.0]), ([np.nan, 1.0], [1.0, 1.0]), ([1.0, 1.0], [np.nan, 1.0]),
    ([np.inf, 1.0], [-np.inf, 1.0]), ([np.inf, 1.0], [3e38, 1.0]), ([[1.0]], [1.0])])
def test_difference_is_seen(got, want):
    assert difference(np.array(got, np.float32), np.array(want, np.float32)) is not None


def test_difference_within_tolerance():
    want = np.array([1000.0, 0.0, np.nan, np.inf], np.float32)
    assert difference(want + np.array([0.05, 0.05, 0, 0], np.float32), want) is None
    assert difference(np.zeros((0, 3)), np.zeros((0, 3))) is None


@pytest.mark.parametrize("message, token, named", [
    ("has shape (2, 3)", "(2, 3)", True), ("2x3 blob", "(2, 3)", True), ("[12, 3]", "(2, 3)", False),
    ("axis 4 is", "4", True), ("axis 41 is", "4", False), ("axis 1.4 is", "4", False), ("'Conv1'", "conv1", True)])
def test_names(message, token, named):
    assert names(message, token) is named
