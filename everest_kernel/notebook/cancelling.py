"""Cancelling a job, and what came of it."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio

from ..wire import EverestError, Job, JobState

if TYPE_CHECKING:
    from ..client import EverestClient

__all__ = ["CancelOutcome", "cancel_job"]

_CANCEL_SECONDS = 5.0
_CONFIRM_SECONDS = 2.0


@dataclass(frozen=True)
class CancelOutcome:
    """What came of a cancel.

    Attributes:
        job: at its end; None when that is not known.
        problem: why the server could not be told; empty when it could.
    """

    job: Job | None = None
    problem: str = ""

    @property
    def confirmed(self) -> bool:
        """Whether the far side says that it cancelled the job."""
        return self.job is not None and self.job.state is JobState.CANCELLED

    def sentence(self, subject: str) -> str:
        """In words, about `its job` or whatever the job is called."""
        if self.job is not None:
            where = f" on {self.job.resource_name}" if self.job.resource_name else ""
            if self.confirmed:
                return f"{subject} was cancelled{where}"
            return f"{subject} had ended before{where} ({str(self.job.state).lower()})"
        if self.problem:
            return f"{subject} could not be told to stop, and may go on: {self.problem}"
        return f"{subject} was told to stop, which is not confirmed yet"


async def cancel_job(client: EverestClient, job_id: str) -> CancelOutcome:
    """Cancel a job, and give its agent a moment to confirm: only then is it over."""
    from ..client import DeafSink

    problem = ""
    try:
        with anyio.fail_after(_CANCEL_SECONDS):
            await client.cancel(job_id)
    except (EverestError, TimeoutError) as error:
        problem = str(error) or f"no answer in {_CANCEL_SECONDS:g} s"
    with anyio.move_on_after(_CONFIRM_SECONDS), contextlib.suppress(EverestError):
        return CancelOutcome(await client.follow(job_id, DeafSink(), output=False), problem)
    return CancelOutcome(None, problem)
