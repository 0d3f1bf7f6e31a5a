"""What is known about each point of a sweep apart from its results: state, time, resource, job, error."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from .spaces import SpaceLike

__all__ = ["FLAGS", "Ledger", "Names", "Status", "first_status"]


class Status(IntEnum):
    """State of one point."""

    WAITING = 0
    DONE = 1
    FAILED = 2
    LEFT_OUT = 3


FLAGS: dict[str, object] = {
    "flag_values": [int(status) for status in Status],
    "flag_meanings": " ".join(status.name.lower() for status in Status),
}
"""The states as attributes of a variable, as the CF conventions of netCDF have it."""


class Names:
    """Short numbers for names that come again and again: resources, jobs, messages of errors."""

    def __init__(self, names: Sequence[str] = ()) -> None:
        self.names = list(names)
        self._numbers = {name: number for number, name in enumerate(self.names)}

    def number(self, name: str) -> int:
        """The number of a name; a new name gets the next one."""
        found = self._numbers.get(name)
        if found is None:
            found = self._numbers[name] = len(self.names)
            self.names.append(name)
        return found


def first_status(space: SpaceLike) -> NDArray[np.int8]:
    """The state of every point before the sweep begins, of shape (points,)."""
    if not space.where:
        return np.zeros(space.size, dtype=np.int8)
    status = np.full(space.size, Status.LEFT_OUT, dtype=np.int8)
    for numbers in space.numbers():
        status[numbers] = Status.WAITING
    return status


class Ledger:
    """Arrays with one entry per point. Not guarded: its Grid holds the lock.

    Args:
        status: state of each point, of shape (points,); becomes the ledger's own.
    """

    def __init__(self, status: NDArray[np.int8]) -> None:
        size = len(status)
        self.status = status
        self.counts = np.bincount(status, minlength=len(Status)).astype(np.int64)
        self.seconds = np.full(size, np.nan)
        self.resource = np.full(size, -1, dtype=np.int32)
        self.job = np.full(size, -1, dtype=np.int32)
        self.error = np.full(size, -1, dtype=np.int32)
        self.computed = np.zeros(size, dtype=np.bool_)
        self.resources, self.jobs, self.errors = Names(), Names(), Names()

    def part(self, numbers: NDArray[np.int64]) -> Ledger:
        """A ledger of its own for some of the points, renumbered in this order."""
        part = Ledger(self.status[numbers])
        part.seconds = self.seconds[numbers]
        part.resource, part.job, part.error = self.resource[numbers], self.job[numbers], self.error[numbers]
        part.computed = self.computed[numbers]
        names = (self.resources, self.jobs, self.errors)
        part.resources, part.jobs, part.errors = (Names(each.names) for each in names)
        return part

    def done(
        self, numbers: NDArray[np.int64], seconds: NDArray[np.float64], resource: str, job_id: str, *, computed: bool
    ) -> None:
        """These points have results.

        Args:
            numbers: each once.
            seconds: that each took.
            resource: that computed them.
            job_id: the Everest job.
            computed: now; False when the results were kept from earlier.
        """
        self._move(numbers, Status.DONE)
        self.error[numbers] = -1
        self._came_from(numbers, seconds, resource, job_id, computed=computed)

    def failed(
        self,
        numbers: NDArray[np.int64],
        errors: Sequence[str],
        seconds: NDArray[np.float64],
        resource: str,
        job_id: str,
    ) -> None:
        """These points failed; a point that has a result keeps it.

        Args:
            numbers: each once.
            errors: one per point.
            seconds: that each took, NaN where not known.
            resource: where it failed.
            job_id: the Everest job.
        """
        open_ = self.status[numbers] != Status.DONE
        texts = np.fromiter((self.errors.number(error) for error in errors), dtype=np.int32, count=len(errors))
        numbers = numbers[open_]
        self._move(numbers, Status.FAILED)
        self.error[numbers] = texts[open_]
        self._came_from(numbers, seconds[open_], resource, job_id, computed=True)

    def leave_out(self, numbers: NDArray[np.int64]) -> None:
        """Those of these points that still wait will not be computed."""
        self._move(numbers[self.status[numbers] == Status.WAITING], Status.LEFT_OUT)

    def _move(self, numbers: NDArray[np.int64], status: Status) -> None:
        self.counts -= np.bincount(self.status[numbers], minlength=len(Status))
        self.counts[status] += len(numbers)
        self.status[numbers] = status

    def _came_from(
        self, numbers: NDArray[np.int64], seconds: NDArray[np.float64], resource: str, job_id: str, *, computed: bool
    ) -> None:
        self.seconds[numbers] = seconds
        self.resource[numbers] = self.resources.number(resource)
        self.job[numbers] = self.jobs.number(job_id)
        self.computed[numbers] = computed
