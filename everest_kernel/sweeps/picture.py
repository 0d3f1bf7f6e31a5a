"""What is to be drawn of a grid, worked out without matplotlib: axes, scales, values, marks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..wire import CellOptionError
from .outputs import SweepOutputError
from .selection import axis_values, choose, scalar
from .spaces import AxisLike
from .tables import short

if TYPE_CHECKING:
    from .results import SweepResults

__all__ = ["Picture", "Scale", "picture_of", "scale_of"]

_MOST_CATEGORIES = 20
_ENTRY = re.compile(r"(?P<name>[^\[\]]+)\[(?P<index>\s*\d+\s*(?:,\s*\d+\s*)*)\]")


@dataclass(frozen=True)
class Scale:
    """One axis of a picture.

    Attributes:
        label: parameter with its unit.
        values: positions, of shape (n,), rising; 0, 1, 2, … where the parameter has no numbers.
        order: indices that bring the grid's axis into this order.
        kind: "linear", "log", or "words".
        words: names of the positions, for "words".
        rising: whether the grid's own values rise or fall steadily.
    """

    label: str
    values: NDArray[np.float64]
    order: NDArray[np.int64]
    kind: str
    words: tuple[str, ...]
    rising: bool

    @property
    def edges(self) -> NDArray[np.float64]:
        """Borders of the cells around the positions, of shape (n + 1,)."""
        at = np.log10(self.values) if self.kind == "log" else self.values
        if len(at) == 1:
            edges = np.array([at[0] - 0.5, at[0] + 0.5])
        else:
            middle = (at[1:] + at[:-1]) / 2
            edges = np.concatenate([[2 * at[0] - middle[0]], middle, [2 * at[-1] - middle[-1]]])
        return np.power(10.0, edges) if self.kind == "log" else edges

    @property
    def even(self) -> bool:
        """Whether the positions lie at equal distances, as drawn."""
        steps = np.diff(np.log10(self.values) if self.kind == "log" else self.values)
        return len(steps) == 0 or bool(np.allclose(steps, steps[0], rtol=1e-6, atol=0))


@dataclass(frozen=True)
class Picture:
    """One output, cut to at most two axes.

    Attributes:
        label: the output.
        title: the values at which other axes are cut; empty when there are none.
        axes: the axes that are drawn, of the grid's space, with more than one value.
        scales: one per axis.
        values: of shape (n,), (n, entries) or (n, m), in the order of the scales; NaN where there is nothing.
        status: of shape (n,) or (n, m), in the same order.
        words: of texts: what the values 0, 1, 2, … stand for.
        computed: None, or which values were computed where others are interpolated.
    """

    label: str
    title: str
    axes: tuple[AxisLike, ...]
    scales: tuple[Scale, ...]
    values: NDArray[np.float64]
    status: NDArray[np.int8]
    words: tuple[str, ...]
    computed: NDArray[np.bool_] | None


def scale_of(axis: AxisLike, name: str | None = None) -> Scale:
    """How a parameter is drawn.

    Args:
        axis: of the space.
        name: one of its parameters; None: the first with numbers, else the first.
    """
    if name is None:
        numeric = [each for each in axis.names if axis_values(axis, each).dtype.kind in "iuf"]
        name = (numeric or list(axis.names))[0]
    found = axis_values(axis, name)
    unit = f" [{axis.unit[name]}]" if axis.unit.get(name) else ""
    label = name + unit + (f" ({axis.label})" if axis.label != name else "")
    if found.dtype.kind not in "iuf" or not np.isfinite(found.astype(np.float64)).all():
        places = np.arange(len(found))
        return Scale(label, places.astype(np.float64), places, "words", tuple(_plain(v) for v in found.tolist()), True)
    values = found.astype(np.float64)
    order = np.argsort(values, kind="stable")
    steps = np.diff(values)
    rising = bool((steps > 0).all() or (steps < 0).all())
    return Scale(label, values[order], order, "log" if _geometric(values[order]) else "linear", (), rising)


def _geometric(values: NDArray[np.float64]) -> bool:
    """Whether rising values look like those of `logspace`."""
    if len(values) < 3 or values[0] <= 0 or values[-1] < 10 * values[0]:
        return False
    return bool(np.allclose(np.diff(np.log(values)), np.log(values[1] / values[0]), rtol=1e-3))


def picture_of(grid: SweepResults, output: str | None, params: Mapping[str, Any]) -> Picture:
    """Choose what is drawn.

    Args:
        grid: of any state.
        output: its name, or `"v[0]"`; None: the first.
        params: parameter to the value at which the space is cut.

    Raises:
        SweepOutputError: nothing has come yet, or an array per point without a choice of one entry.
        CellOptionError: no such parameter or entry.
        SweepNameError: no such output.
    """
    name, entry = _parsed(grid, output)
    values, words = _values(grid, name, entry)
    if np.isnan(values).all():
        what = f"all results of {name!r} are NaN" if grid.done else f"{name!r} has no results yet"
        hint = f"{grid.failed:,} points failed: see grid.failures." if grid.failed else None
        raise SweepOutputError(f"there is nothing to draw: {what}", hint=hint)
    computed = ~np.isnan(values)
    fill = grid.filler(name)
    if fill is not None and values.shape == grid.shape:
        values = fill(values)
    axes, index, notes = _cut(grid, params)
    scales = tuple(scale_of(axis) for axis in axes)
    inner = values.shape[len(grid.shape) :]
    if len(axes) == 2 and inner:
        raise SweepOutputError(f"{name!r} has {inner} entries per point", hint=f'Choose one: plot("{name}[0]").')

    def arranged(array: NDArray[Any]) -> NDArray[Any]:
        array = array[index]
        for number, scale in enumerate(scales):
            array = np.take(array, scale.order, axis=number)
        return array

    flat = arranged(values).reshape(*(len(scale.values) for scale in scales), *([-1] if inner else []))
    title = ", ".join(f"{key} = {_plain(short(value))}" for key, value in notes)
    marks = arranged(computed) if fill is not None and not inner else None
    label = output or name
    return Picture(label, title, axes, scales, flat, arranged(grid.status), words, marks)


def _plain(value: Any) -> str:
    """A text that matplotlib draws as it is: no formulas, no characters without a picture."""
    text = "".join(character if character.isprintable() else " " for character in str(value))
    return text.replace("$", r"\$")


def _parsed(grid: SweepResults, output: str | None) -> tuple[str, tuple[int, ...] | None]:
    if output is None:
        return grid.outputs[0], None
    match = _ENTRY.fullmatch(output)
    if match is None or output in grid.outputs:
        return output, None
    return match["name"], tuple(int(part) for part in match["index"].split(","))


def _values(
    grid: SweepResults, name: str, entry: tuple[int, ...] | None
) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """The values as numbers, and for texts what the numbers stand for."""
    raw = grid.result(name)
    words: tuple[str, ...] = ()
    if raw.dtype.kind in "UO":
        missing = np.ma.getmaskarray(raw)
        texts = np.asarray(np.ma.getdata(raw)).astype(str)
        found, codes = np.unique(texts[~missing], return_inverse=True)
        if len(found) > _MOST_CATEGORIES:
            raise SweepOutputError(f"{name!r} has {len(found):,} different texts, too many to draw")
        values, words = np.full(raw.shape, np.nan), tuple(_plain(word) for word in found.tolist())
        values[~missing] = codes.reshape(-1)
    else:
        values = grid.array(name)
        values = values.real if values.dtype.kind == "c" else values
    if entry is not None:
        inner = values.shape[len(grid.shape) :]
        if len(entry) != len(inner) or not all(np.less(entry, inner)):
            raise CellOptionError(f"{name!r} has no entry {list(entry)}", hint=f"Its shape per point is {inner}.")
        values = values.reshape(*grid.shape, -1)[..., np.ravel_multi_index(entry, inner)]
    return values.astype(np.float64, copy=False), words


def _cut(
    grid: SweepResults, params: Mapping[str, Any]
) -> tuple[tuple[AxisLike, ...], tuple[int | slice, ...], list[tuple[str, Any]]]:
    """The axes that are drawn, an index that cuts the others away, and where they are cut."""
    space = grid.space
    chosen = choose(space, params)
    for number, axis in enumerate(space.axes):
        if axis.size == 1:
            chosen.setdefault(number, 0)
    free = [number for number in range(len(space.axes)) if number not in chosen]
    for number in free[2:]:
        chosen[number] = space.axes[number].size // 2
    notes = list(grid.fixed.items())
    for number, at in sorted(chosen.items()):
        axis = space.axes[number]
        notes += [(name, scalar(axis_values(axis, name)[at])) for name in axis.names]
    index = tuple(chosen.get(number, slice(None)) for number in range(len(space.axes)))
    return tuple(space.axes[number] for number in free[:2]), index, notes
