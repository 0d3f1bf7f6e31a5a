"""Results of a sweep as they come: what the driver puts in, and the arrays and counts that users get out.

The driver's thread puts results in while the user's looks at them; one lock guards all. What a Grid hands out is a
copy that belongs to the caller, except spilled outputs: those are read-only views of a file that goes on filling.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..wire import CellOptionError, EverestError
from .failures import Failures
from .ledger import Ledger, Status, first_status
from .outputs import OutputColumn, SweepOutputError, as_results
from .selection import axis_values
from .spaces import SpaceLike
from .spilling import Spill
from .timings import Timings

__all__ = ["Fill", "SweepNameError", "SweepResults"]

Fill = Callable[[NDArray[np.float64]], NDArray[np.float64]]


class SweepNameError(EverestError, KeyError):
    """A grid has no output and no parameter of this name."""


class SweepResults:
    """What `Grid` is without its forms for other tools.

    ``grid["L1"]`` and ``grid.L1`` are the results of an output, ``grid["a"]`` the values of a parameter.

    Args:
        space: the parameter space.
        outputs: names of the results, in order.
        spill: folder for outputs that are too large for memory; None: a temporary folder.

    Raises:
        CellOptionError: an output has the name of a parameter, or comes twice.
    """

    def __init__(self, space: SpaceLike, outputs: Sequence[str], *, spill: Path | None = None) -> None:
        self.space = space
        self.outputs = tuple(outputs)
        for name in self.outputs:
            if name in space.names:
                raise CellOptionError(
                    f"{name!r} is a parameter and an output of this sweep", hint="Give the output another name."
                )
            if self.outputs.count(name) > 1:
                raise CellOptionError(f"the output {name!r} is named twice", hint="Name each output once.")
        self._lock = threading.RLock()
        self._ledger = Ledger(first_status(space))
        keeper = Spill(spill)
        self._columns = {name: OutputColumn(name, space.size, keeper) for name in self.outputs}
        self._fills: dict[str, Fill] = {}
        self.fixed: dict[str, Any] = {}
        self._changes = 0

    # ---- the driver's side -------------------------------------------------------------------------------------

    def put(
        self,
        numbers: ArrayLike,
        values: Mapping[str, Any],
        *,
        seconds: ArrayLike = np.nan,
        resource: str = "",
        job_id: str = "",
        computed: bool = True,
    ) -> None:
        """Take the results of some points; all of them, or none when an error is raised.

        Args:
            numbers: of the points, of shape (n,), each once.
            values: output to its results, of shape (n, *point_shape).
            seconds: that each point took, of shape (n,) or one for all.
            resource: that computed them.
            job_id: the Everest job.
            computed: now; False when the results were kept from earlier.

        Raises:
            SweepOutputError: an output is missing, or has another shape or kind than at earlier points, or no memory
                and no disk can hold it.
        """
        at = self._numbers(numbers)
        if not len(at):
            return
        unset = [name for name in self.outputs if name not in values]
        if unset:
            raise SweepOutputError(
                f"no value came back for {', '.join(unset)}",
                hint="The cell must set every name in --out at every point.",
            )
        results = {name: as_results(name, values[name]) for name in self.outputs}
        for name, array in results.items():
            if array.shape[:1] != at.shape:
                raise SweepOutputError(f"{name!r} came with shape {array.shape} for {len(at)} points")
        with self._lock:
            for name, array in results.items():
                self._columns[name].check(array, at, self._describe)
            for name, array in results.items():
                column = self._columns[name]
                missing = self._ledger.status != Status.DONE if column.changes_kind(array) else None
                column.make_room(array, int(at[0]), missing)
            for name, array in results.items():
                self._columns[name].put(at, array)
            self._ledger.done(at, _spread(seconds, len(at)), resource, job_id, computed=computed)
            self._changes += 1

    def fail(
        self,
        numbers: ArrayLike,
        errors: Sequence[str] | str,
        *,
        resource: str = "",
        job_id: str = "",
        seconds: ArrayLike = np.nan,
    ) -> None:
        """Some points failed; a point that has a result keeps it.

        Args:
            numbers: of the points, of shape (n,), each once.
            errors: one per point, or one for all.
            resource: where they failed.
            job_id: the Everest job.
            seconds: that each point took, of shape (n,) or one for all.
        """
        at = self._numbers(numbers)
        texts = [errors] * len(at) if isinstance(errors, str) else errors
        if len(texts) != len(at):
            raise ValueError(f"{len(texts)} errors for {len(at)} points")
        with self._lock:
            self._ledger.failed(at, texts, _spread(seconds, len(at)), resource, job_id)
            self._changes += 1

    def leave_out(self, numbers: ArrayLike | None = None) -> None:
        """Points that still wait will not be computed: a refinement does not need them.

        Args:
            numbers: of the points; None: all that wait. A result that comes later is still taken.
        """
        with self._lock:
            waits = self._ledger.status == Status.WAITING
            at = np.flatnonzero(waits) if numbers is None else self._numbers(numbers)
            self._ledger.leave_out(at)
            self._changes += 1

    def interpolate_by(self, output: str, fill: Fill | None) -> None:
        """Draw an output with interpolated values where nothing was computed; its array keeps NaN there.

        Args:
            output: its name.
            fill: from values of shape `space.shape`, NaN where unknown, to the same with the unknown interpolated.
        """
        self._column(output)
        with self._lock:
            if fill is None:
                self._fills.pop(output, None)
            else:
                self._fills[output] = fill

    def filler(self, output: str) -> Fill | None:
        """What was given to `interpolate_by`, if anything."""
        return self._fills.get(output)

    # ---- the state ---------------------------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of the axes."""
        return tuple(self.space.shape)

    @property
    def params(self) -> dict[str, NDArray[Any]]:
        """The values of each parameter along its axis."""
        return {name: axis_values(axis, name) for axis in self.space.axes for name in axis.names}

    @property
    def status(self) -> NDArray[np.int8]:
        """The state of each point (see `Status`), of shape `space.shape`; a copy."""
        with self._lock:
            status: NDArray[np.int8] = self._ledger.status.reshape(self.shape).copy()
            return status

    @property
    def done(self) -> int:
        """Points that have results."""
        return self._count(Status.DONE)

    @property
    def failed(self) -> int:
        """Points that failed."""
        return self._count(Status.FAILED)

    @property
    def waiting(self) -> int:
        """Points that have no answer yet."""
        return self._count(Status.WAITING)

    @property
    def left_out(self) -> int:
        """Points that the condition, or a refinement, leaves out."""
        return self._count(Status.LEFT_OUT)

    @property
    def changes(self) -> int:
        """A number that grows whenever something came in."""
        return self._changes

    @property
    def spilled(self) -> dict[str, Path]:
        """The outputs that are too large for memory, with their files; empty when there are none."""
        with self._lock:
            return {name: path for name, column in self._columns.items() if (path := column.path) is not None}

    @property
    def failures(self) -> Failures:
        """The points that failed so far: parameters, error, resource and job of each."""
        with self._lock:
            return Failures.of(self.space, self._ledger)

    @property
    def timings(self) -> Timings:
        """Seconds of each point, and of each resource: points, seconds, mean."""
        with self._lock:
            return Timings.of(self.shape, self._ledger)

    # ---- the results -------------------------------------------------------------------------------------------

    def __getitem__(self, name: str) -> NDArray[Any]:
        """Results of an output, of shape (*space.shape, *point_shape), or the values of a parameter.

        What is missing is NaN, or masked when the results are integers, truth values or texts. Before the first
        result everything is NaN.

        Raises:
            SweepNameError: no such name.
        """
        return self.params[name] if name in self.space.names else self.result(name)

    def __getattr__(self, name: str) -> NDArray[Any]:
        if name.startswith("_") or name in ("space", "outputs", "fixed"):  # not yet set while it is being copied
            raise AttributeError(name)
        try:
            return self[name]
        except SweepNameError as error:
            raise AttributeError(str(error)) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self.outputs)

    def __contains__(self, name: object) -> bool:
        return name in self.outputs or name in self.space.names

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.outputs, *self.space.names]

    def keys(self) -> tuple[str, ...]:
        """The outputs: ``dict(grid)`` gives all arrays."""
        return self.outputs

    def result(self, name: str) -> NDArray[Any]:
        """What ``grid[name]`` gives for an output.

        Raises:
            SweepNameError: no such output.
        """
        column = self._column(name)
        with self._lock:
            return column.read(self.shape, self._ledger.status != Status.DONE)

    def array(self, name: str) -> NDArray[Any]:
        """An output as numbers with NaN where anything is missing, of shape (*space.shape, *point_shape).

        Args:
            name: of the output; integers and truth values become floating point.

        Raises:
            SweepOutputError: the output holds texts.
            SweepNameError: no such output.
        """
        values = self.result(name)
        if values.dtype.kind in "UO":
            raise SweepOutputError(f"{name!r} holds texts, not numbers", hint=f"grid[{name!r}] gives them.")
        if values.dtype.kind in "fc":
            return values
        numbers = values.astype(np.float64)
        return numbers.filled(np.nan) if isinstance(numbers, np.ma.MaskedArray) else numbers

    # ---- inner side --------------------------------------------------------------------------------------------

    def _column(self, name: str) -> OutputColumn:
        if name not in self._columns:
            known = ", ".join((*self.outputs, *self.space.names))
            raise SweepNameError(f"this grid has no {name!r}", hint=f"It has {known}.")
        return self._columns[name]

    def _count(self, status: Status) -> int:
        return int(self._ledger.counts[status])

    def _numbers(self, numbers: ArrayLike) -> NDArray[np.int64]:
        at = np.asarray(numbers, dtype=np.int64).reshape(-1)
        if len(at) and not (at.min() >= 0 and at.max() < self.space.size):
            raise IndexError(f"points are numbered from 0 to {self.space.size - 1}")
        return at

    def _describe(self, number: int) -> str:
        return ", ".join(f"{name}={value!r}" for name, value in self.space.point(number).items()) or "the only point"


def _spread(seconds: ArrayLike, count: int) -> NDArray[np.float64]:
    return np.broadcast_to(np.asarray(seconds, dtype=np.float64), (count,))
