"""Cancelling a job so that its owner knows what came of it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import anyio

from ..wire import EverestError, JobState

if TYPE_CHECKING:
    from ..client import EverestClient

__all__ = ["CONFIRMED", "cancel_and_confirm"]

_CANCEL_SECONDS = 5.0
_CONFIRM_SECONDS = 2.0
CONFIRMED = "its job was cancelled"
"""How the sentence begins when nothing of the job goes on."""


async def cancel_and_confirm(client: EverestClient, job_id: str) -> str:
    """Cancel a job, and give its agent a moment to confirm: only then is it over. Says what came of it.

    Raises:
        EverestError: nothing; what went wrong is in the sentence.
    """
    from ..client import DeafSink

    problem = ""
    try:
        with anyio.fail_after(_CANCEL_SECONDS):
            await client.cancel(job_id)
    except (EverestError, TimeoutError) as error:
        problem = str(error) or f"no answer in {_CANCEL_SECONDS:g} s"
    with anyio.move_on_after(_CONFIRM_SECONDS), contextlib.suppress(EverestError):
        job = await client.follow(job_id, DeafSink(), output=False)
        where = f" on {job.resource_name}" if job.resource_name else ""
        if job.state is JobState.CANCELLED:
            return f"{CONFIRMED}{where}"
        return f"its job had ended before{where} ({str(job.state).lower()})"
    if problem:
        return f"its job could not be told to stop, and may go on: {problem}"
    return "its job was told to stop, which is not confirmed yet"
