"""Which points of a grid to compute next, when only the line where an output passes a level is wanted.

A coarse grid comes first. Then a cell of it is split where the output is above the level at one known point of the cell
and not above at another, or where what was measured around it allows for that; its parts are looked at in the same way,
down to neighbouring points of the grid. This is the idea of adaptive mesh refinement (M. J. Berger and J. Oliger, 1984:
finer meshes only where an estimate asks for them) with the test of marching squares (W. E. Lorensen and H. E. Cline,
1987: a contour passes a cell whose corners are on both sides). Cells are closed: a change of side found on a face is a
change of the cells on both sides of it, so a line is followed out of the cells where it was found, to its end.

What cannot be found is an island between the points of the coarse grid that does not show in the values there. Borders
of chaos have such islands beside them at every scale: long lines are found, most of the islands of a few pixels not.
"""

from __future__ import annotations

import math
import re

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..wire import CellError, CellOptionError
from .refine_cells import Cells, Flags, Numbers, intervals
from .refine_choice import Choice

__all__ = ["GRADIENT", "Refinement", "parse_refine", "zero_pixels"]

GRADIENT = 1.0
"""The usual factor for measured bends."""
_STRIDE = {1: 8, 2: 8, 3: 4}
"""Grid steps between coarse points, by the number of axes: 1/64 of a plane or a volume; 2 for more axes."""
_LEAST = 5
"""Points of the usual coarse grid along an axis."""
_CONDITION = re.compile(r"\s*([^\W\d]\w*)\s*={1,2}\s*(\S+)\s*")


class Refinement:
    """Chooses the points of a sweep that decide where an output passes a level.

    Usage: compute `first`; then compute what `next` returns, until that is empty. Decisions follow from the values:
    points that are known from an earlier sweep are used and not asked for. A line that failed points hide is looked for
    around them.

    Args:
        shape: of the whole grid.
        level: which the output passes. Above is above; exactly at the level counts as below.
        coarse: least points of the first grid along each axis, for all or each; their distance is a power of two grid
            steps. Usually 8 steps in a plane.
        budget: most points to ask for in all. Those where the side changes come first, and of these the coarser levels.
        gradient: factor for measured bends: a cell whose known points are all on one side is split when its distance to
            the level is less than so many times the error of linear interpolation, or when the line was found beside it
            in such a cell. More finds more islands with more points; 0: split only where the side changes.
        resolution: grid steps between neighbouring points of the finest level, rounded down to a power of two.
        left_out: of the grid's shape: points that are never asked for; they count as failed.

    Raises:
        CellOptionError: a number is out of its range, or the coarse grid does not fit into the budget.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        *,
        level: float,
        coarse: int | tuple[int, ...] | None = None,
        budget: int | None = None,
        gradient: float | None = None,
        resolution: int = 1,
        left_out: NDArray[np.bool_] | None = None,
    ) -> None:
        self.shape = tuple(int(size) for size in shape)
        self.level = float(level)
        self.gradient = GRADIENT if gradient is None else float(gradient)
        self.budget = budget
        self._check(resolution)
        self._cells = self._coarse_cells(coarse)
        self._base = min(int(resolution).bit_length() - 1, self._cells.top)
        self._closed = np.zeros(self._cells.shape, dtype=np.bool_)  # asked for, or left out
        if left_out is not None:
            self._closed |= np.reshape(left_out, self._cells.shape)
        self.asked = 0
        """Points asked for so far."""
        self.exhausted = False
        """Whether the budget left out points that were wanted."""

    def first(self) -> NDArray[np.int64]:
        """The flat numbers of the coarse grid, ascending; the borders of the grid are in it."""
        points = np.ones([len(places) for places in self._cells.coordinates(self._cells.top)], dtype=np.bool_)
        return self._ask(self._cells.numbers(points, self._cells.top))

    def next(self, values: ArrayLike, *, waiting: NDArray[np.bool_] | None = None) -> NDArray[np.int64]:
        """The points to compute now.

        Args:
            values: of the output, of the grid's shape; NaN where unknown or failed.
            waiting: of the same shape: points that may still get a value. Without it all points that were asked for and
                have no value count as failed.

        Returns:
            Flat numbers, ascending, none of them known or asked for before; empty when nothing more is wanted, or when
            the budget is used up (`exhausted`).

        Raises:
            CellError: the values have another shape, or are not numbers.
        """
        own = self._own(values)
        known = ~np.isnan(own)
        failed = self._closed & ~known
        if waiting is not None:
            failed &= ~np.reshape(waiting, failed.shape)
        choice = Choice(self._cells, self._base, self.gradient, own - self.level, failed)
        known = known.reshape(-1)
        asked = [self._ask(wanted[~known[wanted]]) for wanted in choice.passed()]
        if self.budget is None or not any(map(len, asked)):  # a budget is for the lines first
            asked += [self._ask(wanted[~known[wanted]]) for wanted in choice.suspected()]
        return np.sort(np.concatenate(asked))

    def computed(self, values: ArrayLike) -> Flags:
        """Which points of the grid have a value of their own."""
        return ~np.isnan(self._own(values)).reshape(self.shape)

    def fill(self, values: ArrayLike) -> Numbers:
        """The values with those between the computed points, for a picture.

        Args:
            values: as for `next`.

        Returns:
            A new array of the grid's shape. A point that was not computed has a value that is linear along each axis
            within the smallest cell around it; points that failed, and cells without any value, stay NaN.
        """
        known = self._own(values)
        filled = self._cells.take(known, self._cells.top).copy()
        for level in range(self._cells.top - 1, -1, -1):
            filled = self._cells.interpolate(filled, level)
            own = self._cells.take(known, level)
            filled = np.where(np.isnan(own), filled, own)
        filled[self._closed & np.isnan(known)] = np.nan
        return np.reshape(filled, self.shape)

    def _ask(self, wanted: NDArray[np.int64]) -> NDArray[np.int64]:
        """Those of the points that were not asked for before, as far as the budget goes."""
        closed = self._closed.reshape(-1)  # a view
        numbers = wanted[~closed[wanted]]
        if self.budget is not None and len(numbers) > self.budget - self.asked:
            self.exhausted = True
            numbers = numbers[: self.budget - self.asked]
        closed[numbers] = True
        self.asked += len(numbers)
        return numbers

    def _own(self, values: ArrayLike) -> Numbers:
        """The values as floats along the axes that have cells; checked."""
        try:
            numbers = np.asarray(values, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise CellError(
                f"a refinement needs real numbers: {error}",
                hint="Refine an output that is one real number for each point.",
            ) from error
        if numbers.shape != self.shape:
            raise CellError(
                f"the values have the shape {numbers.shape}, the grid {self.shape}",
                hint="Refine an output that is one number for each point.",
            )
        return numbers.reshape(self._cells.shape)

    def _check(self, resolution: int) -> None:
        if not math.isfinite(self.level):
            raise CellOptionError(f"a level of {self.level} cannot be passed", hint="Give a finite number, as in L1=0.")
        if not (math.isfinite(self.gradient) and self.gradient >= 0):
            raise CellOptionError(
                f"a refinement with a factor of {self.gradient} for bends", hint="Give 0 or a positive number."
            )
        if self.budget is not None and self.budget < 1:
            raise CellOptionError(
                f"a refinement with a budget of {self.budget} computes nothing", hint="Give 1 or more."
            )
        if resolution < 1:
            raise CellOptionError(f"a resolution of {resolution} grid steps", hint="Give 1 (every point) or more.")
        if min(self.shape, default=1) < 1:
            raise CellOptionError("an axis without points cannot be refined", hint="Give each parameter a value.")

    def _coarse_cells(self, coarse: int | tuple[int, ...] | None) -> Cells:
        wide = [axis for axis, size in enumerate(self.shape) if size > 1]  # an axis with one point has no cells
        sizes = tuple(self.shape[axis] for axis in wide) or (1,)
        if coarse is None:
            cells = _usual_cells(sizes, self.budget)
        else:
            least = coarse if isinstance(coarse, tuple) else (coarse,) * len(self.shape)
            if len(least) != len(self.shape) or min(least, default=2) < 2:
                raise CellOptionError(
                    f"a coarse grid of {coarse} points does not fit a grid of {' x '.join(map(str, self.shape))}",
                    hint="Give one number of at least 2, or one for each parameter.",
                )
            cells = Cells(sizes, tuple(_top(self.shape[axis], least[axis]) for axis in wide) or (0,))
        count = cells.count(cells.top)
        if self.budget is not None and count > self.budget:
            raise CellOptionError(
                f"the coarse grid has {count:,} points, more than the budget of {self.budget:,}",
                hint="Give a larger budget or a coarser grid.",
            )
        return cells


def parse_refine(text: str) -> tuple[str, float]:
    """What to refine.

    Args:
        text: as in ``L1=0`` or ``L1 = 0.5``.

    Returns:
        The output's name and the level.

    Raises:
        CellOptionError: it is neither; the hint says what to write.
    """
    found = _CONDITION.fullmatch(text)
    hint = "Write the name of an output and the level it passes, as in --refine L1=0."
    if found is None:
        raise CellOptionError(f"--refine {text!r} is not an output and a level", hint=hint)
    name, number = found.groups()
    try:
        level = float(number)
    except ValueError:
        raise CellOptionError(f"--refine {text!r}: {number!r} is not a number", hint=hint) from None
    if not math.isfinite(level):
        raise CellOptionError(f"--refine {text!r}: no output passes {number}", hint=hint)
    return name, level


def zero_pixels(values: ArrayLike, level: float = 0.0) -> Flags:
    """The line where values pass a level, in pixels.

    Args:
        values: of a grid; NaN where there is none.
        level: above it is one side, at it and below the other.

    Returns:
        An array of the same shape: True for each point that is on another side than one of its direct neighbours along
        an axis. So the line is two pixels thick, one on either side. A point without a value is on no side.
    """
    numbers = np.asarray(values, dtype=np.float64)
    above, below = numbers > level, numbers <= level
    line = np.zeros(numbers.shape, dtype=np.bool_)
    for axis in range(numbers.ndim):
        first = (*[slice(None)] * axis, slice(None, -1))
        second = (*[slice(None)] * axis, slice(1, None))
        passes = (above[first] & below[second]) | (below[first] & above[second])
        line[first] |= passes
        line[second] |= passes
    return line


def _top(size: int, least: int) -> int:
    """The coarsest level at which an axis has this many points (all of them, when it has fewer)."""
    level = 0
    while intervals(size, level) > 1 and intervals(size, level + 1) + 1 >= least:
        level += 1
    return level


def _usual_cells(sizes: tuple[int, ...], budget: int | None) -> Cells:
    """The coarse grid when none is asked for: at most half of the budget, but at least two points along each axis."""
    stride = _STRIDE.get(len(sizes), 2)
    tops = tuple(min(stride.bit_length() - 1, _top(size, _LEAST)) for size in sizes)
    cells = Cells(sizes, tops)
    while budget is not None and cells.count(cells.top) > budget // 2:
        counts = [intervals(size, top) for size, top in zip(sizes, cells.tops, strict=True)]
        if max(counts) <= 1:
            break
        longest = counts.index(max(counts))
        cells = Cells(sizes, tuple(top + (axis == longest) for axis, top in enumerate(cells.tops)))
    return cells
