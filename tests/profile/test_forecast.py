"""Forecasts: arithmetic on made-up measurements, and the real thing against a net that was really pruned."""

import json

import pytest

import scalpel_rt as srt
from scalpel_rt.errors import OptionsError
from scalpel_rt.options import Options
from scalpel_rt.profile import Forecast, forecast
from scalpel_rt.pruning.pays import Pay

from .nets import load


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("SCALPEL_CACHE", str(tmp_path / "cache"))
    return tmp_path


CONV = Pay("conv", "conv", 1000.0, {"csr": {0.5: 1500.0, 0.9: 500.0}, "in": {0.5: 800.0, 0.9: 200.0},
                                   "out": {0.5: 600.0, 0.9: 300.0}}, {0.25: 700.0, 0.5: 400.0})
FC = Pay("fc", "fc", 500.0, {form: {0.5: 900.0, 0.9: 600.0} for form in ("csr", "in", "out")}, {})
MADE = Forecast("made", 8, {"conv": CONV, "fc": FC}, 100.0, (0.5, 0.9))


def test_the_net_is_the_sum_of_its_layers_and_none_is_slower_than_dense():
    assert MADE.dense == 1600
    assert MADE.net("csr", 0.5) == 1600                 # 1500 is worse than 1000: dense
    assert MADE.net("csr", 0.9) == 100 + 500 + 500
    assert MADE.net("in", 0.7) == 100 + 500 + 500       # half-way between 800 and 200
    assert MADE.net("best", 0.5) == 100 + 600 + 500 and MADE.net("best", 0.9) == 100 + 200 + 500
    assert MADE.net("nodes", 0.5) == 100 + 400 + 500 and MADE.net("nodes", 0.95) is None


def test_where_each_form_begins_to_pay():
    assert MADE.crossovers() == {"conv": {"csr": pytest.approx(0.7), "in": 0.5, "out": 0.5, "nodes": 0.25},
                                 "fc": {"csr": None, "in": None, "out": None, "nodes": None}}


def test_tables_and_json():
    header, rows, _ = MADE.table()
    assert {len(row) for row in rows} == {len(header)}
    assert rows[0][3:] == ("70 %", "≤ 50 %", "≤ 50 %", "≤ 25 %", "1.7x 8×1", "5.0x 1×8")
    assert rows[1][3:] == ("never",) * 4 + ("dense", "dense")
    header, rows, _ = MADE.net_table()
    assert {len(row) for row in rows} == {len(header)} and [row[0] for row in rows] == [
        "CSR", "groups 1×8", "groups 8×1", "best of each layer", "without nodes"]
    assert rows[3] == ("best of each layer", "1.6 µs", "1.2 µs 1.33x", "800 ns 2.00x")
    numbers = json.loads(json.dumps(MADE.as_dict()))
    assert [round(f["speedup"], 2) for f in numbers["forecast"] if f["form"] == "best"] == [1.33, 2.0]
    assert numbers["layers"][1]["crossover"]["csr"] is None
    assert "<table>" in MADE._repr_html_()


def test_a_forecast_comes_near_what_pruning_gives(folder):
    net = load(folder)
    found = net.forecast((0.9,), width=8)
    assert list(found.layers) == ["conv1", "conv2", "ip"] and found.rest > 0
    pruned = srt.prune(net, "simd", width=8, axis="out", sparsity=0.9)
    plan = pruned.compile(Options(threads=1, weights="group", tune=True))
    real = sum(min(times) for times in zip(*[[ns for _, ns in plan.timed(net.blobs["data"].data)]
                                             for _ in range(50)], strict=True))
    assert found.net("out", 0.9) < found.dense
    assert 0.4 < found.net("out", 0.9) / real < 2.5


@pytest.mark.parametrize("sparsity", [(), (0.0,), (0.5, 1.0), (-0.1,)])
def test_rates_that_make_no_sense(folder, sparsity):
    with pytest.raises(OptionsError, match="between 0 and 1"):
        forecast(load(folder), sparsity)
