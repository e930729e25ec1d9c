"""Derived numbers, worked out by hand."""

import pytest

from scalpel_rt.report.rows import LAYERS, NETS, layer_rows, losing_rows, net_rows, shown, significant, used

from .sample import results


def column(key, columns=NETS):
    return next(c for c in columns if c.key == key)


def test_nets():
    dense, csr, *_, opencv = net_rows(results())
    assert set(dense) == {c.key for c in NETS}
    assert dense["ms"] == 1 and dense["speedup"] == 1 and dense["removed"] == 0
    # 300,000 multiply-adds in a millisecond; 12,800 bytes, which L2 holds
    assert dense["gflops"] == pytest.approx(0.6) and dense["of_peak"] == pytest.approx(0.006)
    assert dense["gbs"] == pytest.approx(0.0128) and dense["of_bandwidth"] == pytest.approx(0.0128 / 80)
    # each layer is bound by arithmetic: 2 and 4 microseconds
    assert dense["of_bound"] == pytest.approx(6e-6 / 1e-3)
    assert dense["spread"] == pytest.approx(0.3)
    # half of the weights at one and a half times the bytes each
    assert csr["bytes"] == 9000 and csr["removed"] == 0.25 and csr["gflops"] == pytest.approx(0.15)
    assert opencv["gbs"] is None and opencv["of_bound"] is None and opencv["gflops"] == pytest.approx(0.4)


def test_layers():
    rows = layer_rows(results())
    assert set(rows[0]) == {c.key for c in LAYERS} and len(rows) == 10
    assert [row["speedup"] for row in rows[:4]] == [1, 1, 0.5, 0.5]
    assert rows[0]["us"] == 250 and rows[0]["of_bound"] == pytest.approx(2e-6 / 250e-6)
    losing = losing_rows(results())
    assert [(row["method"], row["sparsity"]) for row in losing] == [("csr", 0.5)] * 2


@pytest.mark.parametrize("value, text", [(0, "0"), (0.0123456, "0.0123"), (1.2345, "1.23"), (12.345, "12.3"),
                                         (123.45, "123"), (12345.6, "12,346"), (1e-6, "0.00000100")])
def test_significant(value, text):
    assert significant(value) == text


@pytest.mark.parametrize("key, value, text", [
    ("method", "csr", "csr"), ("threads", 2, "2"), ("sparsity", 0.9, "90"), ("sparsity", 0.955, "95.5"),
    ("of_peak", 0.005, "0.5"), ("of_peak", 0.456, "46"), ("bytes", 1724320, "1,724"), ("speedup", 2.456, "2.46"),
    ("error", 3.2e-7, "3e-07"), ("error", 0.0, "0"), ("accuracy", 99.129, "99.13"), ("ms", None, "")])
def test_shown(key, value, text):
    assert shown(column(key), value) == text


def test_columns_without_values_are_left_out():
    keys = {c.key for c in used(NETS, net_rows(results()))}
    assert "accuracy" not in keys and "ms" in keys
