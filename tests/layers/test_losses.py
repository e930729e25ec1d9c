"""Losses: against sums worked out here, and Caffe's choices of normaliser, floor and labels."""

import math

import numpy as np
import pytest

from scalpel_rt.errors import DataError, FormatError, GraphError, ShapeError

from .harness import make, run

X = np.array([[1.0, 2.0, 0.5], [0.0, -1.0, 3.0]])


def log_p(scores, label):
    return scores[label] - math.log(sum(math.exp(s) for s in scores))


def loss(kind, *bottoms, more=""):
    names = " ".join(f'bottom: "{i}"' for i in range(len(bottoms)))
    top, = run(f'type: "{kind}" {names} top: "loss" {more}', *bottoms)
    assert top.shape == ()
    return float(top)


def test_softmax_loss_is_the_mean_over_what_counts():
    both = -(log_p(X[0], 1) + log_p(X[1], 2))
    assert loss("SoftmaxWithLoss", X, [1, 2]) == pytest.approx(both / 2)
    assert loss("SoftmaxWithLoss", X, [1, 2], more="loss_param { normalization: NONE }") == pytest.approx(both)
    ignoring = "loss_param { ignore_label: 1 normalization: %s }"
    rest = -log_p(X[1], 2)
    assert loss("SoftmaxWithLoss", X, [1, 2], more=ignoring % "VALID") == pytest.approx(rest)
    assert loss("SoftmaxWithLoss", X, [1, 2], more=ignoring % "FULL") == pytest.approx(rest / 2)
    assert loss("SoftmaxWithLoss", X, [1, 2], more="loss_param { normalize: false }") == pytest.approx(both / 2)


def test_all_labels_ignored_is_no_loss():
    assert loss("SoftmaxWithLoss", X, [-1, -1], more="loss_param { ignore_label: -1 }") == 0


def test_softmax_loss_spatial_batch_size():
    x = np.random.default_rng(0).normal(size=(2, 3, 2, 2))
    labels = np.array([[[0, 1], [2, 0]], [[1, 1], [0, 2]]])
    total = -sum(log_p(x[n, :, i, j], labels[n, i, j]) for n in range(2) for i in range(2) for j in range(2))
    assert loss("SoftmaxWithLoss", x, labels) == pytest.approx(total / 8)
    more = "loss_param { normalization: BATCH_SIZE }"
    assert loss("SoftmaxWithLoss", x, labels, more=more) == pytest.approx(total / 2)


def test_softmax_loss_floor():
    """A probability of 0 counts as FLT_MIN."""
    got = loss("SoftmaxWithLoss", [[1000.0, 0.0]], [1])
    assert got == pytest.approx(-math.log(np.finfo(np.float32).tiny), rel=1e-6)


def test_softmax_loss_second_top_is_the_probabilities():
    tops = run('type: "SoftmaxWithLoss" bottom: "x" bottom: "l" top: "loss" top: "prob"', X, [1, 2])
    np.testing.assert_allclose(tops[1], np.exp(X) / np.exp(X).sum(axis=1, keepdims=True), rtol=1e-6)


def test_loss_without_a_top_makes_one():
    assert run('type: "SoftmaxWithLoss" bottom: "x" bottom: "l"', X, [1, 2])[0].shape == ()


def test_labels_are_truncated_and_checked():
    assert loss("SoftmaxWithLoss", X, [1.9, 2]) == loss("SoftmaxWithLoss", X, [1, 2])
    with pytest.raises(DataError, match="label 3 .* 3 classes"):
        loss("SoftmaxWithLoss", X, [1, 3])
    with pytest.raises(DataError, match="label -1"):
        loss("SoftmaxWithLoss", X, [-1, 0])
    with pytest.raises(DataError, match="nan"):
        loss("SoftmaxWithLoss", X, [np.nan, 0])


def test_euclidean():
    assert loss("EuclideanLoss", [[1, 2], [3, 4]], [[0, 2], [3, 1]]) == pytest.approx((1 + 9) / 4)


def test_sigmoid_cross_entropy():
    x, t = np.array([[0.5, -2.0], [50.0, -50.0]]), np.array([[1, 0], [0.5, 1]])
    terms = np.log1p(np.exp(x)) - x * t
    np.testing.assert_allclose(terms[1], [25, 50])
    assert loss("SigmoidCrossEntropyLoss", x, t) == pytest.approx(terms.sum() / 2)
    more = "loss_param { ignore_label: 0 normalization: VALID }"
    # the soft target 0.5 truncates to 0 and is ignored too
    assert loss("SigmoidCrossEntropyLoss", x, t, more=more) == pytest.approx((terms[0, 0] + terms[1, 1]) / 2)


@pytest.mark.parametrize("norm, power", [("L1", 1), ("L2", 2)])
def test_hinge(norm, power):
    want = sum(max(0.0, 1 + (-s if c == label else s)) ** power
               for row, label in zip(X, (1, 2), strict=True) for c, s in enumerate(row)) / 2
    assert loss("HingeLoss", X, [1, 2], more=f"hinge_loss_param {{ norm: {norm} }}") == pytest.approx(want)


def test_contrastive():
    a, b = np.array([[1.0, 0.0], [0.0, 0.5]]), np.array([[0.0, 0.0], [0.0, 0.0]])
    assert loss("ContrastiveLoss", a, b, [1, 0]) == pytest.approx((1 + 0.25) / 4)
    legacy = "contrastive_loss_param { margin: 2 legacy_version: true }"
    assert loss("ContrastiveLoss", a, b, [1, 0], more=legacy) == pytest.approx((1 + 1.75) / 4)


def test_multinomial_logistic():
    p = np.array([[0.2, 0.8], [1.0, 0.0]])
    assert loss("MultinomialLogisticLoss", p, [1, 1]) == pytest.approx(-(math.log(0.8) + math.log(1e-20)) / 2)


def test_infogain():
    matrix = np.array([[1, 0.5, 0], [0, 2, 0], [0.1, 0, 1]])
    want = -sum(matrix[label, c] * log_p(row, c) for row, label in zip(X, (1, 2), strict=True) for c in range(3)) / 2
    assert loss("InfogainLoss", X, [1, 2], matrix) == pytest.approx(want)


def test_infogain_matrix_from_a_file(tmp_path):
    from scalpel_rt.caffe import messages

    blob = messages("bvlc").BlobProto()
    blob.shape.dim[:] = [3, 3]
    blob.data[:] = np.eye(3).ravel()
    path = tmp_path / "matrix.binaryproto"
    path.write_bytes(blob.SerializeToString())
    more = f'infogain_loss_param {{ source: "{path}" }}'
    assert loss("InfogainLoss", X, [1, 2], more=more) == pytest.approx(loss("SoftmaxWithLoss", X, [1, 2]))


@pytest.mark.parametrize("kind, shapes, words", [
    ("SoftmaxWithLoss", [(2, 3), (3,)], ["(2, 3)", "(3,)"]),
    ("SoftmaxWithLoss", [(2, 3, 4, 4), (2, 4)], ["(2, 3, 4, 4)", "(2, 4)", "32"]),
    ("EuclideanLoss", [(2, 3), (2, 4)], ["(2, 3)", "(2, 4)"]),
    ("SigmoidCrossEntropyLoss", [(2, 3), (2, 4)], ["(2, 3)", "(2, 4)"]),
    ("HingeLoss", [(2, 3), (2, 0)], ["(2, 3)", "(2, 0)"]),
    ("ContrastiveLoss", [(2, 3), (2, 4), (2,)], ["(2, 3)", "(2, 4)"]),
    ("ContrastiveLoss", [(2, 3, 2, 1), (2, 3), (2,)], ["(2, 3, 2, 1)"]),
    ("MultinomialLogisticLoss", [(2, 3), (2, 3)], ["(2, 3)"]),
    ("InfogainLoss", [(2, 3), (2,), (2, 2)], ["(2, 3)", "(2, 2)"]),
])
def test_shapes_that_do_not_fit(kind, shapes, words):
    with pytest.raises(ShapeError) as caught:
        make(f'type: "{kind}"').shapes(shapes)
    assert all(word in str(caught.value) for word in words)


def test_infogain_without_a_matrix(tmp_path):
    for source in (tmp_path / "absent.binaryproto", "/dev/zero"):
        with pytest.raises(FormatError, match="infogain matrix"):
            make(f'type: "InfogainLoss" infogain_loss_param {{ source: "{source}" }}').shapes([(2, 3), (2,)])
    with pytest.raises(GraphError, match="source"):
        make('type: "InfogainLoss"').shapes([(2, 3), (2,)])
