"""Pictures of Lyapunov exponents over two parameters: heat maps of one exponent, maps of classes of orbits.

Each function returns a matplotlib Figure of its own, made without pyplot, so that it may be called from any thread and
changes no global state. Colours keep their meaning for colour-blind people and in grey print: lightness alone orders
the values, and what is missing is hatched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .classes import OrbitClass

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "CLASS_COLOURS",
    "Label",
    "class_picture",
    "exponent_colours",
    "exponent_picture",
]

Array = NDArray[np.float64]

CLASS_COLOURS = {
    OrbitClass.DIVERGED: "#ffffff",
    OrbitClass.FIXED_POINT: "#f5d76e",
    OrbitClass.PERIODIC: "#74b9e6",
    OrbitClass.QUASI_PERIODIC: "#2c9474",
    OrbitClass.CHAOTIC: "#a3341b",
    OrbitClass.HYPERCHAOTIC: "#2b0f3d",
}
"""From light to dark in the order of complexity; hues apart for every kind of colour blindness."""

MISSING_STYLE: dict[str, Any] = {"facecolor": "0.82", "edgecolor": "0.45", "hatch": "////", "linewidth": 0.0}
"""How places without a value look."""
_STOPS = ("#0b1d51", "#2b5ea7", "#8d8d8d", "#eda32c", "#fff3b8")
_OUTLYING = 2.0
"""Colours end at the 98th percentile of sizes when the largest is further out than this many times."""


class Label(NamedTuple):
    """What an axis or a colour bar is called.

    Attributes:
        name: such as "ρ" or "largest exponent".
        unit: such as "1/s"; empty for a pure number.
    """

    name: str
    unit: str = ""

    def __str__(self) -> str:
        return f"{self.name} ({self.unit})" if self.unit else self.name


_LARGEST = Label("largest Lyapunov exponent")


def exponent_colours() -> Any:
    """The diverging colour map: blue and dark below zero, grey at zero, orange and light above.

    Lightness rises all the way, so that the two sides stay apart in grey too; the usual maps are lightest at zero, and
    in grey print their ends look alike.

    Returns:
        A matplotlib LinearSegmentedColormap.
    """
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("exponents", _STOPS)


def exponent_picture(
    x: ArrayLike,
    y: ArrayLike,
    values: ArrayLike,
    *,
    x_label: Label,
    y_label: Label,
    label: Label = _LARGEST,
    title: str = "",
    limit: float | None = None,
    level: float = 0.0,
    size: tuple[float, float] = (6.4, 4.8),
) -> Figure:
    """A heat map of one exponent over two parameters, with colours centred on zero and a contour, the chaos border.

    Args:
        x: shape (columns,), rising or falling; at least two values.
        y: shape (rows,), likewise.
        values: shape (rows, columns); NaN where there is no value, minus infinity for a superstable orbit.
        x_label: name and unit along x.
        y_label: name and unit along y.
        label: name and unit of the exponent.
        title: above the picture.
        limit: colours reach from −limit to limit; by default to the largest size, but for far outliers.
        level: of the contour. Over periodic orbits of a flow the largest exponent is zero but for noise: there a level
            above that noise, such as 3/T, shows where chaos begins.
        size: in inches.

    Returns:
        The figure: axes with mesh and contour, a colour bar, and a legend that names what is drawn.

    Raises:
        ValueError: shapes do not fit, or the limit is not positive.
    """
    across, up, table = _grid(x, y, values)
    missing = np.isnan(table)
    if limit is None:
        limit = _limit(table)
    elif not limit > 0:
        raise ValueError(f"limit = {limit}: give a positive number")
    shown = np.ma.masked_array(np.clip(table, -1.01 * limit, 1.01 * limit), missing)
    figure, ax = _canvas(size, x_label, y_label, title)
    mesh = ax.pcolormesh(across, up, shown, cmap=exponent_colours(), vmin=-limit, vmax=limit, shading="nearest")
    mesh.set_rasterized(True)
    below, above = bool((shown < -limit).any()), bool((shown > limit).any())
    extend = {(False, False): "neither", (True, False): "min", (False, True): "max", (True, True): "both"}[below, above]
    bar = figure.colorbar(mesh, ax=ax, label=str(label), extend=extend)
    bar.ax.axhline(0.0, color="black", linewidth=1.2)
    handles: list[Any] = []
    if shown.count() and shown.min() < level < shown.max():
        from matplotlib.lines import Line2D

        ax.contour(across, up, shown, levels=[level], colors="black", linewidths=1.2)
        handles.append(Line2D([], [], color="black", linewidth=1.2, label=f"{level:g}" if level else "zero"))
    if missing.any():
        handles.append(_hatch(ax, "no value"))
    _legend(figure, handles)
    return figure


def class_picture(
    x: ArrayLike,
    y: ArrayLike,
    classes: ArrayLike,
    *,
    x_label: Label,
    y_label: Label,
    title: str = "",
    size: tuple[float, float] = (7.0, 4.8),
) -> Figure:
    """A map of classes of orbits over two parameters, with a legend of the classes that occur.

    Args:
        x: shape (columns,), rising or falling; at least two values.
        y: shape (rows,), likewise.
        classes: shape (rows, columns), codes of `OrbitClass`; NaN or masked where there is none.
        x_label: name and unit along x.
        y_label: name and unit along y.
        title: above the picture.
        size: in inches.

    Returns:
        The figure.

    Raises:
        ValueError: shapes do not fit, or a code is none of `OrbitClass`.
    """
    from matplotlib.colors import BoundaryNorm, ListedColormap
    from matplotlib.patches import Patch

    table = np.ma.filled(np.ma.asarray(classes).astype(np.float64), np.nan)
    across, up, table = _grid(x, y, table)
    missing = np.isnan(table)
    codes = [int(code) for code in OrbitClass]
    strange = sorted(set(table[~missing].tolist()) - set(codes))
    if strange:
        raise ValueError(f"classes: {strange[0]:g} is no code of OrbitClass; these are {min(codes)} … {max(codes)}")
    figure, ax = _canvas(size, x_label, y_label, title)
    colours = ListedColormap([CLASS_COLOURS[kind] for kind in OrbitClass])
    norm = BoundaryNorm([code - 0.5 for code in codes] + [codes[-1] + 0.5], len(codes))
    mesh = ax.pcolormesh(across, up, np.ma.masked_array(table, missing), cmap=colours, norm=norm, shading="nearest")
    mesh.set_rasterized(True)
    handles: list[Any] = [
        Patch(facecolor=CLASS_COLOURS[kind], edgecolor="black", linewidth=0.6, label=kind.label)
        for kind in OrbitClass
        if (table == kind).any()
    ]
    if missing.any():
        handles.append(_hatch(ax, "no value"))
    _legend(figure, handles)
    return figure


def blank_figure(size: tuple[float, float]) -> Figure:
    """A figure that belongs to nobody else; its size in inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=size, layout="constrained")


def _canvas(size: tuple[float, float], x_label: Label, y_label: Label, title: str) -> tuple[Figure, Axes]:
    figure = blank_figure(size)
    ax = figure.add_subplot()
    ax.set(xlabel=str(x_label), ylabel=str(y_label), title=title)
    return figure, ax


def _grid(x: ArrayLike, y: ArrayLike, values: ArrayLike) -> tuple[Array, Array, Array]:
    across, up, table = (np.asarray(a, dtype=np.float64) for a in (x, y, values))
    if across.ndim != 1 or up.ndim != 1 or table.shape != (len(up), len(across)) or min(table.shape) < 2:
        raise ValueError(
            f"x {across.shape}, y {up.shape} and values {table.shape} do not fit; give (columns,), (rows,) and "
            "(rows, columns), with at least two of each"
        )
    return across, up, table


def _limit(table: Array) -> float:
    """How far colours reach to either side of zero."""
    sizes = np.abs(table[np.isfinite(table)])
    if not sizes.size or not sizes.max():
        return 1.0
    usual = float(np.percentile(sizes, 98))
    return usual if 0 < _OUTLYING * usual < sizes.max() else float(sizes.max())


def _hatch(ax: Axes, name: str) -> Any:
    """Hatch what no value covers; returns its sample for the legend."""
    from matplotlib.patches import Patch

    ax.patch.set(**MISSING_STYLE)
    return Patch(label=name, **MISSING_STYLE)


def _legend(figure: Figure, handles: list[Any]) -> None:
    """Beneath the picture, where it hides nothing."""
    if handles:
        figure.legend(handles=handles, loc="outside lower center", ncols=min(len(handles), 4), fontsize="small")
