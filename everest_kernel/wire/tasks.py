"""What a server sends to an agent: task ids, states and specifications."""

from __future__ import annotations

from enum import Enum
from typing import Any, NamedTuple

import msgspec

from .errors import ProtocolError

__all__ = [
    "FINAL_TASK_STATES",
    "InputData",
    "OutputData",
    "StagedFile",
    "TaskContext",
    "TaskId",
    "TaskInfo",
    "TaskSpec",
    "TaskState",
]


class TaskState(str, Enum):
    """The task states that are evidenced; any other string means "in progress"."""

    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    STAGED_OUT = "STAGED_OUT"
    DONE = "DONE"
    FAILED = "FAILED"
    CANCELED = "CANCELED"

    def __str__(self) -> str:
        return self.value


FINAL_TASK_STATES = frozenset({TaskState.DONE, TaskState.FAILED, TaskState.CANCELED})


class TaskId(NamedTuple):
    """`<jobId>-<taskNumber>-<restartNumber>`: which task of which job, and which attempt at it."""

    job_id: str
    number: int
    attempt: int

    def __str__(self) -> str:
        return f"{self.job_id}-{self.number}-{self.attempt}"

    @classmethod
    def parse(cls, text: str) -> TaskId:
        """Read a task id.

        Raises:
            ProtocolError: the text has another shape.
        """
        job_id, _, rest = text.partition("-")
        number, _, attempt = rest.partition("-")
        if not (job_id and number.isascii() and number.isdigit() and attempt.isascii() and attempt.isdigit()):
            raise ProtocolError(f"{text[:80]!r} is not a task id")
        return cls(job_id, int(number), int(attempt))


class InputData(msgspec.Struct, omit_defaults=True, frozen=True):
    """Download `uri` to `path` in the task directory, sending `auth` as the Authorization header.

    `uri` is absolute (`http:`, `https:`) or carries the content itself (`data:`, RFC 2397).
    """

    path: str
    uri: str
    auth: str = ""

    def __repr__(self) -> str:  # the token must not reach a log or a traceback
        return f"InputData(path={self.path!r}, uri={self.uri[:80]!r})"


class OutputData(msgspec.Struct, frozen=True):
    """Files of the task directory to bring back, if they exist; `stdout` and `stderr` are legal names."""

    paths: tuple[str, ...]


class TaskSpec(msgspec.Struct, rename="camel", frozen=True):
    """What to run. The command is split into words as a POSIX shell would, but no shell runs it.

    Attributes:
        resource_requirements: `timeLimit` (seconds of wall time) is acted on; others go to the task handler.
    """

    name: str
    command: str
    input_data: tuple[InputData, ...] = ()
    output_data: tuple[OutputData, ...] = ()
    environment: dict[str, str] = {}
    resource_requirements: dict[str, Any] = {}

    def __repr__(self) -> str:  # its environment holds the task's token
        return f"TaskSpec(name={self.name!r}, command={self.command!r})"

    @property
    def time_limit(self) -> float | None:
        """Seconds of wall time, when the requirement is a positive number."""
        limit = self.resource_requirements.get("timeLimit")
        return limit if isinstance(limit, (int, float)) and limit > 0 else None


class TaskContext(msgspec.Struct, rename="camel", omit_defaults=True, frozen=True):
    """Our dialect of the third argument of TASK_SUBMIT (a real controller sends `{}`).

    Attributes:
        stream: send TASK_OUTPUT while the task runs; then `stdout` and `stderr` are not staged out as files.
        upload_uri: absolute URI that takes output files by POST (raw body, `?filename=`).
        auth: Authorization header for `upload_uri`.
        inline_limit: output files up to this many bytes come back as `data:` URIs in STAGED_OUT.
    """

    stream: bool = False
    upload_uri: str = ""
    auth: str = ""
    inline_limit: int = 0

    def __repr__(self) -> str:  # the token must not reach a log or a traceback
        return f"TaskContext(stream={self.stream}, inline_limit={self.inline_limit})"


class StagedFile(msgspec.Struct, frozen=True):
    """One output of a task: where it is now. `uri` is server-relative, or `data:` with the content."""

    path: str
    uri: str


class TaskInfo(msgspec.Struct, rename="camel", omit_defaults=True, frozen=True):
    """The info object of TASK_STATE; every key is optional.

    Attributes:
        output_data: with STAGED_OUT.
        exit_code: with COMPLETED, DONE and FAILED, when the program ended by itself.
        reason: with FAILED; see `Job.reason`.
        message: with FAILED and CANCELED: a sentence for the user.
        streams: with the final state: length in bytes of `stdout` and `stderr`, when they were streamed.
    """

    output_data: tuple[StagedFile, ...] = ()
    exit_code: int | None = None
    reason: str = ""
    message: str = ""
    streams: dict[str, int] = {}
