"""Which cells of a grid may hold a place where an output passes a level, and the points that they need.

Three reasons to split a cell:

* known points of it, corners or others, are on both sides of the level;
* it and the cells around it bend enough: between its corners a field can leave the straight line by one eighth of its
  second difference along each axis, the error bound of linear interpolation; when that reaches from the nearest corner
  to the level, an island may lie inside;
* a cell beside it has a change of side in spite of corners that are all on one side: here the corners say little.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from .refine_cells import Cells, Flags, Numbers

__all__ = ["Choice"]


class Choice:
    """The choice at one moment; made anew from what is known, so nothing depends on the order in which values came.

    Args:
        cells: the levels of the grid.
        base: the finest level.
        gradient: how many times the measured bends are taken; 0: only cells with known points on both sides are split.
        heights: of the output above the level, for the whole grid; NaN where unknown.
        failed: points that will never have one.
    """

    def __init__(self, cells: Cells, base: int, gradient: float, heights: Numbers, failed: Flags) -> None:
        self._cells = cells
        self._base = base
        self._gradient = gradient
        self._heights = heights
        self._failed = failed
        self._crossed: list[Flags] = []
        self._unclear: list[Flags] = []
        self._levels = range(cells.top, base - 1, -1)
        self._look()

    def passed(self) -> Iterator[NDArray[np.int64]]:
        """The flat numbers of the points that cells with a change of side need, level after level."""
        for level, chosen in zip(self._levels, self._passed(), strict=True):
            yield self._within(chosen, level)

    def suspected(self) -> Iterator[NDArray[np.int64]]:
        """The same for cells that may have a change of side."""
        if self._gradient > 0:
            for level in self._levels[:-1]:
                yield self._within(self._suspected(level), level)

    def _at(self, level: int) -> tuple[Numbers, Flags]:
        """The heights, and which have failed, at the points of a level."""
        return self._cells.take(self._heights, level), self._cells.take(self._failed, level)

    def _look(self) -> None:
        """For each level, the finest first: cells with known points on both sides, and cells with failed points."""
        heights, failed = self._at(self._base)
        flags = [self._cells.any_corner(points) for points in (heights > 0, heights <= 0, failed)]
        for level in range(self._base, self._cells.top + 1):
            above, below, unclear = flags
            self._crossed.append(above & below)
            self._unclear.append(unclear)
            flags = [self._cells.pool(cells, level) for cells in flags]

    def _passed(self) -> Iterator[Flags]:
        """The cells of each level, the coarsest first, that the level set passes as far as is known."""
        passed = self._crossed[-1] | self._bridged()
        yield passed
        for level in range(self._cells.top - 1, self._base - 1, -1):
            index = level - self._base
            # A change of side that shows in no part of the cell is hidden by failed points: look around those.
            hidden = passed & ~self._cells.pool(self._crossed[index], level)
            passed = self._crossed[index] | (self._cells.spread(hidden, level) & self._unclear[index])
            yield passed

    def _bridged(self) -> Flags:
        """The coarsest cells where a failed point lies between points that are on both sides of the level."""
        cells = self._cells
        heights, failed = self._at(cells.top)
        above, below = (
            cells.any_corner(side | (failed & cells.corners(cells.any_corner(side))))
            for side in (heights > 0, heights <= 0)
        )
        return above & below

    def _suspected(self, level: int) -> Flags:
        """The cells of a level that the output may pass, by the bends around them or by what was found beside them."""
        cells = self._cells
        heights, failed = self._at(level)
        one_sided = cells.all_corners(heights > 0) | cells.all_corners(heights <= 0)
        beside = cells.around(one_sided & self._crossed[level - self._base])
        with np.errstate(all="ignore"):  # infinite heights
            bent = cells.deviation(heights, level) * self._gradient > cells.least_corner(np.abs(heights))
        return beside | (bent & cells.all_corners(failed | ~np.isnan(heights)))

    def _within(self, chosen: Flags, level: int) -> NDArray[np.int64]:
        """The points of the next finer level in cells of this one; at the finest level their corners."""
        if level > self._base:
            level -= 1
            chosen = self._cells.spread(chosen, level)
        return self._cells.numbers(self._cells.corners(chosen), level)
