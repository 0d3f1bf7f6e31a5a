"""The cells of a refinement: one grid of cells over the same points for each level, each nested in the next.

At level ``l`` neighbouring points are ``2**l`` grid steps apart; the last interval of an axis may be shorter, so that
the border of the grid is a border at every level. An axis stops growing at its own top level. A cell of level ``l`` is
the closed box between neighbouring points of that level, so that points on a face belong to the cells on both sides.
Arrays "of cells" have one entry for each interval along each axis, arrays "of points" one more.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["Cells", "Flags", "Numbers", "intervals"]

Flags = NDArray[np.bool_]
Numbers = NDArray[np.float64]
_Kind = TypeVar("_Kind", bound=np.generic)
_Fold = Callable[[NDArray[Any], NDArray[Any]], NDArray[Any]]


class Cells:
    """The levels of cells over a grid of points.

    Args:
        shape: points along each axis.
        tops: for each axis the level of the first, coarse grid.
    """

    def __init__(self, shape: tuple[int, ...], tops: tuple[int, ...]) -> None:
        self.shape = shape
        self.tops = tops
        self.top = max(tops, default=0)

    def coordinates(self, level: int) -> tuple[NDArray[np.int64], ...]:
        """The indices along each axis of the points of a level."""
        return tuple(
            np.append(np.arange(0, size - 1, 1 << min(level, top), dtype=np.int64), size - 1)
            for size, top in zip(self.shape, self.tops, strict=True)
        )

    def count(self, level: int) -> int:
        """Number of the points of a level."""
        return math.prod(len(places) for places in self.coordinates(level))

    def take(self, values: NDArray[_Kind], level: int) -> NDArray[_Kind]:
        """The points of a level out of an array of the grid's shape: a copy, at level 0 the array itself."""
        return values if level == 0 else values[np.ix_(*self.coordinates(level))]

    def numbers(self, points: Flags, level: int) -> NDArray[np.int64]:
        """The flat numbers, in the whole grid, of the flagged points of a level; ascending."""
        found = (places[where] for places, where in zip(self.coordinates(level), np.nonzero(points), strict=True))
        return np.ravel_multi_index(tuple(found), self.shape).astype(np.int64, copy=False)

    def pool(self, cells: Flags, level: int) -> Flags:
        """For each cell of the next coarser level: whether any cell of this level inside it is flagged."""
        for axis, top in enumerate(self.tops):
            if top > level:
                even, odd = cells[_along(axis, slice(0, None, 2))], cells[_along(axis, slice(1, None, 2))]
                cells = even.copy()
                cells[_along(axis, slice(0, odd.shape[axis]))] |= odd
        return cells

    def spread(self, cells: Flags, level: int) -> Flags:
        """For each cell of this level: whether the cell of the next coarser level that holds it is flagged."""
        for axis, (size, top) in enumerate(zip(self.shape, self.tops, strict=True)):
            if top > level:
                cells = np.repeat(cells, 2, axis=axis)[_along(axis, slice(0, intervals(size, level)))]
        return cells

    def any_corner(self, points: Flags) -> Flags:
        """For each cell: whether any of its corners is flagged."""
        return _fold_corners(points, np.logical_or)

    def all_corners(self, points: Flags) -> Flags:
        """For each cell: whether all of its corners are flagged."""
        return _fold_corners(points, np.logical_and)

    def corners(self, cells: Flags) -> Flags:
        """For each point: whether it is a corner of a flagged cell."""
        for axis in range(cells.ndim):
            margin = np.zeros((*cells.shape[:axis], 1, *cells.shape[axis + 1 :]), dtype=np.bool_)
            cells = np.concatenate([cells, margin], axis) | np.concatenate([margin, cells], axis)
        return cells

    def around(self, cells: Flags) -> Flags:
        """The flagged cells and all that touch them."""
        return _widest(cells, np.logical_or)

    def least_corner(self, points: Numbers) -> Numbers:
        """For each cell the least value at its corners, of those that are known."""
        return _fold_corners(points, np.fmin)

    def deviation(self, heights: Numbers, level: int) -> Numbers:
        """How far a field can be, inside a cell, from the values that are linear between its corners.

        The sum over the axes of one eighth of the second difference, the greatest found at and around the cell.

        Args:
            heights: at the points of this level; NaN where unknown.
            level: of the cells.

        Returns:
            For each cell; 0 where no three points in a row are known and finite.
        """
        reach = np.zeros(tuple(size - 1 for size in heights.shape))
        for axis, places in enumerate(self.coordinates(level)):
            lengths = np.diff(places).reshape([-1 if other == axis else 1 for other in range(heights.ndim)])
            slopes = np.diff(heights, axis=axis) / lengths
            inner = np.abs(np.diff(slopes, axis=axis))
            bends = np.full_like(heights, np.nan)
            bends[_along(axis, slice(1, -1))] = np.where(np.isfinite(inner), inner, np.nan)
            reach += np.nan_to_num(_widest(_fold_corners(bends, np.fmax), np.fmax), nan=0.0) * lengths / 8
        return reach

    def interpolate(self, coarse: Numbers, level: int) -> Numbers:
        """Values at the points of a level, linear along each axis between those of the next coarser level.

        Args:
            coarse: values at the points of level + 1; NaN where there is none.
            level: the finer level.

        Returns:
            At the points of ``level``; where one of two neighbours has no value, the other's.
        """
        values = coarse
        for axis, (before, after) in enumerate(zip(self.coordinates(level + 1), self.coordinates(level), strict=True)):
            if len(before) == len(after):
                continue
            left = np.searchsorted(before, after, side="right") - 1
            left = np.minimum(left, len(before) - 2)
            part = (after - before[left]) / (before[left + 1] - before[left])
            part = part.reshape([-1 if other == axis else 1 for other in range(values.ndim)])
            low, high = np.take(values, left, axis), np.take(values, left + 1, axis)
            with np.errstate(invalid="ignore"):  # between infinities
                mixed = low + part * (high - low)
            mixed = np.where(np.isnan(mixed), np.where(np.isnan(low), high, low), mixed)
            values = np.where(part == 0, low, np.where(part == 1, high, mixed))
        return values


def intervals(size: int, level: int) -> int:
    """Cells of a level along an axis with ``size`` points."""
    return -(-(size - 1) // (1 << level))


def _fold_corners(points: NDArray[Any], fold: _Fold) -> NDArray[Any]:
    """One value for each cell out of those at its corners."""
    for axis in range(points.ndim):
        points = _fold_neighbours(points, axis, fold)
    return points


def _fold_neighbours(points: NDArray[Any], axis: int, fold: _Fold) -> NDArray[Any]:
    return fold(points[_along(axis, slice(None, -1))], points[_along(axis, slice(1, None))])


def _widest(cells: NDArray[Any], fold: _Fold) -> NDArray[Any]:
    """For each cell the fold of its value and those of the cells around it."""
    for axis in range(cells.ndim):
        wide = cells.copy()
        first, last = _along(axis, slice(None, -1)), _along(axis, slice(1, None))
        wide[first] = fold(cells[first], cells[last])
        wide[last] = fold(wide[last], cells[first])
        cells = wide
    return cells


def _along(axis: int, part: slice) -> tuple[slice, ...]:
    return (*[slice(None)] * axis, part)
