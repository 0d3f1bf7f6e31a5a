"""Pictures: what is drawn, with which names and limits; never pixels."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from matplotlib.collections import QuadMesh
from matplotlib.colors import to_rgb
from matplotlib.contour import ContourSet
from matplotlib.figure import Figure

from everest_kernel.lyapunov.classes import OrbitClass
from everest_kernel.lyapunov.picture_curves import bifurcation_picture, convergence_picture
from everest_kernel.lyapunov.pictures import (
    CLASS_COLOURS,
    Label,
    class_picture,
    exponent_colours,
    exponent_picture,
)

X, Y = np.linspace(20, 220, 5), np.linspace(2, 20, 4)
NAMES: dict[str, Any] = {"x_label": Label("ρ"), "y_label": Label("σ", "1/s")}


def lightness(colour: Any) -> float:
    """L* of CIE 1976: what is left of a colour in grey."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    luminance = float(np.dot([0.2126, 0.7152, 0.0722], linear))
    return 116 * float(np.cbrt(luminance)) - 16 if luminance > 0.008856 else 903.3 * luminance


def mesh_of(figure: Figure) -> QuadMesh:
    (mesh,) = (artist for artist in figure.axes[0].collections if isinstance(artist, QuadMesh))
    return mesh


def contours(figure: Figure) -> list[ContourSet]:
    return [artist for artist in figure.axes[0].get_children() if isinstance(artist, ContourSet)]


def legend(figure: Figure) -> list[str]:
    return [text.get_text() for one in figure.legends for text in one.get_texts()]


def drawn(figure: Figure) -> Figure:
    """It also renders, without a warning."""
    figure.savefig(io.BytesIO(), format="png", dpi=40)
    return figure


def test_colours_below_and_above_zero_differ_in_grey_and_zero_is_grey() -> None:
    colours = exponent_colours()(np.linspace(0, 1, 101))
    assert (np.diff([lightness(colour) for colour in colours]) > 0.1).all()
    assert np.ptp(exponent_colours()(0.5)[:3]) < 0.02
    assert colours[10][2] > colours[10][0]
    assert colours[90][0] > colours[90][2]


def test_classes_differ_in_grey() -> None:
    order = [lightness(CLASS_COLOURS[kind]) for kind in OrbitClass]
    assert (np.diff(order) < -8).all()


def test_exponents_are_centred_on_zero_with_a_contour() -> None:
    values = np.linspace(-0.5, 2, 20).reshape(4, 5)
    figure = drawn(exponent_picture(X, Y, values, label=Label("L1", "1/s"), title="Lorenz", **NAMES))
    ax, bar = figure.axes
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_title()) == ("ρ", "σ (1/s)", "Lorenz")
    assert bar.get_ylabel() == "L1 (1/s)"
    assert mesh_of(figure).get_clim() == (-2, 2)
    np.testing.assert_array_equal(mesh_of(figure).get_array(), values)
    (zero,) = contours(figure)
    assert list(zero.levels) == [0.0]
    assert legend(figure) == ["zero"]


@pytest.mark.parametrize("sign", [-1, 1])
def test_one_sign_has_no_contour(sign: int) -> None:
    figure = drawn(exponent_picture(X, Y, sign * np.linspace(0.1, 2, 20).reshape(4, 5), **NAMES))
    assert not contours(figure)
    assert legend(figure) == []
    assert mesh_of(figure).get_clim() == (-2, 2)


def test_missing_values_are_hatched_and_named() -> None:
    values = np.linspace(-0.5, 2, 20).reshape(4, 5)
    values[1, 2] = np.nan
    figure = drawn(exponent_picture(X, Y, values, **NAMES))
    assert np.argwhere(np.ma.getmaskarray(mesh_of(figure).get_array())).tolist() == [[1, 2]]
    assert figure.axes[0].patch.get_hatch()
    assert legend(figure) == ["zero", "no value"]


def test_nothing_at_all_is_still_a_picture() -> None:
    figure = drawn(exponent_picture(X, Y, np.full((4, 5), np.nan), **NAMES))
    assert legend(figure) == ["no value"]


def test_superstable_points_have_the_last_colour() -> None:
    values = np.linspace(-0.5, 0.7, 20).reshape(4, 5)
    values[0, 0] = -np.inf
    figure = drawn(exponent_picture(X, Y, values, **NAMES))
    assert mesh_of(figure).get_clim() == (-0.7, 0.7)
    assert not np.ma.getmaskarray(mesh_of(figure).get_array()).any()
    assert mesh_of(figure).colorbar.extend == "min"  # type: ignore[union-attr]


def test_outliers_do_not_wash_out_the_rest() -> None:
    values = np.full((20, 20), 0.5)
    values[0, 0] = -40
    figure = drawn(exponent_picture(np.arange(20), np.arange(20), values, **NAMES))
    assert mesh_of(figure).get_clim() == (-0.5, 0.5)
    assert exponent_picture(np.arange(20), np.arange(20), values, limit=3, **NAMES).axes[1].get_ylim() == (-3, 3)


def test_classes_have_their_colours_and_names() -> None:
    codes = np.array([[-1, 0, 1, 2, 3], [3] * 5, [3] * 5, [3] * 5], dtype=np.int8)
    figure = drawn(class_picture(X, Y, codes, title="kinds", **NAMES))
    assert legend(figure) == ["diverged", "fixed point", "periodic", "quasi-periodic", "chaotic"]
    handles = figure.legends[0].get_patches()
    for kind, handle in zip(OrbitClass, handles, strict=False):
        assert handle.get_facecolor()[:3] == pytest.approx(to_rgb(CLASS_COLOURS[kind]))
    shades = mesh_of(figure).to_rgba(mesh_of(figure).get_array())
    for column, kind in enumerate(list(OrbitClass)[:5]):
        assert tuple(shades[0, column, :3]) == pytest.approx(to_rgb(CLASS_COLOURS[kind]))


@pytest.mark.parametrize("make", [lambda a: np.where(a == 9, np.nan, a), lambda a: np.ma.masked_equal(a, 9)])
def test_classes_may_be_missing(make: Callable[[Any], Any]) -> None:
    codes = np.full((4, 5), 1)
    codes[3, 0] = 9
    figure = drawn(class_picture(X, Y, make(codes), **NAMES))
    assert legend(figure) == ["periodic", "no value"]
    assert figure.axes[0].patch.get_hatch()


def test_an_unknown_class_is_refused() -> None:
    with pytest.raises(ValueError, match="7 is no code"):
        class_picture(X, Y, np.full((4, 5), 7), **NAMES)


def test_convergence_has_a_panel_and_a_band_for_each_exponent() -> None:
    t = np.arange(1, 201.0)
    running = np.array([0.9, -14.5]) + np.array([5.0, -3.0]) / t[:, None]
    figure = drawn(
        convergence_picture(t, running, [0.05, 0.1], time_label=Label("time", "s"), label=Label("λ", "1/s"), title="L")
    )
    assert len(figure.axes) == 2
    for j, ax in enumerate(figure.axes):
        np.testing.assert_array_equal(ax.lines[0].get_ydata(), running[:, j])
        low, high = ax.get_ylim()
        assert low < running[-1, j] < high
        assert high - low < 2
        (band,) = ax.patches
        corners = band.get_path().vertices if not hasattr(band, "get_height") else None
        height = band.get_height() if corners is None else np.ptp(np.asarray(corners)[:, 1])
        assert height == pytest.approx(4 * [0.05, 0.1][j])
        assert ax.texts[0].get_text().startswith(f"L{j + 1} = ")
    assert figure.axes[-1].get_xlabel() == "time (s)"
    assert figure.axes[-1].get_xscale() == "log"
    assert figure.get_supylabel() == "λ (1/s)"
    assert legend(figure) == ["last value ± 2 standard errors"]


def test_convergence_without_errors_and_with_infinite_values() -> None:
    running = np.array([[0.5, -np.inf], [0.4, -np.inf], [0.4, -np.inf]])
    figure = drawn(convergence_picture([1, 2, 3], running, names=["first", "second"]))
    assert [ax.texts[0].get_text() for ax in figure.axes] == ["first = 0.4", "second = -inf"]
    assert not any(ax.patches for ax in figure.axes)


def test_bifurcation_points_and_exponents_share_the_axis() -> None:
    q = np.linspace(3, 4, 11)
    curve = np.linspace(-1, 0.7, 11)
    curve[4], curve[9:] = -np.inf, np.nan
    names = {"parameter_label": Label("r"), "value_label": Label("x"), "label": Label("λ", "per step")}
    figure = drawn(bifurcation_picture([3, 3, 4], [0.1, 0.2, 0.3], q, curve, **names))
    upper, lower = figure.axes
    assert upper.lines[0].get_xydata().tolist() == [[3, 0.1], [3, 0.2], [4, 0.3]]
    assert (upper.get_ylabel(), lower.get_ylabel(), lower.get_xlabel()) == ("x", "λ (per step)", "r")
    assert upper.get_xlim() == lower.get_xlim() == (3, 4)
    assert upper.get_position().x0 == pytest.approx(lower.get_position().x0)
    assert lower.get_position().y1 < upper.get_position().y0
    zero, line = lower.lines
    assert list(zero.get_ydata()) == [0, 0]
    assert np.flatnonzero(np.isnan(np.asarray(line.get_ydata(), dtype=float))).tolist() == [4, 9, 10]
    assert [text.get_text() for text in lower.get_legend().get_texts()] == ["no value", "L1"]
    low, high = lower.get_ylim()
    assert -2 < low < -1
    assert 0.3 < high < 1


def test_two_exponents_are_told_apart_by_their_strokes() -> None:
    curves = np.column_stack([np.linspace(-1, 1, 5), np.linspace(-2, 0, 5)])
    figure = drawn(
        bifurcation_picture([], [], np.arange(5), curves, parameter_label=Label("r"), value_label=Label("x"))
    )
    assert [line.get_linestyle() for line in figure.axes[1].lines[1:]] == ["-", "--"]


def test_what_does_not_fit_is_refused() -> None:
    names = {"parameter_label": Label("r"), "value_label": Label("x")}
    for call in (
        lambda: exponent_picture(X, Y, np.zeros((5, 4)), **NAMES),
        lambda: exponent_picture(X[:1], Y, np.zeros((4, 1)), **NAMES),
        lambda: exponent_picture(X, Y, np.zeros((4, 5)), limit=0, **NAMES),
        lambda: convergence_picture([1, 2], np.zeros((3, 2))),
        lambda: convergence_picture([1, 2], np.zeros((2, 2)), [0.1]),
        lambda: bifurcation_picture([1], [1, 2], [1], [1], **names),
        lambda: bifurcation_picture([1], [1], [1], [1, 2], **names),
    ):
        with pytest.raises(ValueError, match="give"):
            call()


def test_pyplot_is_not_touched() -> None:
    program = (
        "import sys, numpy as np\n"
        "from everest_kernel.lyapunov.pictures import Label, exponent_picture\n"
        "assert 'matplotlib' not in sys.modules\n"
        "exponent_picture([1, 2], [1, 2], np.eye(2) - 0.5, x_label=Label('a'), y_label=Label('b'))\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
