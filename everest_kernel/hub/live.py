"""A job that is not ended, or just now is."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..wire import Application, Job
from .contents import Content
from .output_log import OutputLog
from .sweep import Sweep

__all__ = ["LiveJob"]


@dataclass
class LiveJob:
    """The running side of a job.

    Attributes:
        job: as clients see it.
        version: rises with each change of `job`.
        outputs: what the present attempt has written, by stream.
        staged: where its outputs are, by path in the task's directory.
        sweep: its tasks, when it is a parameter sweep; then the two above stay empty.
        ending: whether its end is decided and on its way to the disk.
        delete_at_end: whether it is to be dropped when it is over.
    """

    job: Job
    application: Application
    version: int = 0
    outputs: dict[str, OutputLog] = field(default_factory=dict)
    staged: dict[str, Content] = field(default_factory=dict)
    sweep: Sweep | None = None
    ending: bool = False
    delete_at_end: bool = False
