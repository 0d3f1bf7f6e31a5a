"""Jobs that have tasks to give, and whose turn it is. No I/O, no clock."""

from __future__ import annotations

import math
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from operator import length_hint
from typing import Final, NamedTuple

from .turns import Turns

__all__ = ["QueuedJob", "TaskKey", "TaskQueue", "turns_of_others"]


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
        lost: how many of those that are open are lost.
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
    lost: int = 0
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
    def has_several(self) -> bool:
        """Whether more than one task may be left to draw."""
        return len(self.again) + (self._next != _END) + length_hint(self.source, 1) > 1

    @property
    def waits(self) -> bool:
        """Whether none of its tasks is with an agent."""
        return self.open == len(self.again) + self.lost

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


class _Line:
    """The jobs of one user, in turn."""

    def __init__(self) -> None:
        self._jobs: dict[str, QueuedJob] = {}
        self._turns = Turns()
        self._of_several: set[str] = set()

    def __len__(self) -> int:
        return len(self._jobs)

    def __contains__(self, job: QueuedJob) -> bool:
        return job.id in self._jobs

    def add(self, job: QueuedJob) -> None:
        if job.id not in self._jobs:
            self._jobs[job.id] = job
            self._turns.add(job.id)
        if job.has_several:
            self._of_several.add(job.id)

    def remove(self, job: QueuedJob) -> None:
        if self._jobs.pop(job.id, None) is not None:
            self._turns.remove(job.id)
            self._of_several.discard(job.id)

    def draw(self) -> tuple[QueuedJob, TaskKey] | None:
        job = self._ready_one()
        if job is None:
            return None
        key = job.draw()
        if job.exhausted:
            self.remove(job)
        else:
            self._turns.to_end(job.id)
        return job, key

    def _ready_one(self) -> QueuedJob | None:
        found, over = None, []
        for job_id in self._turns:
            job = self._jobs[job_id]
            if job.ready:
                found = job
                break
            if job.exhausted:
                over.append(job)
        for job in over:
            self.remove(job)
        return found

    def before(self, job: QueuedJob) -> int:
        return self._turns.before(job.id)

    @property
    def most(self) -> float:
        """How many tasks can be drawn from here at most, as far as that is known without a look at each job."""
        return math.inf if self._of_several else len(self._jobs)


class TaskQueue:
    """Jobs that may go to the same resources: users in turn, of each user the jobs in turn."""

    def __init__(self) -> None:
        self._users: OrderedDict[str, _Line] = OrderedDict()

    def add(self, job: QueuedJob) -> None:
        """A job has something to give; one that is here keeps its place."""
        self._users.setdefault(job.user, _Line()).add(job)

    def remove(self, job: QueuedJob) -> None:
        """A job has nothing to give any more."""
        line = self._users.get(job.user)
        if line is not None:
            line.remove(job)
            if not line:
                del self._users[job.user]

    @property
    def empty(self) -> bool:
        """Whether no job is here."""
        return not self._users

    @property
    def most(self) -> float:
        """How many tasks can be drawn at most: the number of jobs, or infinity where one has several."""
        return sum(line.most for line in self._users.values())

    def before(self, job: QueuedJob) -> int | None:
        """How many tasks are drawn before the next one of this job, if nothing changes; None: it is not here."""
        own = self._users.get(job.user)
        if own is None or job not in own:
            return None
        turns = own.before(job)
        return turns + turns_of_others(turns, [(line.most, line is own) for line in self._users.values()])

    def draw(self, allowed: Callable[[str], bool]) -> tuple[QueuedJob, TaskKey] | None:
        """The next task and its job, of a user who is `allowed`; None when there is none now."""
        for user, line in list(self._users.items()):
            if not allowed(user):
                continue
            drawn = line.draw()
            if not line:
                del self._users[user]
            elif drawn is not None:
                self._users.move_to_end(user)
            if drawn is not None:
                return drawn
        return None


def turns_of_others(own: int, round_: Iterable[tuple[float, bool]]) -> int:
    """How many turns others have before one's turn number `own`, counted from 0.

    Args:
        own: how many turns the one in question has had by then.
        round_: of all who take turns, from the next on: how many turns each can use, and whether it is the one.
    """
    total, more = 0, 1
    for most, is_own in round_:
        if is_own:
            more = 0
        else:
            total += int(min(most, own + more))
    return total
