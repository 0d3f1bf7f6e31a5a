"""Pictures of sweeps: what is chosen, the pixels, and the characters."""

from __future__ import annotations

import builtins
import io
import subprocess
import sys
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from PIL import Image

from everest_kernel.notebook.sweep_picture import LivePicture
from everest_kernel.notebook.sweep_pixels import cells_of, color_range, colors_of, ends_of
from everest_kernel.notebook.sweep_slice import (
    Coordinates,
    PictureError,
    Scatter,
    Slice,
    coordinates_of,
    take_scatter,
    take_slice,
)
from everest_kernel.notebook.sweep_text import sparkline, text_picture
from everest_kernel.wire import ConfigurationError

NAN = np.nan


class Axis:
    def __init__(self, label: str = "", unit: dict[str, str] | None = None, **columns: Any) -> None:
        self.columns = {name: np.asarray(values) for name, values in columns.items()}
        self.names = tuple(columns)
        self.label = label or ",".join(columns)
        self.size = len(self.columns[self.names[0]])
        self.unit = unit or {}

    def column(self, name: str, indices: NDArray[np.int64]) -> NDArray[Any]:
        return self.columns[name][indices]


class Results:
    """A grid with one output."""

    def __init__(self, axes: Sequence[Axis], values: Any, status: Any = None) -> None:
        self.space = SimpleNamespace(axes=tuple(axes), names=tuple(n for axis in axes for n in axis.names))
        self.values = values
        if status is not None:
            self.status = np.asarray(status, np.int8)

    def array(self, name: str) -> NDArray[Any]:
        assert name == "L1"
        return self.values  # type: ignore[no-any-return]


def sliced(grid: Results, **more: Any) -> Slice:
    axes = [coordinates_of(axis) for axis in grid.space.axes]
    return take_slice(grid, "L1", [axis for axis in axes if isinstance(axis, Coordinates)], **more)


def square(*sizes: int) -> list[Axis]:
    return [Axis(**{name: np.arange(float(size))}) for name, size in zip("abcd", sizes, strict=False)]


def opened(png: bytes) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(png)) as image:
        return np.asarray(image.convert("RGB"))


# --- axes


@pytest.mark.parametrize(
    ("values", "kind", "places"),
    [
        ([20.0, 25.0, 30.0], "linear", [20, 25, 30]),
        ([1, 2, 5, 50], "linear", [1, 2, 5, 50]),
        ([3.0, 1.0, -9.0], "linear", [3, 1, -9]),
        ([0.01, 0.1, 1.0, 10.0], "log", [-2, -1, 0, 1]),
        ([1.0, 2.0], "linear", [1, 2]),
        ([5], "linear", [5]),
        ([3, 1, 2], "listed", [0, 1, 2]),
        (["x", "y"], "listed", [0, 1]),
        ([True, False], "listed", [0, 1]),
        ([1.0, NAN], "listed", [0, 1]),
    ],
)
def test_where_values_are_drawn(values: list[Any], kind: str, places: list[float]) -> None:
    axis = coordinates_of(Axis(a=values, unit={"a": "m/s"}))
    assert isinstance(axis, Coordinates)
    assert (axis.name, axis.label, axis.kind) == ("a", "a [m/s]", kind)
    assert axis.places == pytest.approx(places)


def test_parameters_in_step_are_told_by_one_that_rises() -> None:
    axis = coordinates_of(Axis(method=["x", "y", "z"], a=[1.0, 2.0, 3.0]))
    assert isinstance(axis, Coordinates)
    assert (axis.name, axis.kind) == ("a", "linear")
    named = coordinates_of(Axis("zip", method=["x", "y"], kind=["p", "q"]))
    assert isinstance(named, Coordinates)
    assert (named.name, named.text(1)) == ("zip", "1")


def test_a_sample_has_no_order() -> None:
    places = np.sin(np.arange(20.0))
    assert coordinates_of(Axis("sample", a=places, m=["x"] * 20, b=-places)) == ("a", "b")


# --- what is shown


def test_one_axis_of_many_is_a_line_and_axes_of_one_value_are_told() -> None:
    picture = sliced(Results([Axis(a=[7]), Axis(b=[1.0, 2.0, 3.0])], np.array([[1, 2, 3]])))
    assert [axis.name for axis in picture.axes] == ["b"]
    assert picture.title == "L1 at a = 7"
    assert picture.values.tolist() == [1, 2, 3]


def test_of_many_axes_the_plane_that_is_being_filled_is_shown() -> None:
    values = np.full((3, 2, 4, 5), NAN)
    values.reshape(6, -1)[:3] = 1.0
    values[1, 1, :2] = 2.0  # half full
    values[2, 0, 0] = 3.0
    status = np.zeros(values.shape)
    status[1, 1, 3, 3] = 2
    picture = sliced(Results(square(3, 2, 4, 5), values, status))
    assert picture.title == "L1 at a = 1, b = 1"
    assert (picture.values[:2] == 2).all()
    assert np.isnan(picture.values[2:]).all()
    assert np.argwhere(picture.marked(2)).tolist() == [[3, 3]]


def test_axes_of_one_value_in_between_are_left_out() -> None:
    picture = sliced(Results(square(3, 1, 2, 1), np.arange(6).reshape(3, 1, 2, 1)))
    assert [axis.name for axis in picture.axes] == ["a", "c"]
    assert picture.values.tolist() == [[0, 1], [2, 3], [4, 5]]
    assert picture.title == "L1 at b = 0, d = 0"


def test_arrays_complex_numbers_and_masks() -> None:
    axes = square(2)
    assert sliced(Results(axes, np.array([[1, 2], [3, 4]]))).title == "L1[0]"
    assert sliced(Results(axes, np.array([[1, 2], [3, 4]]))).values.tolist() == [1, 3]
    picture = sliced(Results(axes, np.array([3 + 4j, 1j])))
    assert (picture.title, picture.values.tolist()) == ("|L1|", [5, 1])
    masked = np.ma.MaskedArray([True, False], [False, True])
    assert str(sliced(Results(axes, masked)).values.tolist()) == "[1.0, nan]"


def test_texts_have_no_picture_and_neither_has_a_sweep_without_parameters() -> None:
    with pytest.raises(PictureError, match="L1 is not made of numbers"):
        LivePicture(Results(square(2), np.array(["x", "y"])), "L1").text()
    with pytest.raises(PictureError, match="without parameters"):
        LivePicture(Results([], np.array(1.0)), "L1").text()


def test_what_is_not_computed_can_be_filled_in() -> None:
    grid = Results(square(3), np.array([1.0, NAN, 3.0]))
    assert sliced(grid, fill=np.nan_to_num).values.tolist() == [1, 0, 3]
    nothing = sliced(Results(square(2), np.array([NAN, NAN])), fill=np.nan_to_num)
    assert np.isnan(nothing.values).all()


# --- pixels


@given(
    st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30, unique=True),
    st.booleans(),
    st.integers(1, 200),
)
def test_a_pixel_shows_the_nearest_value(values: list[float], falls: bool, pixels: int) -> None:
    places = np.array(sorted(values, reverse=falls))
    low, high = ends_of(places)
    centres = low + (np.arange(pixels) + 0.5) * (high - low) / pixels
    found = cells_of(places, pixels)
    distances = np.abs(places - centres[:, None])
    chosen = distances[np.arange(pixels), found]
    assert (chosen <= distances.min(axis=1) + 1e-6 * (high - low)).all()


def test_even_cells_are_equally_wide() -> None:
    assert cells_of(np.array([0.0, 1.0, 2.0]), 9).tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert cells_of(np.array([2.0, 1.0, 0.0]), 3).tolist() == [2, 1, 0]
    assert cells_of(np.array([5.0]), 2).tolist() == [0, 0]


def test_wild_values_do_not_take_all_colours() -> None:
    values = np.append(np.linspace(0, 1, 5000), [1e9, -1e12, NAN, np.inf])
    low, high = color_range(values)
    assert -3 < low <= 0
    assert 1 <= high < 4
    assert color_range(np.linspace(-2, 3, 50)) == (-2, 3)


@given(arrays(np.float64, (3, 4)))
def test_any_numbers_have_colours(values: NDArray[np.float64]) -> None:
    low, high = color_range(values)
    assert high > low
    colors = colors_of(values, low, high)
    assert (colors.shape, colors.dtype) == ((3, 4, 3), np.uint8)
    waiting = (colors == 232).all(axis=2)
    assert (waiting == np.isnan(values)).all()


def corners(picture: NDArray[np.uint8]) -> list[tuple[int, ...]]:
    """Colours inside the map: bottom left, bottom right, top left, top right."""
    height, width = picture.shape[:2]
    return [
        tuple(picture[round(height * down), round(width * right)].tolist())
        for down in (0.8, 0.15)
        for right in (0.2, 0.78)
    ]


def test_a_map_has_the_first_axis_to_the_right_the_second_upwards_and_marks() -> None:
    values = np.linspace(0, 1, 48).reshape(6, 8)
    status = np.ones(values.shape)
    values[0, 7], values[5, 0], values[5, 7] = NAN, NAN, NAN
    status[0, 7], status[5, 0], status[5, 7] = 0, 2, 3
    live = LivePicture(Results(square(6, 8), values, status), "L1")
    for final, size in ((False, (420, 640)), (True, (840, 1280))):
        drawn = live.draw(final=final)
        picture = opened(drawn.png)
        assert picture.shape[:2] == size
        assert (drawn.width, drawn.height) == (640, 420)
        first, right, top, far = corners(picture)
        assert first == (68, 1, 84), "the darkest"
        assert (right, top, far) == ((211, 47, 47), (232, 232, 232), (255, 255, 255))


def test_a_map_that_fills_in_is_drawn_anew() -> None:
    grid = Results(square(6, 8), np.full((6, 8), NAN))
    live = LivePicture(grid, "L1")
    empty = opened(live.draw(final=False).png)
    assert set(corners(empty)) == {(232, 232, 232)}
    grid.values = np.linspace(0, 1, 48).reshape(6, 8)
    full = opened(live.draw(final=False).png)
    assert len(set(corners(full))) == 4
    again = opened(live.draw(final=False).png)
    assert (again == full).all(), "the frame was kept, without the old pixels"
    grid.values = grid.values * 2
    assert (opened(live.draw(final=False).png) != full).any(), "the scale has changed"


@pytest.mark.parametrize(
    "grid",
    [
        Results(square(30), np.sin(np.arange(30.0)), [2] + [1] * 29),
        Results(square(30, 2), np.sin(np.arange(60.0)).reshape(30, 2), np.ones((30, 2))),
        Results([Axis(m=["$a", "b$", "a very long name of a method"])], np.arange(3)),
        Results([Axis(m=list("pqrstuv")), Axis(a=np.geomspace(1, 1e6, 9))], np.ones((7, 9))),
        Results(square(5000), np.where(np.arange(5000) % 7 > 2, np.arange(5000.0), NAN)),
        Results([Axis("sample", a=np.sin(np.arange(99.0)), b=np.cos(np.arange(99.0)))], np.arange(99)),
        Results([Axis("sample", a=np.sin(np.arange(99.0)))], np.arange(99)),
        Results([Axis("sample", a=np.sin(np.arange(99.0))), *square(7)], np.ones((99, 7))),
        Results([Axis(a=[3])], np.array([NAN])),
        Results(square(40), np.full(40, NAN)),
        Results(square(6), np.array([1.0, NAN, np.inf, -np.inf, 1e308, -1e308])),
        Results(square(6, 6), np.array([[1.0, NAN, np.inf, -np.inf, 1e308, -1e308]] * 6)),
    ],
    ids=[
        "line",
        "lines",
        "names",
        "log",
        "long",
        "sample",
        "sample of one",
        "sample and axis",
        "point",
        "empty",
        "wild line",
        "wild map",
    ],
)
def test_everything_has_a_picture(grid: Results) -> None:
    drawn = LivePicture(grid, "L1").draw(final=False)
    picture = opened(drawn.png)
    assert picture.shape == (420, 640, 3)
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 3
    assert drawn.text.startswith("L1")


def test_pyplot_is_not_touched() -> None:
    code = (
        "import sys; from everest_kernel.notebook import sweep_view, sweep_picture; import numpy as np\n"
        "assert 'matplotlib' not in sys.modules, 'starting must stay fast'\n"
        "from tests.notebook.test_sweep_picture import Results, square\n"
        "sweep_picture.LivePicture(Results(square(6, 6), np.ones((6, 6))), 'L1').draw(final=True)\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_matplotlib_there_is_an_error_that_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    true_import = builtins.__import__

    def refuse(name: str, *args: Any, **more: Any) -> Any:
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return true_import(name, *args, **more)

    monkeypatch.setattr(builtins, "__import__", refuse)
    live = LivePicture(Results(square(3), np.arange(3)), "L1")
    with pytest.raises(ConfigurationError, match="pip install"):
        live.draw(final=False)
    assert "▁▅█" in live.text()


# --- characters


def test_a_sparkline() -> None:
    assert sparkline(np.array([0, 1, NAN, 7, 9]), 0, 7) == "▁▂ ██"
    assert sparkline(np.arange(600.0), 0, 599, 3) == "▂▅▇"
    assert sparkline(np.array([2.0, 2.0]), 2, 2) == "▁▁"


def test_a_line_in_characters() -> None:
    picture = sliced(Results([Axis(a=[1.0, 2.0, 4.0])], np.array([0.0, NAN, 1.0])))
    assert text_picture(picture) == "L1 from 0 to 1\n▁ █\na = 1 … 4"


def test_few_lines_in_characters() -> None:
    values = np.stack([np.arange(8), 7 - np.arange(8)], axis=1)
    picture = sliced(Results([Axis(a=np.arange(8)), Axis(b=[10, 100])], values))
    assert text_picture(picture).splitlines() == [
        "L1 from 0 to 7",
        "b = 10  ▁▂▃▄▅▆▇█",
        "b = 100 █▇▆▅▄▃▂▁",
        "        a = 0 … 7",
    ]


def test_a_map_in_characters() -> None:
    values = np.add.outer(np.arange(9.0), np.zeros(6))
    values[0, 5] = NAN
    lines = text_picture(sliced(Results(square(9, 6), values))).splitlines()
    assert lines[:3] == ["L1 from 0 (.) to 8 (@)", "b", "5 | :-=+*#%@"]
    assert lines[-2:] == ["0 |.:-=+*#%@", "   a = 0 … 8"]
    assert len(lines) == 9


def test_nothing_yet() -> None:
    assert text_picture(sliced(Results(square(9), np.full(9, NAN)))) == "L1: no results yet"


def test_a_sample_in_characters() -> None:
    axis = Axis("sample", a=np.array([0.0, 1.0, 0.2, 0.9]))
    picture = take_scatter(Results([axis], np.array([1.0, 5.0, 3.0, NAN])), "L1", axis, ("a",))
    assert isinstance(picture, Scatter)
    lines = text_picture(picture).splitlines()
    assert lines[0] == "L1 from 1 to 5"
    assert (lines[1][0], lines[1][12], lines[1][-1]) == ("▁", "▅", "█")
    assert lines[2] == "a = 0 … 1"


@settings(max_examples=50)
@given(arrays(np.float64, st.tuples(st.integers(1, 80), st.integers(1, 40))))
def test_any_map_fits_into_a_console(values: NDArray[np.float64]) -> None:
    lines = text_picture(sliced(Results(square(*values.shape), values))).splitlines()
    assert len(lines) <= 20
    assert max(map(len, lines)) < 80
