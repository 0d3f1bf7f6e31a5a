"""Which task goes to which resource, and what happens when an agent goes away. No I/O, no clock.

Each method is an event with the time at which it happened, and gives the actions that follow from it. A task is at
any moment in one of these places::

    (a number of its job) ──send──▶ SENT ──final report──▶ (gone)
                                  ▲  │ ▲
                    QUEUED ──send─┘  │ │agent back, still has it
                      ▲    agent gone▼ │
                      └──too long── LOST ──too often──▶ (ended: FAILED)

A task exists here only from the moment at which it is first sent: a job of a million tasks costs no more than one of
a single task. LOST also holds tasks found unfinished when the hub starts: the agent that has one may come back and
claim it. An attempt's number rises before a task is sent again, so reports of the earlier attempt no longer count.

What was sent of a job with many tasks is not written down. So after a start nothing is drawn from it until all known
agents have come back and claimed what they have, or their time is over; and what is drawn then begins with a higher
attempt, so that an agent that comes back still later is told to forget.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from ..wire import TaskId, TaskState
from .actions import Action, Cancel, Delete, End, Over, Resume, Send
from .queues import Queues
from .scheduled import Place, ScheduledTask, Slots, UnfinishedJob
from .task_queue import QueuedJob, TaskKey
from .waiting import Waiting

__all__ = ["Scheduler"]


class Scheduler:
    """See the module's text.

    Args:
        grace: seconds that an agent may be away before its tasks are given to another.
        max_attempts: how often a task is started at most when agents are lost.
        may_use: whether a user's tasks that name no resource may go to one.
    """

    def __init__(
        self,
        *,
        grace: float = 30.0,
        max_attempts: int = 3,
        may_use: Callable[[str, str], bool] = lambda user, resource: True,
    ) -> None:
        self._grace = grace
        self._max_attempts = max_attempts
        self._jobs: dict[str, QueuedJob] = {}
        self._tasks: dict[TaskKey, ScheduledTask] = {}
        self._lost: dict[TaskKey, ScheduledTask] = {}
        self._resources: dict[str, Slots] = {}
        self._queues = Queues(may_use)
        self._looking: dict[str, QueuedJob] = {}
        self._held: dict[str, QueuedJob] = {}
        self._held_until = 0.0
        self._awaited: set[str] = set()

    # --- events

    def recover(self, jobs: Iterable[UnfinishedJob], agents: Collection[str], now: float) -> list[Action]:
        """The hub starts with these unfinished jobs; the agents of these resources may come back."""
        self._awaited = set(agents)
        self._held_until = now + self._grace
        actions: list[Action] = []
        for found in jobs:
            job = self._add(found)
            job.held = True
            self._held[job.id] = job
            for task_id in found.started:
                key = TaskKey(task_id.job_id, task_id.number)
                task = self._tasks[key] = ScheduledTask(key, job, task_id.attempt, Place.LOST)
                self._lose(task, now)
                job.open += 1
            self._close_if_over(job, actions)
        if not self._awaited:
            self._release()
        return actions

    def submit(
        self, job_id: str, user: str, resources: tuple[str, ...], source: Iterator[int | None] | None = None
    ) -> list[Action]:
        """A new job with tasks of these numbers (default: one, 0), to go to `resources` (empty: any)."""
        numbers = iter((0,)) if source is None else source
        job = self._add(UnfinishedJob(job_id, user, resources, (), numbers, lambda number: False))
        self._queue(job)
        actions = self._dispatch()
        self._close_if_over(job, actions)
        return actions

    def connected(self, resource: str, slots: int, has: Collection[TaskId] | None, now: float) -> list[Action]:
        """The agent of a resource is there and still has these tasks; None: it cannot say which.

        The tasks of one that cannot say stay lost until it reports them (`reported`), or for the rest of the grace.
        """
        actions: list[Action] = []
        state = self._resources[resource] = Slots(max(slots, 0))
        if has is None:
            state.running.update(t.key for t in self._tasks.values() if t.resource == resource)
            return self._dispatch()
        claimed = set()
        for task_id in has:
            task = self._claim(resource, task_id)
            if task is None:
                actions.append(Delete(resource, task_id))
                continue
            claimed.add(task.key)
            state.running.add(task.key)
            actions.append(Resume(resource, task_id))
            if task.job.cancelling:
                actions.append(Cancel(resource, task_id))
        self._awaited.discard(resource)
        for task in list(self._tasks.values()):
            at_this_one = task.resource == resource and task.place is not Place.QUEUED
            unclaimed = task.resource is None and task.place is Place.LOST and not self._awaited
            if task.key not in claimed and (at_this_one or unclaimed):
                actions += self._again(task)
        if not self._awaited:
            self._release()
        return actions + self._dispatch()

    def reported(self, resource: str, task_id: TaskId) -> list[Action]:
        """An agent that cannot say what it has reports a task: a lost attempt that counts is found again."""
        state = self._resources.get(resource)
        if state is None or self.is_current(resource, task_id):
            return []
        task = self._claim(resource, task_id)
        if task is None:
            return []
        state.running.add(task.key)
        return [Cancel(resource, task_id)] if task.job.cancelling else []

    def disconnected(self, resource: str, now: float) -> list[Action]:
        """The agent of a resource is gone."""
        self._resources.pop(resource, None)
        for task in self._tasks.values():
            if task.resource == resource and task.place is Place.SENT:
                self._lose(task, now)
        return []

    def ended(self, resource: str, task_id: TaskId) -> tuple[bool, list[Action]]:
        """An agent reports a final state. True: it counts, and the task is gone. False: superseded or unknown."""
        task = self._tasks.get(TaskKey(task_id.job_id, task_id.number))
        if task is None or not self.is_current(resource, task_id):
            return False, [Delete(resource, task_id)]
        self._free(task)
        actions: list[Action] = []
        self._remove(task, actions)
        return True, actions + self._dispatch()

    def cancel(self, job_id: str) -> list[Action]:
        """The owner wants the job to end."""
        job = self._jobs.get(job_id)
        if job is None or job.cancelling:
            return []
        job.cancelling = True
        job.withdraw()
        self._queues.remove(job)
        self._looking.pop(job_id, None)
        actions: list[Action] = []
        for task in [task for task in self._tasks.values() if task.job is job]:
            if task.place is Place.SENT and task.resource is not None:
                actions.append(Cancel(task.resource, task.id))
            else:
                actions.append(End(task.key, TaskState.CANCELED, "cancelled before it ran"))
                self._remove(task, actions)
        self._close_if_over(job, actions)
        return actions

    def tick(self, now: float) -> list[Action]:
        """Time has passed."""
        actions: list[Action] = []
        for job in list(self._looking.values()):
            job.look()
            self._note_looking(job)
            self._queue(job)
            self._close_if_over(job, actions)
        for task in list(self._lost.values()):
            if now >= task.lost_at + self._grace:
                actions += self._again(task)
        if self._held and now >= self._held_until:
            self._release()
        return actions + self._dispatch()

    # --- questions

    def wake_at(self) -> float | None:
        """When `tick` has something to do, or None."""
        if self._looking:
            return 0.0
        times = [task.lost_at + self._grace for task in self._lost.values()]
        if self._held:
            times.append(self._held_until)
        return min(times, default=None)

    @property
    def looking(self) -> bool:
        """Whether a job's next task is still looked for, so that `tick` should come soon."""
        return bool(self._looking)

    def is_current(self, resource: str, task_id: TaskId) -> bool:
        """Whether this attempt, on this resource, is the one that counts."""
        task = self._tasks.get(TaskKey(task_id.job_id, task_id.number))
        return (
            task is not None
            and task.attempt == task_id.attempt
            and task.resource == resource
            and task.place is Place.SENT
        )

    def running(self, resource: str) -> int:
        """How many tasks a resource runs."""
        state = self._resources.get(resource)
        return len(state.running) if state else 0

    @property
    def connected_resources(self) -> Mapping[str, Slots]:
        """What runs on the resources whose agents are there."""
        return self._resources

    def waiting(self, job_id: str) -> Waiting | None:
        """What is known of a job of whose tasks none is with an agent; None for any other. Changes nothing."""
        job = self._jobs.get(job_id)
        if job is None or not job.waits:
            return None
        only = self._tasks.get(TaskKey(job_id, 0))
        return Waiting(
            job.resources,
            self._queues.position(job, self._resources),
            lost=job.lost > 0 and not job.ready,
            last_resource=only.resource if only is not None else None,
            held=job.held,
            cancelling=job.cancelling,
        )

    @property
    def unfinished(self) -> int:
        """How many jobs have tasks that are not ended."""
        return len(self._jobs)

    # --- inside: jobs

    def _add(self, new: UnfinishedJob) -> QueuedJob:
        if new.id in self._jobs:
            raise ValueError(f"job {new.id} was submitted already")
        job = self._jobs[new.id] = QueuedJob(new.id, new.user, new.resources, new.source, new.claimable, new.base)
        self._note_looking(job)
        return job

    def _note_looking(self, job: QueuedJob) -> None:
        if job.looking:
            self._looking[job.id] = job
        else:
            self._looking.pop(job.id, None)

    def _queue(self, job: QueuedJob) -> None:
        if not job.exhausted and not job.held:
            self._queues.add(job)

    def _release(self) -> None:
        held, self._held = self._held, {}
        for job in held.values():
            job.held = False
            self._queue(job)

    def _close_if_over(self, job: QueuedJob, actions: list[Action]) -> None:
        if job.over and self._jobs.pop(job.id, None) is not None:
            self._held.pop(job.id, None)
            actions.append(Over(job.id))

    # --- inside: tasks

    def _claim(self, resource: str, task_id: TaskId) -> ScheduledTask | None:
        """The task that an agent still has, now counted as sent there; None when it must forget it."""
        key = TaskKey(task_id.job_id, task_id.number)
        task = self._tasks.get(key)
        job = self._jobs.get(task_id.job_id)
        if task is None and job is not None and job.held and task_id.attempt < job.base:
            if not job.claim(task_id.number):
                return None
            task = self._tasks[key] = ScheduledTask(key, job, task_id.attempt, Place.LOST)
            job.open += 1
        if task is None or task.attempt != task_id.attempt or task.place is Place.QUEUED:
            return None
        if task.resource not in (None, resource):
            return None
        self._found(task)
        task.place, task.resource = Place.SENT, resource
        return task

    def _again(self, task: ScheduledTask) -> list[Action]:
        """The attempt is lost: queue the next, first in line; or end the task."""
        self._free(task)
        self._found(task)
        job, actions = task.job, list[Action]()
        if job.cancelling:
            actions.append(End(task.key, TaskState.CANCELED, "cancelled; the resource that ran it is gone"))
            self._remove(task, actions)
        elif task.attempt + 1 - job.base >= self._max_attempts:
            actions.append(End(task.key, TaskState.FAILED, f"its resource was lost {self._max_attempts} times"))
            self._remove(task, actions)
        else:
            task.attempt = max(task.attempt + 1, job.base)
            task.place, task.resource = Place.QUEUED, None
            job.again.appendleft(task.key)
            self._queue(job)
        return actions

    def _remove(self, task: ScheduledTask, actions: list[Action]) -> None:
        del self._tasks[task.key]
        self._found(task)
        task.job.open -= 1
        self._close_if_over(task.job, actions)

    def _lose(self, task: ScheduledTask, now: float) -> None:
        task.place, task.lost_at = Place.LOST, now
        self._lost[task.key] = task
        task.job.lost += 1

    def _found(self, task: ScheduledTask) -> None:
        """A task counts as lost no more, if it did."""
        if self._lost.pop(task.key, None) is not None:
            task.job.lost -= 1

    def _free(self, task: ScheduledTask) -> None:
        if task.resource in self._resources:
            self._resources[task.resource].running.discard(task.key)

    # --- inside: whose turn it is

    def _dispatch(self) -> list[Action]:
        actions: list[Action] = []
        for name, state in self._resources.items():
            while len(state.running) < state.slots:
                drawn = self._queues.draw(name)
                if drawn is None:
                    break
                task = self._drawn(*drawn)
                task.place, task.resource = Place.SENT, name
                state.running.add(task.key)
                actions.append(Send(name, task.id))
        return actions

    def _drawn(self, job: QueuedJob, key: TaskKey) -> ScheduledTask:
        self._note_looking(job)
        task = self._tasks.get(key)
        if task is None:
            task = self._tasks[key] = ScheduledTask(key, job, job.base, Place.QUEUED)
            job.open += 1
        return task
