"""Which task goes to which resource, and what happens when an agent goes away. No I/O, no clock.

Each method is an event with the time at which it happened, and gives the actions that follow from it. A task is at
any moment in one of these places::

    QUEUED ──send──▶ SENT ──final report──▶ (gone)
      ▲               │ ▲
      │     agent gone│ │agent back, still has it
      │               ▼ │
      └──too long── LOST ──too often──▶ (ended: FAILED)

LOST also holds tasks found unfinished when the hub starts: the agent that has one may come back and claim it. An
attempt's number rises before a task is sent again, so reports of the earlier attempt no longer count.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple, TypeAlias

from ..wire import TaskId, TaskState

__all__ = ["Action", "Cancel", "Delete", "End", "Resume", "Scheduler", "Send", "TaskKey"]


class TaskKey(NamedTuple):
    """A task of a job, whatever the attempt."""

    job_id: str
    number: int


class Send(NamedTuple):
    """Send this attempt to the agent of this resource."""

    resource: str
    task: TaskId


class Resume(NamedTuple):
    """The agent still has this attempt, and it counts: let it go on reporting."""

    resource: str
    task: TaskId


class Cancel(NamedTuple):
    """Ask the agent to end this attempt."""

    resource: str
    task: TaskId


class Delete(NamedTuple):
    """The agent has an attempt that does not count: end and forget it."""

    resource: str
    task: TaskId


class End(NamedTuple):
    """The task ends without an agent's report: CANCELED, or FAILED because its agents were lost."""

    key: TaskKey
    state: TaskState
    message: str


Action: TypeAlias = Send | Resume | Cancel | Delete | End


class _Place(Enum):
    QUEUED = "queued"
    SENT = "sent"
    LOST = "lost"


@dataclass
class _Task:
    key: TaskKey
    user: str
    resources: tuple[str, ...]
    attempt: int
    place: _Place
    resource: str | None = None
    lost_at: float = 0.0
    cancelling: bool = False

    @property
    def id(self) -> TaskId:
        return TaskId(self.key.job_id, self.key.number, self.attempt)


@dataclass
class _Resource:
    slots: int
    running: set[TaskKey] = field(default_factory=set)


class _Queue:
    """Waiting tasks that may go to the same resources: users in turn, of each user the jobs in turn."""

    def __init__(self) -> None:
        self._users: OrderedDict[str, OrderedDict[str, deque[TaskKey]]] = OrderedDict()

    def push(self, user: str, key: TaskKey, *, first: bool = False) -> None:
        queue = self._users.setdefault(user, OrderedDict()).setdefault(key.job_id, deque())
        (queue.appendleft if first else queue.append)(key)

    def pop(self) -> TaskKey | None:
        if not self._users:
            return None
        user, jobs = next(iter(self._users.items()))
        job_id, queue = next(iter(jobs.items()))
        key = queue.popleft()
        jobs.move_to_end(job_id)
        self._users.move_to_end(user)
        if not queue:
            del jobs[job_id]
        if not jobs:
            del self._users[user]
        return key


class Scheduler:
    """See the module's text.

    Args:
        grace: seconds that an agent may be away before its tasks are given to another.
        max_attempts: how often a task is started at most when agents are lost.
    """

    def __init__(self, *, grace: float = 30.0, max_attempts: int = 3) -> None:
        self._grace = grace
        self._max_attempts = max_attempts
        self._tasks: dict[TaskKey, _Task] = {}
        self._resources: dict[str, _Resource] = {}
        self._queues: OrderedDict[tuple[str, ...], _Queue] = OrderedDict()
        self._awaited: set[str] = set()

    # --- events

    def recover(
        self, tasks: Iterable[tuple[TaskId, str, tuple[str, ...]]], agents: Collection[str], now: float
    ) -> None:
        """The hub starts with these unfinished tasks, `(id, user, resources)`; these resources may come back."""
        self._awaited = set(agents)
        for task_id, user, resources in tasks:
            key = TaskKey(task_id.job_id, task_id.number)
            self._tasks[key] = _Task(key, user, resources, task_id.attempt, _Place.LOST, lost_at=now)

    def submit(self, key: TaskKey, user: str, resources: tuple[str, ...]) -> list[Action]:
        """A new task, to go to one of `resources` (empty: any)."""
        if key in self._tasks:
            raise ValueError(f"task {key} was submitted already")
        self._tasks[key] = _Task(key, user, resources, 0, _Place.QUEUED)
        self._queue(resources).push(user, key)
        return self._dispatch()

    def connected(self, resource: str, slots: int, has: Collection[TaskId], now: float) -> list[Action]:
        """The agent of a resource is there and still has these tasks."""
        actions: list[Action] = []
        state = self._resources[resource] = _Resource(max(slots, 0))
        claimed = set()
        for task_id in has:
            task = self._tasks.get(TaskKey(task_id.job_id, task_id.number))
            if task is None or not self._may_claim(task, resource, task_id):
                actions.append(Delete(resource, task_id))
                continue
            task.place, task.resource = _Place.SENT, resource
            claimed.add(task.key)
            state.running.add(task.key)
            actions.append(Resume(resource, task_id))
            if task.cancelling:
                actions.append(Cancel(resource, task_id))
        self._awaited.discard(resource)
        for task in list(self._tasks.values()):
            at_this_one = task.resource == resource and task.place is not _Place.QUEUED
            unclaimed = task.resource is None and task.place is _Place.LOST and not self._awaited
            if task.key not in claimed and (at_this_one or unclaimed):
                actions += self._again(task)
        return actions + self._dispatch()

    def disconnected(self, resource: str, now: float) -> list[Action]:
        """The agent of a resource is gone."""
        self._resources.pop(resource, None)
        for task in self._tasks.values():
            if task.resource == resource and task.place is _Place.SENT:
                task.place, task.lost_at = _Place.LOST, now
        return []

    def ended(self, resource: str, task_id: TaskId) -> tuple[bool, list[Action]]:
        """An agent reports a final state. True: it counts, and the task is gone. False: superseded or unknown."""
        key = TaskKey(task_id.job_id, task_id.number)
        task = self._tasks.get(key)
        if task is None or not self.is_current(resource, task_id):
            return False, [Delete(resource, task_id)]
        del self._tasks[key]
        self._free(task)
        return True, self._dispatch()

    def cancel(self, key: TaskKey) -> list[Action]:
        """The owner wants the task to end."""
        task = self._tasks.get(key)
        if task is None or task.cancelling:
            return []
        task.cancelling = True
        if task.place is _Place.SENT and task.resource is not None:
            return [Cancel(task.resource, task.id)]
        del self._tasks[key]  # its entry in a queue is skipped when its turn comes
        return [End(key, TaskState.CANCELED, "cancelled before it ran")]

    def tick(self, now: float) -> list[Action]:
        """Time has passed."""
        actions: list[Action] = []
        for task in list(self._tasks.values()):
            if task.place is _Place.LOST and now >= task.lost_at + self._grace:
                actions += self._again(task)
        return actions + self._dispatch()

    # --- questions

    def wake_at(self) -> float | None:
        """When `tick` has something to do, or None."""
        times = [task.lost_at + self._grace for task in self._tasks.values() if task.place is _Place.LOST]
        return min(times, default=None)

    def is_current(self, resource: str, task_id: TaskId) -> bool:
        """Whether this attempt, on this resource, is the one that counts."""
        task = self._tasks.get(TaskKey(task_id.job_id, task_id.number))
        return (
            task is not None
            and task.attempt == task_id.attempt
            and task.resource == resource
            and task.place is _Place.SENT
        )

    def running(self, resource: str) -> int:
        """How many tasks a resource runs."""
        state = self._resources.get(resource)
        return len(state.running) if state else 0

    @property
    def unfinished(self) -> int:
        """How many tasks are not ended."""
        return len(self._tasks)

    # --- inside

    @staticmethod
    def _may_claim(task: _Task, resource: str, task_id: TaskId) -> bool:
        return task.attempt == task_id.attempt and task.place is not _Place.QUEUED and task.resource in (None, resource)

    def _again(self, task: _Task) -> list[Action]:
        """The attempt is lost: queue the next, first in line; or end the task."""
        self._free(task)
        if task.cancelling:
            del self._tasks[task.key]
            return [End(task.key, TaskState.CANCELED, "cancelled; the resource that ran it is gone")]
        if task.attempt + 1 >= self._max_attempts:
            del self._tasks[task.key]
            return [End(task.key, TaskState.FAILED, f"its resource was lost {task.attempt + 1} times")]
        task.attempt += 1
        task.place, task.resource = _Place.QUEUED, None
        self._queue(task.resources).push(task.user, task.key, first=True)
        return []

    def _free(self, task: _Task) -> None:
        if task.resource in self._resources:
            self._resources[task.resource].running.discard(task.key)

    def _queue(self, resources: tuple[str, ...]) -> _Queue:
        return self._queues.setdefault(resources, _Queue())

    def _dispatch(self) -> list[Action]:
        actions: list[Action] = []
        for name, state in self._resources.items():
            while len(state.running) < state.slots:
                task = self._next_for(name)
                if task is None:
                    break
                task.place, task.resource = _Place.SENT, name
                state.running.add(task.key)
                actions.append(Send(name, task.id))
        return actions

    def _next_for(self, resource: str) -> _Task | None:
        for resources in list(self._queues):
            if resources and resource not in resources:
                continue
            queue = self._queues[resources]
            self._queues.move_to_end(resources)
            while (key := queue.pop()) is not None:
                task = self._tasks.get(key)
                if task is not None and task.place is _Place.QUEUED:
                    return task
        return None
