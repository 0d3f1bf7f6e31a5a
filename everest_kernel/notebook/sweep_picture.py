"""The live picture of a sweep as a PNG: lines over one parameter, a heat map over two, points of a sample.

Drawn with matplotlib, but never through pyplot: a thread draws while the user's cells may use pyplot's current
figure. Of a heat map only the frame is matplotlib's; its pixels are looked up by numpy and put into the frame, which
is kept while axes and colours stay. That takes a fraction of the time and shows uneven axes as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..wire import ConfigurationError
from .sweep_pixels import COLORS, Pixels, cells_of, color_range, colors_of, drawable, ends_of, png_of
from .sweep_slice import (
    Coordinates,
    Floats,
    GridLike,
    Scatter,
    Slice,
    coordinates_of,
    take_scatter,
    take_slice,
)
from .sweep_text import limits, text_picture

__all__ = ["Drawn", "LivePicture"]

_SIZE = (640, 420)
"""Pixels at which a picture is shown."""
_FINE = 2
"""Times as many pixels in the final picture: it is looked at for longer, and printed."""
_DPI = 100
_PLOT = (0.14, 0.135, 0.69, 0.775)
_WIDE_PLOT = (0.14, 0.135, 0.84, 0.775)
_BAR = (0.85, 0.135, 0.03, 0.775)
_MOST_POINTS = 2000
_MOST_MARKS = 400
_MOST_TICKS = 10
_FAILED, _LEFT_OUT = 2, 3
_FAILED_RGB, _LEFT_OUT_RGB = (211, 47, 47), (255, 255, 255)


@dataclass(frozen=True)
class Drawn:
    """A picture.

    Attributes:
        png: the file.
        width: pixels at which it is to be shown; the file may have more.
        height: the same.
        text: the picture in characters, some lines.
    """

    png: bytes
    width: int
    height: int
    text: str


class LivePicture:
    """Draws one output of a sweep, as far as it is known. To be used by one thread at a time.

    Args:
        grid: the results so far.
        output: the name of an output that is a number; of arrays the first element is drawn, of complex numbers the
            absolute value.
        fill: guesses values where none are computed, for a sweep that computes only some of its points.
    """

    def __init__(self, grid: GridLike, output: str, *, fill: Callable[[Floats], Floats] | None = None) -> None:
        self._grid = grid
        self._output = output
        self._fill = fill
        self._axes: list[Coordinates | tuple[str, ...]] | None = None
        self._frame: tuple[Any, Pixels] | None = None

    def draw(self, *, final: bool) -> Drawn:
        """Draw what there is.

        Args:
            final: with more pixels.

        Raises:
            ConfigurationError: matplotlib is missing.
            PictureError: the output cannot be drawn.
        """
        figure = _new_figure(_FINE if final else 1)  # tells at once when it cannot
        picture = self._look()
        if isinstance(picture, Scatter):
            pixels = _draw_scatter(figure, picture)
        elif len(picture.axes) == 2 and picture.few is None:
            pixels = self._draw_map(figure, picture)
        else:
            pixels = _draw_lines(figure, picture)
        return Drawn(png_of(pixels), *_SIZE, text_picture(picture))

    def text(self) -> str:
        """What there is, in characters. Needs no matplotlib.

        Raises:
            PictureError: the output cannot be drawn.
        """
        return text_picture(self._look())

    def _look(self) -> Slice | Scatter:
        space = self._grid.space
        if self._axes is None:
            self._axes = [coordinates_of(axis) for axis in space.axes]
        if len(self._axes) == 1 and isinstance(self._axes[0], tuple):
            return take_scatter(self._grid, self._output, space.axes[0], self._axes[0])
        axes = [
            _in_order(axis.label, axis.size) if isinstance(known, tuple) else known
            for axis, known in zip(space.axes, self._axes, strict=True)
        ]
        return take_slice(self._grid, self._output, axes, fill=self._fill)

    def _draw_map(self, figure: Any, picture: Slice) -> Pixels:
        across, up = picture.axes
        low, high = color_range(picture.values)
        key = (picture.title, across.label, up.label, low, high, _beyond(low, high, picture.values), figure.dpi)
        if self._frame is None or self._frame[0] != key:
            axes = _axes(figure, picture.title, across.label, up.label, _PLOT)
            axes.set_xlim(*ends_of(across.places))
            axes.set_ylim(*ends_of(up.places))
            _ticks(axes.xaxis, across)
            _ticks(axes.yaxis, up)
            _color_bar(figure, low, high, picture.values)
            self._frame = key, _render(figure)
        pixels: Pixels = self._frame[1].copy()
        _fill_in(pixels, picture, low, high)
        return pixels


def _fill_in(pixels: Pixels, picture: Slice, low: float, high: float) -> None:
    """Put a map's values into its frame, whose lines stay."""
    height, width = pixels.shape[:2]
    left, right = round(_PLOT[0] * width), round((_PLOT[0] + _PLOT[2]) * width)
    bottom, top = round((1 - _PLOT[1]) * height), round((1 - _PLOT[1] - _PLOT[3]) * height)
    line = 1  # the inner half of the frame's
    columns = cells_of(picture.axes[0].places, right - left)[line:-line]
    rows = cells_of(picture.axes[1].places, bottom - top)[::-1][line:-line]
    chosen = np.ix_(columns, rows)
    values = picture.values[chosen]
    colors = colors_of(values, low, high)
    if picture.status is not None:
        status, missing = picture.status[chosen], np.isnan(values)
        colors[missing & (status == _FAILED)] = _FAILED_RGB
        colors[missing & (status == _LEFT_OUT)] = _LEFT_OUT_RGB
    pixels[top + line : bottom - line, left + line : right - line, :3] = colors.swapaxes(0, 1)


# --- lines and points


def _draw_lines(figure: Any, picture: Slice) -> Pixels:
    """One line, or one for each value of an axis that has few."""
    few = picture.few
    along = picture.axes[0] if len(picture.axes) == 1 else picture.axes[1 - (few or 0)]
    axes = _axes(figure, picture.title, along.label, picture.output, _WIDE_PLOT)
    lines = picture.values[None] if few is None else np.moveaxis(picture.values, few, 0)
    marker = "." if len(along.places) <= _MOST_MARKS else ""
    style = "none" if along.kind == "listed" else "-"
    for index, line in enumerate(lines):
        label = "" if few is None else f"{picture.axes[few].name} = {picture.axes[few].text(index)}"
        places, heights = _thinned(along.places, drawable(line))
        axes.plot(places, heights, linestyle=style, marker=marker, markersize=4, linewidth=1.2, label=label)
    failed = picture.marked(_FAILED)
    if failed.any():
        at = along.places[failed if few is None else failed.any(axis=few)][:_MOST_MARKS]
        axes.plot(at, np.zeros(len(at)), "|", color="#d32f2f", markersize=10, transform=axes.get_xaxis_transform())
    axes.set_xlim(*ends_of(along.places))
    axes.grid(alpha=0.3)
    _ticks(axes.xaxis, along)
    if few is not None:
        legend = axes.legend(loc="upper right", fontsize=8)
        for text in legend.get_texts():
            text.set_parse_math(False)
    return _render(figure)


def _draw_scatter(figure: Any, picture: Scatter) -> Pixels:
    """Points over one parameter, or coloured points over two."""
    known = np.flatnonzero(np.isfinite(picture.values))
    known = known[:: len(known) // (2 * _MOST_POINTS) + 1]
    values, places = drawable(picture.values[known]), [place[known] for place in picture.places]
    if len(places) == 1:
        axes = _axes(figure, picture.title, picture.labels[0], picture.output, _WIDE_PLOT)
        axes.plot(places[0], values, ".", markersize=4)
        axes.grid(alpha=0.3)
    else:
        axes = _axes(figure, picture.title, picture.labels[0], picture.labels[1], _PLOT)
        low, high = color_range(picture.values)
        axes.scatter(*places, c=values, s=14, cmap=COLORS, vmin=low, vmax=high)
        _color_bar(figure, low, high, picture.values)
    for set_ends, place in zip((axes.set_xlim, axes.set_ylim), picture.places, strict=False):
        low, high = float(place.min()), float(place.max())
        margin = 0.02 * (high - low) or 0.5
        set_ends(low - margin, high + margin)
    return _render(figure)


def _thinned(places: Floats, values: Floats) -> tuple[Floats, Floats]:
    """Lines of very many points as the least and the largest value of neighbours, which look the same."""
    size = len(values)
    count = _MOST_POINTS // 2
    if size <= _MOST_POINTS:
        return places, values
    starts = np.arange(count) * size // count
    pairs = np.stack([np.fmin.reduceat(values, starts), np.fmax.reduceat(values, starts)], axis=1)
    return np.repeat(places[starts], 2), pairs.reshape(-1)


# --- parts of pictures


def _new_figure(scale: int) -> Any:
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ConfigurationError("matplotlib is missing here", hint="pip install 'everest-kernel[plots]'") from error
    figure = Figure(figsize=(_SIZE[0] / _DPI, _SIZE[1] / _DPI), dpi=_DPI * scale, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def _axes(figure: Any, title: str, across: str, up: str, place: tuple[float, ...]) -> Any:
    axes = figure.add_axes(place)
    texts = (axes.set_title(title, loc="left", fontsize=10), axes.set_xlabel(across), axes.set_ylabel(up))
    for text in texts:
        text.set_parse_math(False)  # a dollar sign in a value is one
    axes.tick_params(labelsize=8)
    return axes


def _ticks(axis: Any, places: Coordinates) -> None:
    """Write values at places that are not the values themselves."""
    from matplotlib.ticker import FixedFormatter, FixedLocator, FuncFormatter, MaxNLocator

    if places.kind == "listed":
        step = -(-len(places.places) // _MOST_TICKS)
        chosen = range(0, len(places.places), step)
        axis.set_major_locator(FixedLocator([float(index) for index in chosen]))
        axis.set_major_formatter(FixedFormatter([places.text(index) for index in chosen]))
        for label in axis.get_ticklabels():
            label.set_parse_math(False)
    elif places.kind == "log":
        axis.set_major_formatter(FuncFormatter(lambda place, _: f"{10.0**place:.3g}"))
    elif places.values.dtype.kind in "iu":
        axis.set_major_locator(MaxNLocator(nbins=8, integer=True))


def _color_bar(figure: Any, low: float, high: float, values: Floats) -> None:
    """The scale of colours; it has a point at an end that some values are beyond."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    extend = _beyond(low, high, values)
    bar = figure.colorbar(ScalarMappable(Normalize(low, high), COLORS), cax=figure.add_axes(_BAR), extend=extend)
    bar.ax.tick_params(labelsize=8)


def _beyond(low: float, high: float, values: Floats) -> str:
    least, most = limits(values)
    return {(False, False): "neither", (True, False): "min", (False, True): "max"}.get(
        (least < low, most > high), "both"
    )


def _render(figure: Any) -> Pixels:
    figure.canvas.draw()
    pixels: Pixels = np.array(figure.canvas.buffer_rgba())
    return pixels


def _in_order(name: str, size: int) -> Coordinates:
    """An axis that is drawn by number, as its values have no order."""
    indices = np.arange(size)
    return Coordinates(name, name, "linear", indices.astype(np.float64), indices)
