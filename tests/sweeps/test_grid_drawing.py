"""Pictures and texts of grids."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from everest_kernel.sweeps.drawing import picture_bytes
from everest_kernel.sweeps.grid import Grid, SweepNameError
from everest_kernel.sweeps.outputs import SweepOutputError
from everest_kernel.sweeps.picture import picture_of, scale_of
from everest_kernel.sweeps.spaces import ListedAxis, ListedSpace
from everest_kernel.wire import CellOptionError, ConfigurationError
from tests.sweeps.grid_support import axis, filled, small_space, zip_space


@pytest.fixture
def ax() -> Iterator[Any]:
    figure = pytest.importorskip("matplotlib.figure").Figure()
    yield figure.add_subplot()
    figure.savefig(sys.modules["io"].BytesIO())  # what cannot be drawn shows here


def test_two_axes_are_a_heat_map_with_names_and_units(ax: Any) -> None:
    assert filled().plot(ax=ax) is ax
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("a [m]", "b")
    (image,) = ax.images
    assert image.get_array().tolist() == [[0, 2, 4], [1, 3, 5]]
    assert image.get_extent() == [-0.25, 1.25, 7, 19]
    assert ax.figure.axes[1].get_ylabel() == "L1"


def test_one_axis_is_a_line_with_failed_points_marked(ax: Any) -> None:
    grid = Grid(ListedSpace([axis("a", [3.0, 1.0, 2.0, 0.5])]), ("x",))
    grid.put([0, 1, 2], {"x": [30, 10, 20]})
    grid.fail([3], "e")
    grid.plot(ax=ax)
    line, failed = ax.lines
    np.testing.assert_array_equal(line.get_ydata(), [np.nan, 10, 20, 30])
    assert failed.get_xdata().tolist() == [0.5]


def test_an_array_per_point_is_several_lines_or_one_entry(ax: Any) -> None:
    grid = filled(v=np.arange(12.0).reshape(6, 2))
    grid.plot("v", b=16, ax=ax)
    assert [line.get_ydata().tolist() for line in ax.lines] == [[2, 6, 10], [3, 7, 11]]
    assert ax.get_title() == "b = 16"
    assert picture_of(grid, "v[1]", {}).values.tolist() == [[1, 3], [5, 7], [9, 11]]
    with pytest.raises(SweepOutputError, match=r'plot\("v\[0\]"\)'):
        grid.plot("v", ax=ax)
    for wrong in ("v[2]", "v[0,0]"):
        with pytest.raises(CellOptionError, match="Its shape per point"):
            grid.plot(wrong, ax=ax)


def test_a_contour_is_drawn_at_its_level(ax: Any) -> None:
    space = ListedSpace([axis("x", np.linspace(-1, 1, 9)), axis("y", np.linspace(-1, 1, 5))])
    grid = filled(space, L1=np.repeat(np.linspace(-1, 3, 9), 5))
    grid.plot(contour=0, ax=ax)
    (contour,) = [each for each in ax.collections if hasattr(each, "levels")]
    places = contour.get_paths()[0].vertices
    np.testing.assert_allclose(places[:, 0], -0.5)
    assert ax.images[0].norm.vmin == -3
    assert ax.images[0].norm.vmax == 3


def test_a_level_that_nothing_reaches_and_a_contour_of_a_line(ax: Any) -> None:
    filled().plot(contour=99, ax=ax)
    with pytest.raises(SweepOutputError, match="only a heat map"):
        filled().plot(contour=0, b=10, ax=ax)


def test_more_axes_are_cut(ax: Any) -> None:
    axes = [axis("a", range(2)), axis("b", range(3)), axis("c", [1.0, 2.0, 3.0]), axis("one", [7])]
    grid = filled(ListedSpace(axes))
    picture = picture_of(grid, None, {})
    assert picture.title == "c = 2, one = 7"
    assert picture.values.tolist() == [[1, 4, 7], [10, 13, 16]]
    assert picture_of(grid, None, {"a": 1}).values.tolist() == [[9, 10, 11], [12, 13, 14], [15, 16, 17]]
    grid.plot(c=3, ax=ax)
    assert ax.get_title() == "c = 3, one = 7"
    with pytest.raises(CellOptionError, match="no parameter 'q'"):
        grid.plot(q=1, ax=ax)


def test_texts_truth_values_and_complex_numbers(ax: Any) -> None:
    grid = filled(s=["u", "$x", "u", "w", "w", "u"], flag=np.arange(6) > 2, z=np.arange(6) + 1j)
    picture = picture_of(grid, "s", {})
    assert picture.words == (r"\$x", "u", "w")
    assert picture.values.tolist() == [[1, 0], [1, 2], [2, 1]]
    grid.plot("s", ax=ax)
    assert picture_of(grid, "flag", {}).values.tolist() == [[0, 0], [0, 1], [1, 1]]
    assert picture_of(grid, "z", {}).values.tolist() == [[0, 1], [2, 3], [4, 5]]


def test_scales() -> None:
    log = scale_of(axis("k", np.logspace(0, 3, 4)))
    assert log.kind == "log"
    np.testing.assert_allclose(log.edges, 10 ** np.array([-0.5, 0.5, 1.5, 2.5, 3.5]))
    words = scale_of(axis("w", ["u", "v"]))
    assert (words.kind, words.words, words.values.tolist()) == ("words", ("u", "v"), [0, 1])
    falling = scale_of(axis("a", [3, 2, 1]))
    assert (falling.values.tolist(), falling.order.tolist(), falling.rising) == ([1, 2, 3], [2, 1, 0], True)
    assert not scale_of(axis("a", [1, 3, 2])).rising
    uneven = scale_of(axis("a", [0.0, 1.0, 3.0]))
    assert (uneven.kind, uneven.even) == ("linear", False)
    assert uneven.edges.tolist() == [-0.5, 0.5, 2, 4]
    assert scale_of(zip_space().axes[0]).label == "t (zip)"


@pytest.mark.parametrize("values", [np.logspace(0, 2, 5), ["p", "q", "r"], [0.0, 1.0, 5.0], [True, False]])
def test_axes_of_every_kind_can_be_drawn(values: Any, ax: Any) -> None:
    space = ListedSpace([axis("a", values), axis("b", range(3))])
    filled(space).plot(ax=ax)
    assert ax.get_xlabel() == "a"


def test_a_sample_is_scattered(ax: Any) -> None:
    sample = ListedAxis({"p": np.array([0.5, 0.1, 0.9]), "q": np.array([1.0, 2.0, 0.0])}, "sample")
    grid = Grid(ListedSpace([sample]), ("x",))
    grid.put([0, 2], {"x": [5.0, 9.0]})
    grid.plot(ax=ax)
    missing, known = ax.collections
    assert known.get_offsets().tolist() == [[0.5, 1.0], [0.9, 0.0]]
    assert known.get_array().tolist() == [5, 9]
    assert missing.get_offsets().tolist() == [[0.1, 2.0]]


def test_interpolated_values_are_drawn_and_computed_ones_marked(ax: Any) -> None:
    grid = Grid(small_space(), ("x",))
    grid.put([0, 5], {"x": [0.0, 9.0]})
    grid.interpolate_by("x", lambda values: np.where(np.isnan(values), 4.0, values))
    grid.plot(ax=ax)
    assert ax.images[0].get_array().tolist() == [[0, 4, 4], [4, 4, 9]]
    assert ax.lines[0].get_xdata().tolist() == [0, 1]
    assert ax.lines[0].get_ydata().tolist() == [10, 16]
    assert np.isnan(grid.x).sum() == 4
    grid.interpolate_by("x", None)
    assert picture_of(grid, "x", {}).computed is None
    with pytest.raises(SweepNameError):
        grid.interpolate_by("y", None)


def test_nothing_to_draw_is_said(ax: Any) -> None:
    grid = Grid(small_space(), ("x",))
    with pytest.raises(SweepOutputError, match="'x' has no results yet"):
        grid.plot(ax=ax)
    grid.fail([0], "e")
    with pytest.raises(SweepOutputError, match=r"1 points failed: see grid\.failures"):
        grid.plot(ax=ax)
    with pytest.raises(SweepOutputError, match="are NaN"):
        filled(x=np.full(6, np.nan)).plot(ax=ax)
    with pytest.raises(SweepNameError, match="no 'y'"):
        grid.plot("y", ax=ax)


def test_without_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ConfigurationError, match="pip install matplotlib"):
        filled().plot()
    monkeypatch.setattr("everest_kernel.sweeps.grid_text.have", lambda package: False)
    assert "<img" not in filled()._repr_html_()


def test_a_picture_for_a_notebook() -> None:
    assert picture_bytes(filled()).startswith(b"\x89PNG")
    assert 'src="data:image/png;base64,' in filled()._repr_html_()
    assert "<img" not in Grid(small_space(), ("x",))._repr_html_()


def test_a_grid_as_text() -> None:
    grid = Grid(small_space(where=True), ("x", "s"))
    assert "6 points: 0 done, 4 waiting, 2 left out" in repr(grid)
    assert "nothing yet" in repr(grid)
    grid.put([0, 1], {"x": [1.25, -3], "s": ["u", "v"]})
    grid.fail([2], "ValueError: <bad>\nmore")
    text = repr(grid)
    for part in (
        "Grid of 3 × 2 = 6 points: 2 done, 1 failed, 1 waiting, 2 left out",
        "0, 0.5, 1  m",
        "-3 … 1.25",
        "where a < 1",
        "1 of 1 failures: ValueError: <bad>",
    ):
        assert part in text
    page = grid._repr_html_()
    assert "&lt;bad&gt;" in page
    assert "<bad>" not in page
    assert "b = 16" in repr(grid.sel(b=16))
