"""The parameter space of a sweep: which points there are, without ever listing them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..wire import CellOptionError
from .axes import Axis
from .condition import Condition
from .frames import frame_axis
from .parse import parse_values, parse_word
from .plan_lines import axes_of_plan, plan_text
from .ranges import Indices, Values
from .sampling import METHODS, sample_axis

if TYPE_CHECKING:
    from ..wire import Plan

__all__ = ["Axis", "Space", "parse_space"]

_COUNTED = 1_000_000
"""Spaces up to this size have their allowed points counted when they are described."""


class Space:
    """The product of some axes, less the points that a condition leaves out. Immutable.

    A point is known by its number: its place in the product in C order, the last axis varying fastest, counted also
    where the condition leaves points out.

    Args:
        axes: slowest first.
        where: an expression over the parameters, see `condition`; empty when there is none.
        note: a line about where the points come from, for `describe`.

    Attributes:
        axes: as given.
        names: parameters, in the axes' order.
        shape: sizes of the axes.
        size: number of points in the product, before the condition.
        where: as given.

    Raises:
        CellOptionError: there is no parameter, one is there twice, the product is beyond 63 bits, or the condition
            cannot be read or uses a name that is no parameter.
    """

    def __init__(self, axes: Iterable[Axis], where: str = "", note: str = "") -> None:
        self.axes = _labelled(tuple(axes))
        self.names = tuple(name for axis in self.axes for name in axis.names)
        self.shape = tuple(axis.size for axis in self.axes)
        self.size = math.prod(self.shape)
        self.where = where.strip()
        self.note = note
        if not self.names:
            raise CellOptionError("no parameter", hint="Write name=values, such as a=20:50:31 or b=10,16.")
        twice = next((name for name in self.names if self.names.count(name) > 1), None)
        if twice:
            raise CellOptionError(f"the parameter {twice} is there twice", hint="Give all its values in one place.")
        if self.size >= 2**63:
            raise CellOptionError(f"{_product(self.shape)} points are more than can be numbered")
        self._condition = Condition(self.where, self.names) if self.where else None

    def __repr__(self) -> str:
        condition = f", where {self.where}" if self.where else ""
        return f"<Space of {', '.join(self.names)}: {self._sizes()}{condition}>"

    def __reduce__(self) -> tuple[type[Space], tuple[Any, ...]]:
        return Space, (self.axes, self.where, self.note)  # a compiled condition cannot be copied

    def columns(self, numbers: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
        """The parameters of some points.

        Args:
            numbers: the points; shape (n,).

        Returns:
            Parameter to its values: shape (n,); float64, int64, bool, text (`U`) or object.

        Raises:
            IndexError: a number is outside 0 … size - 1.
        """
        return self._columns(np.asarray(numbers, np.int64), self.names)

    def _columns(self, numbers: Indices, names: Iterable[str]) -> dict[str, NDArray[Any]]:
        if numbers.size and not (numbers.min() >= 0 and numbers.max() < self.size):
            raise IndexError(f"points have the numbers 0 to {self.size - 1:,}")
        wanted, found = frozenset(names), {}
        rest = numbers
        for axis in reversed(self.axes):
            rest, indices = (rest, rest) if axis is self.axes[0] else np.divmod(rest, axis.size)
            for name in wanted.intersection(axis.names):
                found[name] = axis.column(name, indices)
        return {name: found[name] for name in self.names if name in wanted}

    def point(self, number: int) -> dict[str, Any]:
        """One point: parameter to an int, float, bool or str of Python, or to the sequence's own element.

        Raises:
            IndexError: there is no such number.
        """
        return {name: column.tolist()[0] for name, column in self.columns(np.array([number], np.int64)).items()}

    def allowed(self, numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether the condition is true at some points; shape (n,).

        Raises:
            IndexError: there is no such number.
            CellOptionError: the condition cannot be computed at one of them.
        """
        numbers = np.asarray(numbers, np.int64)
        if self._condition is None:
            self._columns(numbers, ())
            return np.ones(len(numbers), np.bool_)
        return self._condition.holds(self._columns(numbers, self._condition.names), len(numbers))

    def numbers(self, block: int = 65536) -> Iterator[NDArray[np.int64]]:
        """Numbers of the allowed points, in order, in arrays of 1 to `block`.

        Raises:
            CellOptionError: the condition cannot be computed somewhere.
        """
        for start in range(0, self.size, block):
            numbers = self._allowed_of(start, min(start + block, self.size))
            if numbers.size:
                yield numbers

    def _allowed_of(self, start: int, stop: int) -> NDArray[np.int64]:
        numbers = np.arange(start, stop, dtype=np.int64)
        return numbers if self._condition is None else numbers[self.allowed(numbers)]

    def first_last(self) -> tuple[int, int]:
        """Numbers of the first and the last allowed point.

        Raises:
            CellOptionError: no point is allowed, or the condition cannot be computed.
        """
        first = next((numbers[0] for numbers in self.numbers()), None)
        if first is None:
            raise CellOptionError(
                f"no point is left: {self.where} is true nowhere in the space",
                hint="Widen the condition (--where) or the ranges.",
            )
        block = 65536
        for stop in range(self.size, int(first), -block):
            numbers = self._allowed_of(max(stop - block, 0), stop)
            if numbers.size:
                return int(first), int(numbers[-1])
        return int(first), int(first)

    def count(self, most: int | None = None) -> int:
        """How many points are allowed; stops counting, and gives what it has, once there are more than `most`."""
        if self._condition is None:
            return self.size
        total = 0
        for numbers in self.numbers():
            total += len(numbers)
            if most is not None and total > most:
                break
        return total

    def coordinates(self) -> dict[str, tuple[str, NDArray[Any]]]:
        """Parameter to the label of its axis and its values along it, shape (size of the axis,)."""
        return {
            name: (axis.label, axis.column(name, np.arange(axis.size, dtype=np.int64)))
            for axis in self.axes
            for name in axis.names
        }

    def units(self) -> dict[str, str]:
        """The units that were given, by parameter."""
        return {name: unit for axis in self.axes for name, unit in axis.unit.items()}

    def describe(self) -> str:
        """Several lines: each parameter, the number of points, the condition and how many it keeps."""
        lines = [line for axis in self.axes for line in axis.describe()]
        lines += [self.note] if self.note else []
        lines.append(self._sizes())
        if self.where:
            kept = f"{self.count():,} of them" if self.size <= _COUNTED else "not counted beforehand"
            lines.append(f"where {self.where}: {kept}")
        return "\n".join(lines)

    def _sizes(self) -> str:
        points = f"{self.size:,} point{'s' if self.size != 1 else ''}"
        return f"{_product(self.shape)} = {points}" if len(self.shape) > 1 else points

    def plan_text(
        self, command: str, *, input_files: Sequence[str] = (), output_files: Sequence[str] = ("stdout", "stderr")
    ) -> str:
        """An Everest plan with a task for each allowed point, of the same number; see `plan_lines.plan_text`."""
        return plan_text(self.axes, self.where, command, input_files, output_files)


def parse_space(
    words: Sequence[str],
    namespace: Mapping[str, Any],
    *,
    zipped: bool = False,
    where: str = "",
    sample: int | None = None,
    seed: int | None = None,
    method: str = "uniform",
    frame: Any = None,
    plan: Plan | None = None,
) -> Space:
    """The space that a sweep's line describes.

    Axes are in the order: those of the plan, the frame's rows, the words. A sample takes all of these together.

    Args:
        words: `name=values` texts, see `parse`.
        namespace: the user's variables, for expressions.
        zipped: the words' parameters go in step instead of being combined.
        where: leaves out the points for which it is not true; added to the plan's own constraints.
        sample: draw so many points instead of taking all.
        seed: of the sample; the same by default, so that the same cell has the same points.
        method: of the sample: `uniform`, `lhs` (Latin hypercube) or `sobol`.
        frame: a pandas frame whose columns are parameters that go in step, row by row.
        plan: an Everest plan.

    Raises:
        CellOptionError: what cannot be understood, an empty space, a name that is there twice; the hint says what to
            write instead.
        ConfigurationError: the method needs scipy, which is not installed.
    """
    sampled = sample is not None
    if not sampled and (seed is not None or method != METHODS[0]):
        raise CellOptionError("a seed or method without a sample", hint="Write --sample 1000, or leave them out.")
    read: dict[str, Values] = {}
    units: dict[str, str] = {}
    for text in words:
        word = parse_word(text)
        if word.name in read:
            raise CellOptionError(f"the parameter {word.name} is there twice", hint="Give all its values in one place.")
        read[word.name] = parse_values(word.name, word.text, namespace, sampled=sampled)
        if word.unit:
            units[word.name] = word.unit
    axes, conditions = axes_of_plan(plan) if plan is not None else ([], [])
    axes += [frame_axis(frame)] if frame is not None else []
    if zipped and len(read) > 1:
        axes.append(Axis("zip", read, units))
    else:
        axes += [Axis(name, {name: read[name]}, {name: units[name]} if name in units else {}) for name in read]
    conditions += [where.strip()] if where.strip() else []
    condition = conditions[0] if len(conditions) == 1 else " and ".join(f"({text})" for text in conditions)
    space = Space(axes, condition)
    if sample is not None:  # the space of all ranges has refused what is wrong before anything is drawn
        seed = 0 if seed is None else seed
        axis = sample_axis(space.axes, sample, seed, method)
        space = Space([axis], condition, f"sampled: {method}, seed {seed}")
    if condition and space.size <= _COUNTED:
        space.first_last()
    return space


def _labelled(axes: tuple[Axis, ...]) -> tuple[Axis, ...]:
    """The axes, none labelled as a parameter of another one: a table by names could not hold both."""
    found = []
    for axis in axes:
        others = {name for other in axes if other is not axis for name in (*other.names, other.label)}
        label = axis.label
        while label in others and label not in axis.names:
            label += "_"
        found.append(axis if label == axis.label else Axis(label, axis.values, axis.unit))
    return tuple(found)


def _product(shape: tuple[int, ...]) -> str:
    return " x ".join(f"{size:,}" for size in shape)
