"""Plots have axes with units, work in SVG and PNG, and say so when there is nothing to show."""

from dataclasses import replace

import pytest

pytest.importorskip("matplotlib", reason="Matplotlib is not installed (the extra `report`): plots are not tested")

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
