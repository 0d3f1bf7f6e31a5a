"""What the scheduler knows of jobs, tasks and resources."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from ..wire import TaskId
from .task_queue import QueuedJob, TaskKey

__all__ = ["Place", "ScheduledTask", "Slots", "UnfinishedJob"]


class UnfinishedJob(NamedTuple):
    """A job that had not ended when the hub stopped.

    Attributes:
        started: attempts that are known to have been sent.
        source: numbers of the other tasks that are not ended.
        claimable: whether a number is one of those that the source gives.
        base: the number of the first attempt at those: above all that may have been sent before.
    """

    id: str
    user: str
    resources: tuple[str, ...]
    started: tuple[TaskId, ...]
    source: Iterator[int | None]
    claimable: Callable[[int], bool]
    base: int = 0


class Place(Enum):
    """Where a task is; see `scheduler`."""

    QUEUED = "queued"
    SENT = "sent"
    LOST = "lost"


@dataclass(slots=True)
class ScheduledTask:
    """A task that was sent at least once, and is not ended."""

    key: TaskKey
    job: QueuedJob
    attempt: int
    place: Place
    resource: str | None = None
    lost_at: float = 0.0

    @property
    def id(self) -> TaskId:
        """The present attempt."""
        return TaskId(self.key.job_id, self.key.number, self.attempt)


@dataclass
class Slots:
    """What runs on a connected resource."""

    slots: int
    running: set[TaskKey] = field(default_factory=set)
