"""What a Grid asks of a parameter space, and a space whose values are simply listed.

The Grid does not import the parameter space itself: a saved grid comes back with its values only, and a slice of a
grid is again a grid, over the axes that are left.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["AxisLike", "ListedAxis", "ListedSpace", "SpaceLike"]


class AxisLike(Protocol):
    """One axis of a space: a parameter, or several that run in step."""

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
    """A parameter space; points are known by their number, the flat index in C order over `shape`."""

    @property
    def names(self) -> tuple[str, ...]:
        """All parameters."""

    @property
    def axes(self) -> Sequence[AxisLike]:
        """One per dimension."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of the axes."""

    @property
    def size(self) -> int:
        """Points of the full product, also those that a condition leaves out."""

    @property
    def where(self) -> str:
        """The condition on points, or an empty text."""

    def columns(self, numbers: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
        """Values of every parameter at these points, each of shape (n,)."""

    def point(self, number: int) -> dict[str, Any]:
        """Values of one point as Python scalars."""

    def numbers(self, block: int = 65536) -> Iterator[NDArray[np.int64]]:
        """Numbers of the points that the condition allows, in order."""


class ListedAxis:
    """An axis whose values are arrays.

    Args:
        values: parameter to its values, all of the same length.
        label: the dimension's name.
        unit: units by parameter.
    """

    def __init__(self, values: Mapping[str, NDArray[Any]], label: str, unit: Mapping[str, str] | None = None) -> None:
        self._values = dict(values)
        self.names = tuple(self._values)
        self.size = len(next(iter(self._values.values())))
        self.label = label
        self.unit = dict(unit or {})

    def column(self, name: str, indices: NDArray[np.int64]) -> NDArray[Any]:
        """Values of one parameter, of shape (n,)."""
        return self._values[name][indices]


class ListedSpace:
    """A space made of given axes; which points its condition allows is listed too.

    Args:
        axes: one per dimension.
        where: text of the condition, for people.
        allowed: of the space's shape, or None when every point is allowed.
    """

    def __init__(self, axes: Sequence[AxisLike], where: str = "", allowed: NDArray[np.bool_] | None = None) -> None:
        self.axes = tuple(axes)
        self.names = tuple(name for axis in self.axes for name in axis.names)
        self.shape = tuple(axis.size for axis in self.axes)
        self.size = int(np.prod(self.shape, dtype=np.int64))
        self.where = where
        self._allowed = None if allowed is None else allowed.reshape(-1)

    def columns(self, numbers: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
        """Values of every parameter at these points, each of shape (n,)."""
        if not self.axes:
            return {}
        indices = np.unravel_index(numbers, self.shape)
        return {
            name: axis.column(name, index.astype(np.int64))
            for axis, index in zip(self.axes, indices, strict=True)
            for name in axis.names
        }

    def point(self, number: int) -> dict[str, Any]:
        """Values of one point as Python scalars."""
        columns = self.columns(np.array([number], dtype=np.int64))
        return {
            name: column[0].item() if isinstance(column[0], np.generic) else column[0]
            for name, column in columns.items()
        }

    def numbers(self, block: int = 65536) -> Iterator[NDArray[np.int64]]:
        """Numbers of the points that are allowed, in order."""
        for start in range(0, self.size, block):
            numbers = np.arange(start, min(start + block, self.size), dtype=np.int64)
            chosen = numbers if self._allowed is None else numbers[self._allowed[numbers]]
            if len(chosen):
                yield chosen
