"""Jobs that are not ended, or just now are, in memory."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from ..wire import Application, Job
from .contents import Content
from .output_log import OutputLog
from .sweep import Sweep

__all__ = ["LiveJob", "LiveJobs", "milliseconds"]


@dataclass
class LiveJob:
    """The running side of a job.

    Attributes:
        job: as clients see it.
        version: rises with each change of `job`.
        outputs: what the present attempt has written, by stream.
        staged: where its outputs are, by path in the task's directory.
        sweep: its tasks, when it is a parameter sweep; then the two above stay empty.
        cancelling: whether its owner wants it to end.
        ending: whether its end is decided and on its way to the disk.
        over: set when its end is on disk.
        delete_at_end: whether it is to be dropped when it is over.
    """

    job: Job
    application: Application
    version: int = 0
    outputs: dict[str, OutputLog] = field(default_factory=dict)
    staged: dict[str, Content] = field(default_factory=dict)
    sweep: Sweep | None = None
    cancelling: bool = False
    ending: bool = False
    over: asyncio.Event = field(default_factory=asyncio.Event)
    delete_at_end: bool = False


class LiveJobs:
    """All of them by id.

    Attributes:
        watchers: called with the id of a job that changed or wrote something.
    """

    def __init__(self) -> None:
        self._jobs: dict[str, LiveJob] = {}
        self.watchers: set[Callable[[str], None]] = set()

    def __len__(self) -> int:
        return len(self._jobs)

    def __getitem__(self, job_id: str) -> LiveJob:
        return self._jobs[job_id]

    def get(self, job_id: str) -> LiveJob | None:
        """The running side of a job, or None when it is ended."""
        return self._jobs.get(job_id)

    def add(self, live: LiveJob) -> None:
        """A job is accepted."""
        self._jobs[live.job.id] = live

    def update(self, live: LiveJob, **changes: Any) -> None:
        """Change what clients see of a job."""
        live.job = msgspec.structs.replace(live.job, last_update_time=milliseconds(), **changes)
        live.version += 1
        self.changed(live.job.id)

    def end(self, live: LiveJob, final: Job) -> None:
        """A job's end is on disk."""
        live.job = final
        live.version += 1
        self.changed(final.id)
        del self._jobs[final.id]
        live.over.set()

    def changed(self, job_id: str) -> None:
        """Tell the watchers."""
        for watcher in list(self.watchers):
            watcher(job_id)


def milliseconds() -> int:
    """The time of day as Everest counts it."""
    return int(time.time() * 1000)
