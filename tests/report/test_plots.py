"""Plots have axes with units, work in SVG and PNG, and say so when there is nothing to show."""

from dataclasses import replace

import pytest

pytest.importorskip("matplotlib", reason="Matplotlib is not installed (the extra `report`): plots are not tested")

from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: E402

from scalpel_rt.errors import OptionsError  # noqa: E402
from scalpel_rt.report import plots, write  # noqa: E402

from .sample import entry, results  # noqa: E402


@pytest.mark.parametrize("name, x, y", [
    ("nets", "time of one run (ms)", None), ("layers", "speed-up over dense (×", None), ("size", "(kB)", None),
    ("crossover", "zeros asked for (%)", "time (ms)"), ("roofline", "operations for each byte", "GFLOP/s")])
def test_axes_have_names_and_units(name, x, y):
    r = results()
    figure = plots.draw(r, name)
    labels = [ax.get_xlabel() for ax in figure.axes]
    assert any(x in label for label in labels)
    assert y is None or any(y in ax.get_ylabel() for ax in figure.axes)
    svg = plots.picture(figure, "svg").decode()
    assert svg == plots.picture(plots.draw(results(), name), "svg").decode()    # the same file every time
    assert plots.picture(figure, "png").startswith(b"\x89PNG") and plots.describe(name)


def test_layers_shows_the_right_numbers():
    figure = plots.draw(results(), "layers")
    lines = {line.get_label(): line for line in figure.axes[0].lines if not line.get_label().startswith("_")}
    assert list(lines) == ["csr", "simd"]       # at 90 %
    assert list(lines["simd"].get_xdata()) == pytest.approx([5, 5, 5])
    assert lines["csr"].get_marker() != lines["simd"].get_marker()


def test_nothing_to_show(tmp_path):
    bare = replace(results(), entries=[replace(entry(), layers=[])])
    assert plots.draw(bare, "layers") is None and plots.draw(bare, "crossover") is None
    assert plots.draw(bare, "size") is None and plots.draw(bare, "roofline") is None
    assert plots.draw(replace(bare, entries=[]), "nets") is None
    with pytest.raises(OptionsError, match="nothing for the plot 'layers'"):
        write(bare, tmp_path / "x.png")
    assert list(tmp_path.iterdir()) == []


def test_all_plots(tmp_path):
    paths = write(results(), tmp_path / "x.svg", plot="all")
    assert [p.name for p in paths] == [f"x-{name}.svg" for name in plots.PLOTS] and all(p.is_file() for p in paths)


def test_wrong_names(tmp_path):
    with pytest.raises(OptionsError, match="no plot 'pie'; there are nets"):
        plots.draw(results(), "pie")
    with pytest.raises(OptionsError, match="hold no net 'm', but n"):
        plots.draw(results(), "layers", "m")


def test_names_are_no_mathematics():
    strange = replace(results(), entries=[replace(e, net="$a_{ <b>&") for e in results().entries])
    for name in ("nets", "layers"):
        assert "&lt;b&gt;&amp;" in plots.picture(plots.draw(strange, name), "svg").decode()


def test_engines_without_a_look_of_their_own():
    many = [entry(f"engine{i}", 1e-3) for i in range(20)]
    assert plots.draw(replace(results(), entries=[entry(), *many]), "nets") is not None


def of_several_sparsities():
    """Nets pruned before, each to a sparsity of its own."""
    return replace(results(), entries=[entry(), entry("csr", 0.5e-3, 0.95), entry("csr", 0.6e-3, 0.4),
                                       entry("scalpel", 0.2e-3, 0.9375), entry("scipy-csr", 0.0123, 0.889)])


@pytest.mark.parametrize("name", ["layers", "roofline"])
def test_each_method_is_shown_at_a_sparsity_of_its_own(name):
    figure = plots.draw(of_several_sparsities(), name)
    labels = [line.get_label() for line in figure.axes[0].lines if not line.get_label().startswith("_")]
    assert [label for label in labels if label != "dense"] == ["csr 95 %", "scalpel 93.75 %",
                                                                             "scipy-csr 88.9 %"]
    assert "asked for" not in figure.axes[0].get_title(loc="left")


@pytest.mark.parametrize("name", plots.PLOTS)
@pytest.mark.parametrize("found", [results, of_several_sparsities])
def test_no_words_are_cut_off(found, name):
    figure = plots.draw(replace(found(), entries=[replace(e, net="a-net-of-some-name") for e in found().entries]), name)
    FigureCanvasAgg(figure).draw()
    words = [text for ax in figure.axes for text in (ax.xaxis.label, ax.yaxis.label, ax._left_title, *ax.texts)]
    for thing in (*words, *figure.legends):
        box = thing.get_window_extent()
        assert box.width == 0 or 0 <= box.x0 and box.x1 <= figure.bbox.width, thing
