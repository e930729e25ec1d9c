"""LSTM, RNN and LSTMUnit: against torch's own, step by step sums, and Caffe's rules for state."""

import copy

import numpy as np
import pytest

from scalpel_rt.errors import GraphError, ShapeError

from .harness import make, run

T, N, X, D, S = 5, 2, 3, 4, 6
rng = np.random.default_rng(7)


def draw(*shape):
    return rng.normal(size=shape).astype(np.float32)


def recurrent(kind, bottoms=2, tops=1, more=""):
    return make(f'type: "{kind}" ' + " ".join(f'bottom: "b{i}"' for i in range(bottoms))
                + "".join(f' top: "t{i}"' for i in range(tops))
                + f" recurrent_param {{ num_output: {D} {more} }}")


def lstm_params(static=False):
    return [draw(4 * D, X), draw(4 * D), *([draw(4 * D, S)] if static else []), draw(4 * D, D)]


def torch_lstm(params):
    torch = pytest.importorskip("torch")
    w_x, b, w_h = params
    lstm = torch.nn.LSTM(X, D).double()

    def order(w):                                   # Caffe's gates are i, f, o, g; torch's i, f, g, o
        i, f, o, g = np.split(w.astype(np.float64), 4)
        return torch.tensor(np.concatenate([i, f, g, o]))

    with torch.no_grad():
        lstm.weight_ih_l0.copy_(order(w_x))
        lstm.weight_hh_l0.copy_(order(w_h))
        lstm.bias_ih_l0.copy_(order(b))
        lstm.bias_hh_l0.zero_()
    return torch, lstm


def test_lstm_is_torchs():
    params = lstm_params()
    torch, lstm = torch_lstm(params)
    x = draw(T, N, X)
    got, = run(recurrent("LSTM"), x, np.ones((T, N)), params=params)
    with torch.no_grad():
        want, _ = lstm(torch.tensor(x, dtype=torch.float64))
    np.testing.assert_allclose(got, want.numpy(), atol=1e-6)


def test_lstm_exposed_state_is_torchs():
    params = lstm_params()
    torch, lstm = torch_lstm(params)
    x, h, c = draw(T, N, X), draw(1, N, D), draw(1, N, D)
    got = run(recurrent("LSTM", 4, 3, "expose_hidden: true"), x, np.ones((T, N)), h, c, params=params)
    with torch.no_grad():
        out, (h, c) = lstm(*(torch.tensor(x, dtype=torch.float64),
                             tuple(torch.tensor(s, dtype=torch.float64) for s in (h, c))))
    for mine, theirs in zip(got, (out, h, c), strict=True):
        np.testing.assert_allclose(mine, theirs.numpy(), atol=1e-6)


def test_a_static_input_is_a_bias_for_all_steps():
    params = lstm_params(static=True)
    x, s, cont = draw(T, 1, X), draw(1, S), np.ones((T, 1))
    w_x, b, w_s, w_h = params
    got, = run(recurrent("LSTM", 3), x, cont, s, params=params)
    want, = run(recurrent("LSTM"), x, cont, params=[w_x, b + (w_s @ s[0]), w_h])
    np.testing.assert_allclose(got, want, atol=1e-6)


@pytest.mark.parametrize("kind", ["LSTM", "RNN"])
def test_state_lives_on_until_cont_is_0(kind):
    layer = recurrent(kind)
    x = draw(2 * T, N, X)
    params = [draw(*shape) for shape in layer.param_shapes([x.shape, x.shape[:2]])]
    whole, = run(layer, x, np.ones((2 * T, N)), params=params)
    state = layer.initial_state()
    first, = run(layer, x[:T], np.ones((T, N)), params=params, state=state)
    saved = copy.deepcopy(state)
    second, = run(layer, x[T:], np.ones((T, N)), params=params, state=state)
    np.testing.assert_allclose(np.concatenate([first, second]), whole, atol=1e-6)
    np.testing.assert_array_equal(run(layer, x[T:], np.ones((T, N)), params=params, state=saved)[0], second)
    cont = np.ones((T, N))
    cont[0] = 0
    afresh, = run(layer, x[:T], cont, params=params, state=state)
    np.testing.assert_array_equal(afresh, first)


@pytest.mark.parametrize("kind", ["LSTM", "RNN"])
def test_cont_0_in_the_middle_restarts_one_sequence_only(kind):
    layer = recurrent(kind)
    x = draw(T, N, X)
    params = [draw(*shape) for shape in layer.param_shapes([x.shape, x.shape[:2]])]
    cont = np.ones((T, N))
    cont[2, 1] = 0
    got, = run(layer, x, cont, params=params)
    plain, = run(layer, x, np.ones((T, N)), params=params)
    restarted, = run(layer, x[2:], np.ones((T - 2, N)), params=params)
    np.testing.assert_allclose(got[:, 0], plain[:, 0], atol=1e-6)
    np.testing.assert_allclose(got[2:, 1], restarted[:, 1], atol=1e-6)


def test_a_new_batch_size_starts_from_zeros():
    layer, state = recurrent("LSTM"), {"hidden": [np.ones((7, D)), np.ones((7, D))]}
    params, x = lstm_params(), draw(T, N, X)
    np.testing.assert_array_equal(run(layer, x, np.ones((T, N)), params=params, state=state)[0],
                                  run(layer, x, np.ones((T, N)), params=params)[0])


def test_rnn_output_has_its_own_tanh():
    layer, x = recurrent("RNN"), draw(1, 1, X)
    w_x, b, w_h, w_o, b_o = params = [draw(*shape) for shape in layer.param_shapes([(1, 1, X), (1, 1)])]
    got, = run(layer, x, np.ones((1, 1)), params=params)
    np.testing.assert_allclose(got[0, 0], np.tanh(w_o @ np.tanh(w_x @ x[0, 0] + b) + b_o), atol=1e-6)


def test_x_is_flattened_from_axis_2():
    layer = recurrent("LSTM")
    assert layer.param_shapes([(T, N, 2, 3), (T, N)])[0] == (4 * D, 6)


def test_multiply_adds():
    layer, bottoms = recurrent("LSTM", 3), [(T, N, X), (T, N), (N, S)]
    params = layer.param_shapes(bottoms)
    assert layer.multiply_adds(bottoms, layer.shapes(bottoms), params) == T * N * 4 * D * (X + D) + N * 4 * D * S


def test_lstm_unit():
    c, gates, cont = draw(1, N, D), draw(1, N, 4 * D), np.array([[1, 0]], np.float32)
    c[0, 1] = np.nan                                # dropped by cont 0
    layer = 'type: "LSTMUnit" bottom: "c" bottom: "g" bottom: "k" top: "c1" top: "h1"'
    got_c, got_h = run(layer, c, gates, cont)
    i, f, o, g = np.split(gates[0].astype(np.float64), 4, axis=1)
    want = 1 / (1 + np.exp(-i)) * np.tanh(g)
    want[0] += 1 / (1 + np.exp(-f[0])) * c[0, 0]
    np.testing.assert_allclose(got_c[0], want, atol=1e-6)
    np.testing.assert_allclose(got_h[0], np.tanh(want) / (1 + np.exp(-o)), atol=1e-6)


@pytest.mark.parametrize("shapes, words", [
    ([(4,), (4, 1)], ["(4,)"]),
    ([(4, 2, 3), (4, 3)], ["(4, 2, 3)", "(4, 3)"]),
    ([(4, 2, 3), (4, 2), (3, 5)], ["(3, 5)", "2"]),
])
def test_shapes_that_do_not_fit(shapes, words):
    with pytest.raises(ShapeError) as caught:
        recurrent("LSTM").shapes(shapes)
    assert all(word in str(caught.value) for word in words)


def test_wrong_hidden_state_and_counts():
    exposed = recurrent("LSTM", 4, 3, "expose_hidden: true")
    with pytest.raises(ShapeError, match=r"\(1, 2, 4\).*\(1, 3, 4\)"):
        exposed.shapes([(5, 2, 3), (5, 2), (1, 2, 4), (1, 3, 4)])
    with pytest.raises(GraphError, match="4 to 5 bottom"):
        exposed.check_counts(3, 3)
    with pytest.raises(GraphError, match="num_output"):
        make('type: "RNN"')
