"""What a live picture shows of a sweep's results: one or two axes of one output, as numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from ..wire import CellError

__all__ = [
    "AxisLike",
    "Coordinates",
    "Floats",
    "GridLike",
    "PictureError",
    "Scatter",
    "Slice",
    "coordinates_of",
    "short",
    "take_scatter",
    "take_slice",
]

Floats = NDArray[np.float64]
FEW = 5
"""An axis of at most so many values is shown as that many lines rather than as rows of a map."""


class PictureError(CellError):
    """The output cannot be drawn, whatever else comes."""


class AxisLike(Protocol):
    """One axis of a parameter space; see `everest_kernel.sweeps.space.Axis`."""

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters that vary along it."""

    @property
    def size(self) -> int:
        """How many values."""

    @property
    def label(self) -> str:
        """The dimension's name."""

    @property
    def unit(self) -> dict[str, str]:
        """Units by parameter, where given."""

    def column(self, name: str, indices: NDArray[np.int64]) -> NDArray[Any]:
        """Values of one parameter, of shape (n,)."""


class SpaceLike(Protocol):
    """A parameter space, as far as its axes go."""

    @property
    def names(self) -> tuple[str, ...]:
        """All parameters."""

    @property
    def axes(self) -> Sequence[AxisLike]:
        """One per dimension."""


class GridLike(Protocol):
    """Results so far. One that also has `status` gets its failed and left-out points marked."""

    @property
    def space(self) -> SpaceLike:
        """Where the points are."""

    def array(self, name: str) -> NDArray[Any]:
        """One output, of the space's shape and then that of one point; NaN or masked where there is none."""


@dataclass(frozen=True)
class Coordinates:
    """Where the points of one axis are drawn.

    Attributes:
        name: the parameter, or the dimension where no single parameter orders it.
        label: the name with its unit.
        kind: numbers at even or uneven distances, numbers with even ratios, or things with no order of their own.
        places: shape (n,), rising or falling: the numbers, their decimal logarithms, or 0, 1, 2...
        values: shape (n,), what is written at the places.
    """

    name: str
    label: str
    kind: Literal["linear", "log", "listed"]
    places: Floats
    values: NDArray[Any]

    def text(self, index: int) -> str:
        """The value at an index, in few characters."""
        return short(self.values[index])


@dataclass(frozen=True)
class Slice:
    """What is drawn of an output over one or two axes.

    Attributes:
        output: its name, with what was taken of it.
        axes: one or two.
        values: one dimension per axis; NaN where there is none.
        status: of the same shape, as in `everest_kernel.sweeps.grid.Status`; None where not known.
        at: the values of the other axes, as text.
    """

    output: str
    axes: tuple[Coordinates, ...]
    values: Floats
    status: NDArray[np.int8] | None = None
    at: str = ""

    @property
    def title(self) -> str:
        """The output and where it is cut."""
        return f"{self.output} at {self.at}" if self.at else self.output

    @property
    def few(self) -> int | None:
        """The axis of so few values that each gets a line of its own; None without one."""
        if len(self.axes) < 2:
            return None
        small = int(np.argmin(self.values.shape))
        other = self.axes[1 - small]
        return (
            small if self.values.shape[small] <= FEW < self.values.shape[1 - small] and other.kind != "listed" else None
        )

    def marked(self, status: int) -> NDArray[np.bool_]:
        """Which points have a status."""
        return np.zeros(self.values.shape, bool) if self.status is None else self.status == status


@dataclass(frozen=True)
class Scatter:
    """An output over points that lie in no order, as those of a sample.

    Attributes:
        output: its name.
        names: one or two parameters.
        labels: the same with units.
        places: their values, each of shape (n,).
        values: shape (n,).
    """

    output: str
    names: tuple[str, ...]
    labels: tuple[str, ...]
    places: tuple[Floats, ...]
    values: Floats

    @property
    def title(self) -> str:
        """What is drawn."""
        return self.output


def take_slice(
    grid: GridLike,
    output: str,
    axes: Sequence[Coordinates],
    *,
    fill: Callable[[Floats], Floats] | None = None,
) -> Slice:
    """The part of an output that is worth a look now.

    Of more than two axes that vary, the last two are shown, in the plane that is being filled: points are computed in
    the order of their numbers, so that is the last plane with at least half as many results as the fullest.

    Args:
        grid: the results so far.
        output: its name.
        axes: the places of all axes, as made by `coordinates_of`.
        fill: guesses values where there are none, for a sweep that computes only some of its points.

    Raises:
        PictureError: the output is not made of numbers, or there is nothing to draw it over.
    """
    values = grid.array(output)
    spread = [number for number, axis in enumerate(axes) if len(axis.places) > 1] or list(range(len(axes)))[:1]
    if not spread:
        raise PictureError("a sweep without parameters has no picture")
    values, output = _first(values, len(axes), output)
    shown = spread[-2:]
    others = [number for number in range(len(axes)) if number not in shown]
    status = getattr(grid, "status", None)
    planes = np.moveaxis(values, shown, range(-len(shown), 0))
    place = _busiest(planes, len(others))
    if status is not None:
        status = np.moveaxis(np.asarray(status), shown, range(-len(shown), 0))[place]
    numbers, output = _numbers(planes[place], output)
    if fill is not None and numbers.shape == values.shape and np.isfinite(numbers).any():
        numbers = fill(numbers)
    at = ", ".join(
        f"{axes[number].name} = {axes[number].text(index)}" for number, index in zip(others, place, strict=True)
    )
    return Slice(output, tuple(axes[number] for number in shown), numbers, status, at)


def coordinates_of(axis: AxisLike) -> Coordinates | tuple[str, ...]:
    """The places along an axis; the names of its parameters of numbers when it has them in no order."""
    indices = np.arange(axis.size, dtype=np.int64)
    unordered = []
    for name in axis.names:
        values = np.asarray(axis.column(name, indices))
        if values.dtype.kind in "iuf" and np.isfinite(values).all():
            places = values.astype(np.float64)
            steps = np.diff(places)
            if (steps > 0).all() or (steps < 0).all():
                label = _label(axis, name)
                if _even_ratios(places, steps):
                    return Coordinates(name, label, "log", np.log10(places), values)
                return Coordinates(name, label, "linear", places, values)
            unordered.append(name)
    if unordered and axis.size > 2 * FEW:
        return tuple(unordered)
    name = axis.names[0] if len(axis.names) == 1 else axis.label
    values = np.asarray(axis.column(name, indices)) if len(axis.names) == 1 else indices
    label = _label(axis, name) if len(axis.names) == 1 else name
    return Coordinates(name, label, "listed", indices.astype(np.float64), values)


def take_scatter(grid: GridLike, output: str, axis: AxisLike, names: Sequence[str]) -> Scatter:
    """An output over the one axis of a space that has its parameters in no order."""
    values, output = _first(grid.array(output), len(grid.space.axes), output)
    numbers, output = _numbers(values.reshape(-1), output)
    indices = np.arange(axis.size, dtype=np.int64)
    shown = tuple(names[:2])
    places = tuple(np.asarray(axis.column(name, indices), np.float64) for name in shown)
    return Scatter(output, shown, tuple(_label(axis, name) for name in shown), places, numbers)


def short(value: Any) -> str:
    """A parameter's value in few characters."""
    if isinstance(value, (float, np.floating)):
        return f"{value:.4g}"
    text = " ".join(str(value).split())
    return text if len(text) <= 10 else f"{text[:9]}…"


def _label(axis: AxisLike, name: str) -> str:
    unit = axis.unit.get(name, "")
    return f"{name} [{unit}]" if unit else name


def _even_ratios(places: Floats, steps: Floats) -> bool:
    """Whether a logarithmic scale shows the values at even distances, and a linear one does not."""
    if len(places) < 3 or (places <= 0).any() or np.allclose(steps, steps.mean(), rtol=1e-3, atol=0):
        return False
    ratios = np.diff(np.log(places))
    return bool(np.allclose(ratios, ratios.mean(), rtol=0.01, atol=0))


def _first(values: NDArray[Any], dimensions: int, output: str) -> tuple[NDArray[Any], str]:
    """Of points that are arrays the first element, and what it is called."""
    extra = values.ndim - dimensions
    if extra <= 0:
        return values, output
    index = (slice(None),) * dimensions + (0,) * extra
    return values[index], f"{output}[{', '.join('0' * extra)}]"


def _busiest(planes: NDArray[Any], others: int) -> tuple[int, ...]:
    """The index, over the first axes, of the plane to show."""
    if others == 0:
        return ()
    outer = planes.shape[:others]
    inside = tuple(range(others, planes.ndim))
    filled = np.count_nonzero(~_missing(planes), axis=inside).reshape(-1)
    good = np.flatnonzero(2 * filled >= max(int(filled.max()), 1))
    return tuple(int(i) for i in np.unravel_index(int(good[-1]) if len(good) else 0, outer))


def _missing(values: NDArray[Any]) -> NDArray[np.bool_]:
    if isinstance(values, np.ma.MaskedArray):
        return np.ma.getmaskarray(values)
    return np.isnan(values) if values.dtype.kind in "fc" else np.zeros(values.shape, bool)


def _numbers(values: NDArray[Any], output: str) -> tuple[Floats, str]:
    """Values as floats, NaN where there are none, and what they are."""
    if values.dtype.kind not in "biufc":
        raise PictureError(f"{output} is not made of numbers", hint="--live takes an output that is a number")
    missing = _missing(values)
    plain = np.asarray(np.ma.getdata(values))
    if plain.dtype.kind == "c":
        plain, output = np.abs(plain), f"|{output}|"
    numbers = plain.astype(np.float64)
    numbers[missing] = np.nan
    return numbers, output
