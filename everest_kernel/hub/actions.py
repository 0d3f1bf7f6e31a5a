"""What the scheduler decides."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from ..wire import TaskId, TaskState
from .task_queue import TaskKey

__all__ = ["Action", "Cancel", "Delete", "End", "Over", "Resume", "Send"]


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


class Over(NamedTuple):
    """All tasks of the job are ended, or it was cancelled before any was sent."""

    job_id: str


Action: TypeAlias = Send | Resume | Cancel | Delete | End | Over
