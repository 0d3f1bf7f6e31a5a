"""Everest's job object, its states, and what a submission carries."""

from __future__ import annotations

from enum import Enum
from typing import Any

import msgspec

__all__ = ["ACTIVE_STATES", "FINAL_STATES", "Job", "JobRequest", "JobState"]


class JobState(str, Enum):
    """States of a job, as Everest spells them (CANCELLED with two L's; a task is CANCELED)."""

    SUBMITTED = "SUBMITTED"
    DEFERRED = "DEFERRED"
    READY = "READY"
    SCHEDULED = "SCHEDULED"
    RUNNING = "RUNNING"
    DONE = "DONE"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def is_final(self) -> bool:
        """Whether a job in this state can change no more."""
        return self in FINAL_STATES

    def __str__(self) -> str:
        return self.value


FINAL_STATES = frozenset({JobState.DONE, JobState.FAILED, JobState.CANCELLED})
ACTIVE_STATES = frozenset(JobState) - FINAL_STATES


class JobRequest(msgspec.Struct, rename="camel", omit_defaults=True, frozen=True):
    """The body of a submission, POST `/api/apps/<id>`.

    Attributes:
        name: display name.
        inputs: parameter name to value; files are URIs.
        resources: ids of resources or pools; empty means those bound to the application.
        resource_requirements: overrides such as `{"timeLimit": 600}` (seconds).
    """

    name: str = ""
    inputs: dict[str, Any] = {}
    resources: tuple[str, ...] = ()
    resource_requirements: dict[str, float] = {}
    description: str = ""


class Job(msgspec.Struct, rename="camel", frozen=True):
    """A job as `GET /api/jobs/<id>` gives it. Times are milliseconds since the epoch.

    Unknown fields are ignored and missing ones have defaults, because servers differ. The fields after
    `app` are additions of the embedded hub; a real Everest leaves them at their defaults.
    """

    id: str
    state: JobState
    name: str = ""
    user: str = ""
    app_id: str = ""
    app_alias: str | None = ""
    app_name: str = ""
    app_version: str = ""
    description: str = ""
    inputs: dict[str, Any] = {}
    result: dict[str, Any] = {}
    info: str = ""
    submitted: int = 0
    last_update_time: int = 0
    resources: tuple[str, ...] = ()
    allow_list: tuple[str, ...] = ()
    resource_requirements: dict[str, float] = {}
    notify_user: bool = False
    data_size: int = 0
    app: str = ""
    """The application's id once more: what everest.py of January 2017 reads in a list of jobs."""
    started: int = 0
    finished: int = 0
    exit_code: int | None = None
    reason: str = ""
    """Why a job failed: `exit`, `time-limit`, `signal`, `staging`, `start`, `lost`, `output` or empty."""
    resource_name: str = ""
    attempt: int = 0
    tasks_total: int = 0
    """Of a parameter sweep: elements of its product, those included that constraints leave out."""
    tasks_done: int = 0
    tasks_failed: int = 0
    queue_position: int | None = None
    """Of a job that waits, in the answer to a question for this one job: when its next task is sent, 1 for the next
    of all. Where several resources may take it, it can be sooner."""
    waiting_for: str = ""
    """Likewise: why it waits, in words, as `the resource win7 is offline`."""
