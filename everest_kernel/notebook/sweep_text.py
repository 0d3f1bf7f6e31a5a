"""Pictures of a sweep in characters, for consoles: sparklines, and a coarse map."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .sweep_slice import Coordinates, Floats, Scatter, Slice

__all__ = ["limits", "sparkline", "text_picture"]

_BLOCKS = "▁▂▃▄▅▆▇█"
_RAMP = ".:-=+*#%@"
_COLUMNS = 60
_ROWS = 16
_NONE = " "


def text_picture(picture: Slice | Scatter) -> str:
    """The picture in some lines of text."""
    if isinstance(picture, Scatter):
        picture = _binned(picture)
    low, high = limits(picture.values)
    if low > high:
        return f"{picture.title}: no results yet"
    first, last = f"{low:.4g}", f"{high:.4g}"
    few = picture.few
    if len(picture.axes) == 1:
        line = sparkline(picture.values, low, high)
        return f"{picture.title} from {first} to {last}\n{line}\n{_range(picture.axes[0])}"
    if few is not None:
        lines = np.moveaxis(picture.values, few, 0)
        axis = picture.axes[few]
        names = [f"{axis.name} = {axis.text(i)}" for i in range(len(lines))]
        width = max(map(len, names))
        rows = [f"{name:{width}} {sparkline(line, low, high)}" for name, line in zip(names, lines, strict=True)]
        below = f"{'':{width}} {_range(picture.axes[1 - few])}"
        return "\n".join([f"{picture.title} from {first} to {last}", *rows, below])
    return "\n".join([f"{picture.title} from {first} ({_RAMP[0]}) to {last} ({_RAMP[-1]})", *_map(picture, low, high)])


def sparkline(values: Floats, low: float, high: float, width: int = _COLUMNS) -> str:
    """One character per value, or per mean of neighbours where there are more than `width`; blank where none is known.

    Args:
        values: shape (n,).
        low: the value of the lowest block.
        high: that of the highest.
        width: characters, at most.
    """
    return _characters(_means(values, min(len(values), width), 0), low, high, _BLOCKS)


def limits(values: Floats) -> tuple[float, float]:
    """The least and the largest finite value; inf and -inf when there is none."""
    finite = values[np.isfinite(values)]
    return (float(finite.min()), float(finite.max())) if finite.size else (np.inf, -np.inf)


def _map(picture: Slice, low: float, high: float) -> list[str]:
    """Rows of characters, the second axis upwards."""
    across, up = picture.axes
    cells = _means(picture.values, min(len(across.places), _COLUMNS), 0)
    cells = _means(cells, min(len(up.places), _ROWS), 1)
    lines = [_characters(row, low, high, _RAMP) for row in cells.T]
    top, bottom = up.text(len(up.places) - 1), up.text(0)
    width = max(len(top), len(bottom), len(up.name))
    labels = [bottom, *[""] * (len(lines) - 2), top] if len(lines) > 1 else [bottom]
    rows = [f"{label:>{width}} |{line}" for label, line in zip(labels, lines, strict=True)]
    return [f"{up.name:>{width}}", *reversed(rows), f"{'':{width}}  {_range(across)}"]


def _range(axis: Coordinates) -> str:
    return f"{axis.name} = {axis.text(0)} … {axis.text(len(axis.places) - 1)}"


def _characters(values: Floats, low: float, high: float, ramp: str) -> str:
    with np.errstate(over="ignore", invalid="ignore"):
        half = high / 2 - low / 2  # the whole may overflow
        parts = (np.clip(values, low, high) / 2 - low / 2) / half if half > 0 else np.where(np.isnan(values), np.nan, 0)
        steps = np.clip(np.round(parts * (len(ramp) - 1)), 0, len(ramp) - 1)
    return "".join(_NONE if np.isnan(step) else ramp[int(step)] for step in steps)


def _means(values: Floats, count: int, axis: int) -> Floats:
    """The means of neighbours along an axis, so that `count` are left; NaN counts for nothing."""
    size = values.shape[axis]
    if count >= size:
        return values
    starts: NDArray[np.intp] = np.arange(count) * size // count
    known = ~np.isnan(values)
    counts = np.add.reduceat(known.astype(np.float64), starts, axis)
    with np.errstate(all="ignore"):
        means: Floats = np.add.reduceat(np.where(known, values, 0.0), starts, axis) / counts
    return means


def _binned(picture: Scatter) -> Slice:
    """Means over ranges of the first parameter, or over cells of the first two."""
    known = np.isfinite(picture.values)
    weights = picture.values[known]
    places = [values[known] for values in picture.places]
    bins = (_COLUMNS,) if len(places) == 1 else (_COLUMNS // 2, _ROWS // 2)
    ranges = [(float(values.min()), float(values.max())) for values in picture.places]
    with np.errstate(all="ignore"):
        sums, edges = np.histogramdd(places, bins, ranges, weights=weights)
        counts, _ = np.histogramdd(places, bins, ranges)
        means = sums / counts
    axes = []
    for name, label, edge in zip(picture.names, picture.labels, edges, strict=True):
        ends = np.linspace(edge[0], edge[-1], len(edge) - 1)
        axes.append(Coordinates(name, label, "linear", ends, ends))
    return Slice(picture.output, tuple(axes), means)
