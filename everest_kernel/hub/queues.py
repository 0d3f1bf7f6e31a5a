"""All queues: one for each set of resources that jobs name, and these take turns too. No I/O, no clock."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection
from functools import partial

from .task_queue import QueuedJob, TaskKey, TaskQueue, turns_of_others

__all__ = ["Queues"]


def _everybody(user: str) -> bool:
    return True


class Queues:
    """Jobs that have tasks to give, by the resources that they may go to.

    Args:
        may_use: whether a user's tasks that name no resource may go to one.
    """

    def __init__(self, may_use: Callable[[str, str], bool]) -> None:
        self._may_use = may_use
        self._queues: OrderedDict[tuple[str, ...], TaskQueue] = OrderedDict()

    def add(self, job: QueuedJob) -> None:
        """A job has something to give; one that is here keeps its place."""
        self._queues.setdefault(job.resources, TaskQueue()).add(job)

    def remove(self, job: QueuedJob) -> None:
        """A job has nothing to give any more."""
        queue = self._queues.get(job.resources)
        if queue is not None:
            queue.remove(job)
            if queue.empty:
                del self._queues[job.resources]

    def draw(self, resource: str) -> tuple[QueuedJob, TaskKey] | None:
        """The next task for a resource and its job; None when there is none now."""
        for resources in list(self._queues):
            if resources and resource not in resources:
                continue
            queue = self._queues[resources]
            drawn = queue.draw(_everybody if resources else partial(self._allowed, resource))
            if queue.empty:
                del self._queues[resources]
            elif drawn is not None:
                self._queues.move_to_end(resources)
            if drawn is not None:
                return drawn
        return None

    def _allowed(self, resource: str, user: str) -> bool:
        return self._may_use(user, resource)

    def position(self, job: QueuedJob, connected: Collection[str]) -> int | None:
        """When the next task of a job is drawn, if nothing changes: 1 for the next of all; None: it is not here.

        Exact where one resource is `connected`; with several it is the longest that it can be. The cost rises with
        the users and the sets of resources, not with the jobs.
        """
        own = self._queues.get(job.resources)
        turns = own.before(job) if own is not None else None
        if turns is None:
            return None
        reach = set(job.resources or connected)
        reach = reach.intersection(connected) or reach
        rivals = [
            (queue.most, queue is own)
            for resources, queue in self._queues.items()
            if queue is own or not resources or not reach.isdisjoint(resources)
        ]
        return 1 + turns + turns_of_others(turns, rivals)
