"""Draws a grid with matplotlib: lines over one axis, heat maps over two, scattered points for samples."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .ledger import Status
from .optional import need
from .outputs import SweepOutputError
from .picture import Picture, Scale, picture_of, scale_of
from .selection import axis_values

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .results import SweepResults

__all__ = ["picture_bytes", "plot"]

_MOST_LINES = 10
_MOST_MARKS = 500
_MOST_TICKS = 30
_FEW = 6
"""An axis with at most so many values has its ticks at them."""
_NOTHING = "0.92"
"""The grey of points without a result."""


def plot(
    grid: SweepResults, output: str | None, *, contour: float | None, ax: Axes | None, params: Mapping[str, Any]
) -> Axes:
    """Draw an output; see `Grid.plot`."""
    if ax is None:
        pyplot = need("matplotlib.pyplot", "a plot")
        picture = picture_of(grid, output, params)
        _, ax = pyplot.subplots(layout="constrained")
    else:
        picture = picture_of(grid, output, params)
    assert ax is not None
    draw(picture, ax, contour)
    return ax


def picture_bytes(grid: SweepResults, output: str | None = None, *, inches: tuple[float, float] = (4, 3)) -> bytes:
    """A small picture as PNG, drawn without the global state of pyplot: from any thread.

    Args:
        grid: with at least one result.
        output: its name; None: the first.
        inches: width and height.

    Raises:
        ConfigurationError: matplotlib is not installed.
        SweepOutputError: there is nothing to draw.
    """
    figures = need("matplotlib.figure", "a picture")
    picture = picture_of(grid, output, {})
    figure = figures.Figure(figsize=inches, layout="constrained")
    draw(picture, figure.add_subplot(), None)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=90)
    return buffer.getvalue()


def draw(picture: Picture, ax: Axes, contour: float | None) -> None:
    """Draw what was worked out.

    Args:
        picture: from `picture_of`.
        ax: matplotlib axes.
        contour: a level to draw into a heat map.

    Raises:
        SweepOutputError: a contour of something that is not a heat map.
    """
    scattered = len(picture.axes) == 1 and not picture.scales[0].rising
    if contour is not None and len(picture.axes) != 2:
        raise SweepOutputError("only a heat map, over two parameters, has a contour", hint="Leave contour= out.")
    if len(picture.axes) == 2:
        _heat_map(picture, ax, contour)
    elif scattered and len(_numeric(picture)) > 1 and picture.values.ndim == 1:
        _scatter(picture, ax)
    else:
        _lines(picture, ax, joined=not scattered)
    if picture.title:
        ax.set_title(picture.title)


def _numeric(picture: Picture) -> list[str]:
    axis = picture.axes[0]
    return [name for name in axis.names if axis_values(axis, name).dtype.kind in "iuf"]


def _lines(picture: Picture, ax: Axes, *, joined: bool) -> None:
    values = picture.values
    if not picture.axes:  # one point: its entries side by side
        ax.plot(np.arange(values.size), values.reshape(-1), "o")
        ax.set_xlabel("entry")
    else:
        scale = picture.scales[0]
        columns = values.reshape(len(scale.values), -1)
        dots = not joined or len(scale.values) <= _MOST_TICKS or scale.kind == "words"
        style: dict[str, Any] = {"linestyle": "-" if joined else "", "marker": "o" if dots else "", "markersize": 3}
        for number in range(min(_MOST_LINES, columns.shape[1])):
            label = f"{picture.label}[{number}]" if values.ndim > 1 else None
            ax.plot(scale.values, columns[:, number], label=label, **style)
        if values.ndim > 1:
            ax.legend()
        failed = scale.values[picture.status == Status.FAILED]
        if len(failed):
            low = np.full(len(failed), 0.02)
            ax.plot(failed, low, "x", color="tab:red", transform=ax.get_xaxis_transform(), label="failed")
        _dress(ax, scale, "x")
    ax.set_ylabel(picture.label)
    if picture.words:
        ax.set_yticks(range(len(picture.words)), picture.words)


def _scatter(picture: Picture, ax: Axes) -> None:
    axis = picture.axes[0]
    scales = [scale_of(axis, name) for name in _numeric(picture)[:2]]
    order = picture.scales[0].order
    first, second = (axis_values(axis, name)[order].astype(np.float64) for name in _numeric(picture)[:2])
    known = ~np.isnan(picture.values)
    ax.scatter(first[~known], second[~known], s=8, color=_NOTHING)
    drawn = ax.scatter(first[known], second[known], c=picture.values[known], s=12)
    ax.set(xlabel=scales[0].label, ylabel=scales[1].label)
    _colour_bar(picture, ax, drawn)


def _heat_map(picture: Picture, ax: Axes, contour: float | None) -> None:
    across, up = picture.scales
    values = np.ma.masked_invalid(picture.values.T)
    colours = _colours(picture, contour)
    if across.even and up.even and across.kind != "log" and up.kind != "log":
        extent = (across.edges[0], across.edges[-1], up.edges[0], up.edges[-1])
        drawn: Any = ax.imshow(values, origin="lower", aspect="auto", extent=extent, interpolation="nearest", **colours)
    else:
        drawn = ax.pcolormesh(across.edges, up.edges, values, **colours)
    ax.set_facecolor(_NOTHING)
    bar = _colour_bar(picture, ax, drawn)
    if contour is not None and values.shape[0] > 1 and values.shape[1] > 1:
        if values.min() <= contour <= values.max() and values.min() < values.max():
            ax.contour(across.values, up.values, values, levels=[contour], colors="black", linewidths=1.2)
        bar.ax.axhline(contour, color="black", linewidth=1.2)
    _mark(ax, picture, picture.status.T == Status.FAILED, "x", "tab:red")
    if picture.computed is not None:
        _mark(ax, picture, picture.computed.T, ".", "black")
    _dress(ax, across, "x")
    _dress(ax, up, "y")


def _colours(picture: Picture, contour: float | None) -> dict[str, Any]:
    """The colour map: one with a middle for values around a level."""
    if contour is None or picture.words:
        return {"cmap": "viridis"}
    known = picture.values[np.isfinite(picture.values)]
    far = (float(np.abs(known - contour).max()) if known.size else 0.0) or 1.0
    return {"cmap": "RdBu_r", "vmin": contour - far, "vmax": contour + far}


def _colour_bar(picture: Picture, ax: Axes, drawn: Any) -> Any:
    bar = ax.figure.colorbar(drawn, ax=ax, label=picture.label)
    if picture.words:
        bar.set_ticks(range(len(picture.words)), labels=picture.words)
    return bar


def _mark(ax: Axes, picture: Picture, where: NDArray[np.bool_], marker: str, colour: str) -> None:
    """Mark points of a heat map; very many would hide it, then they are drawn as fine dots."""
    rows, columns = np.nonzero(where)
    if len(rows):
        size = 4.0 if len(rows) <= _MOST_MARKS else 0.5
        across, up = picture.scales
        limits = ax.get_xlim(), ax.get_ylim()
        ax.plot(across.values[columns], up.values[rows], marker, color=colour, markersize=size)
        ax.set(xlim=limits[0], ylim=limits[1])


def _dress(ax: Axes, scale: Scale, which: str) -> None:
    """Label and scale of one axis."""
    ax.set(**{f"{which}label": scale.label})
    if scale.kind == "log":
        ax.set(**{f"{which}scale": "log"})
    elif scale.kind == "linear" and len(scale.values) <= _FEW:
        ticks = ax.set_xticks if which == "x" else ax.set_yticks
        ticks(scale.values, [f"{value:.6g}" for value in scale.values])
    elif scale.kind == "words":
        step = -(-len(scale.words) // _MOST_TICKS)
        ticks = ax.set_xticks if which == "x" else ax.set_yticks
        ticks(scale.values[::step], list(scale.words[::step]))
