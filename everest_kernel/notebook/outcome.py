"""What a finished job left, and what its failure means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO

from ..languages import Returned
from ..wire import EverestError, Job, JobCancelledError, JobFailedError, JobState, ProtocolError

__all__ = ["Outcome", "failure_of", "file_of"]


@dataclass
class Outcome:
    """What a finished job left: the job, its values and pictures as they came, and an open file with what it fetched.

    Attributes:
        error: what the program's output says of an error.
        output: all that it wrote, in order; None when that was too much to keep.
        kept: whether all this is from the results cache.
    """

    job: Job
    values: bytes | None = None
    pictures: bytes | None = None
    fetched: IO[bytes] | None = None
    last_lines: tuple[str, ...] = ()
    error: str = ""
    output: list[tuple[str, bytes]] | None = None
    kept: bool = False

    def __del__(self) -> None:
        if self.fetched is not None:  # nobody may have wanted it
            self.fetched.close()


def file_of(job: Job, output: str) -> str:
    """The address of an output that is a file.

    Raises:
        ProtocolError: the application declares it as something else.
    """
    value = job.result[output]
    if not isinstance(value, str) or not value.startswith(("/", "http://", "https://")):
        raise ProtocolError(f"the output {output!r} of the job's application is not a file", job_id=job.id)
    return value


def failure_of(job: Job, back: Returned, outcome: Outcome) -> EverestError:
    """The error for a job that did not succeed: what its program said, else what the server said."""
    context = {"job_id": job.id, "resource": job.resource_name or None}
    if job.state is JobState.CANCELLED:
        return JobCancelledError(job.info or "the job was cancelled", **context)
    message = back.error or job.info or "the job failed without saying why"
    if job.exit_code and job.reason == "exit" and not back.error:
        message = f"the program ended with exit code {job.exit_code}"
    status = f"Exit code {job.exit_code}. " if job.exit_code and back.error else ""
    shown = back.error and back.error != outcome.error  # the runner has shown the whole traceback
    return JobFailedError(
        message,
        exit_code=job.exit_code,
        last_lines=() if shown else outcome.last_lines,
        hint=_HINTS.get(job.reason, f"{status}`%log {job.id}` shows the whole output."),
        **context,
    )


_HINTS = {
    "time-limit": "Allow it more time with --time-limit, or make the work smaller.",
    "lost": "The machine that ran it went away; run the cell again.",
    "start": "The resource has no such program; another route may have it.",
}
