"""Jobs that have tasks to give, and whose turn it is. No I/O, no clock."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

__all__ = ["QueuedJob", "TaskKey", "TaskQueue"]


class TaskKey(NamedTuple):
    """A task of a job, whatever the attempt."""

    job_id: str
    number: int


_END: Final = -1
_LOOKING: Final = -2


@dataclass(slots=True, eq=False)
class QueuedJob:
    """A job with its tasks that are not started: they are numbers from an iterator, and cost nothing until then.

    Attributes:
        source: numbers of tasks; None where it wants to be asked again in a while.
        again: tasks that must be started once more; they come first.
        open: how many tasks are started or lost, and not ended.
        base: the number of a task's first attempt.
        claimable: whether a number is a task that the source has yet to give.
        claimed: numbers that the source will give although an agent has them already.
        held: whether nothing may be drawn yet.
    """

    id: str
    user: str
    resources: tuple[str, ...]
    source: Iterator[int | None]
    claimable: Callable[[int], bool]
    base: int = 0
    again: deque[TaskKey] = field(default_factory=deque)
    open: int = 0
    claimed: set[int] = field(default_factory=set)
    held: bool = False
    cancelling: bool = False
    _next: int = _LOOKING

    def __post_init__(self) -> None:
        self.look()

    def look(self) -> None:
        """Find the next number, unless the source wants to be asked later."""
        for number in self.source:
            if number is None:
                self._next = _LOOKING
                return
            if number not in self.claimed:
                self._next = number
                return
            self.claimed.discard(number)
        self._next = _END

    @property
    def looking(self) -> bool:
        """Whether the source must be asked again before it is known if there is a next task."""
        return self._next == _LOOKING

    @property
    def ready(self) -> bool:
        """Whether a task can be drawn now."""
        return not self.held and bool(self.again or self._next >= 0)

    @property
    def exhausted(self) -> bool:
        """Whether no task will ever be drawn from it again, unless a started one is lost."""
        return not self.again and self._next == _END

    @property
    def over(self) -> bool:
        """Whether all its tasks are ended."""
        return self.exhausted and self.open == 0

    def draw(self) -> TaskKey:
        """The next task; only when `ready`."""
        if self.again:
            return self.again.popleft()
        number = self._next
        self.look()
        return TaskKey(self.id, number)

    def claim(self, number: int) -> bool:
        """An agent has this task, which the source has not given yet; False when it may not have it."""
        if number in self.claimed or not self.claimable(number):
            return False
        if number == self._next:
            self.look()
        else:
            self.claimed.add(number)
        return True

    def withdraw(self) -> None:
        """Nothing more is to be drawn."""
        self.source, self._next = iter(()), _END
        self.again.clear()


class TaskQueue:
    """Jobs that may go to the same resources: users in turn, of each user the jobs in turn."""

    def __init__(self) -> None:
        self._users: OrderedDict[str, OrderedDict[str, QueuedJob]] = OrderedDict()

    def add(self, job: QueuedJob) -> None:
        """A job has something to give; one that is here keeps its place."""
        self._users.setdefault(job.user, OrderedDict()).setdefault(job.id, job)

    @property
    def empty(self) -> bool:
        """Whether no job is here."""
        return not self._users

    def draw(self, allowed: Callable[[str], bool]) -> tuple[QueuedJob, TaskKey] | None:
        """The next task and its job, of a user who is `allowed`; None when there is none now."""
        for user, jobs in list(self._users.items()):
            if not allowed(user):
                continue
            job = self._ready_one(jobs)
            if not jobs:
                del self._users[user]
            if job is None:
                continue
            key = job.draw()
            if job.exhausted:
                del jobs[job.id]
            else:
                jobs.move_to_end(job.id)
            if jobs:
                self._users.move_to_end(user)
            else:
                del self._users[user]
            return job, key
        return None

    @staticmethod
    def _ready_one(jobs: OrderedDict[str, QueuedJob]) -> QueuedJob | None:
        for job in list(jobs.values()):
            if job.exhausted:
                del jobs[job.id]
            elif job.ready:
                return job
        return None
