"""What is known about each point of a sweep apart from its results: state, time, resource, job, error."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from .spaces import SpaceLike

__all__ = ["Ledger", "Names", "Status"]


class Status(IntEnum):
    """State of one point."""

    WAITING = 0
    DONE = 1
    FAILED = 2
    LEFT_OUT = 3


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


class Ledger:
    """Arrays with one entry per point. Not guarded: its Grid holds the lock.

    Args:
        space: tells which points its condition leaves out.
    """

    def __init__(self, space: SpaceLike) -> None:
        size = space.size
        if space.where:
            self.status = np.full(size, Status.LEFT_OUT, dtype=np.int8)
            for numbers in space.numbers():
                self.status[numbers] = Status.WAITING
            waiting = int(np.count_nonzero(self.status == Status.WAITING))
        else:
            self.status = np.zeros(size, dtype=np.int8)
            waiting = size
        self.counts = np.zeros(len(Status), dtype=np.int64)
        self.counts[Status.WAITING] = waiting
        self.counts[Status.LEFT_OUT] = size - waiting
        self.seconds = np.full(size, np.nan)
        self.resource = np.full(size, -1, dtype=np.int32)
        self.job = np.full(size, -1, dtype=np.int32)
        self.computed = np.zeros(size, dtype=np.bool_)
        self.error = np.full(size, -1, dtype=np.int32)
        self.resources, self.jobs, self.errors = Names(), Names(), Names()

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
