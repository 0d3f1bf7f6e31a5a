"""One submission: sent under a key where the server knows repetitions by it, and withdrawn when nobody waits for it."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable

import anyio

from ..wire import EverestError, Job, JobRequest, TransportError
from .answers import read_job
from .transport import Transport

__all__ = ["submit"]

log = logging.getLogger(__name__)

_WITHDRAW_SECONDS = 5.0
"""How long a cancelled submission waits for its answer, to cancel the job."""


async def submit(
    transport: Transport,
    app_id: str,
    request: JobRequest,
    *,
    key: str | None,
    repeatable: bool,
    cancel: Callable[[str], Awaitable[None]],
) -> Job:
    """Submit a job; when this is cancelled while the answer is on its way, the job is cancelled too.

    Args:
        transport: to the server.
        app_id: id or address of the application.
        request: what to run.
        key: the submission's key; None: a new one.
        repeatable: whether the server gives the same job for the same key.
        cancel: cancels a job.

    Raises:
        TransportError: the connection broke.
    """
    sending = asyncio.ensure_future(_send(transport, app_id, request, key or uuid.uuid4().hex, repeatable))
    try:
        return await asyncio.shield(sending)
    except asyncio.CancelledError:
        with anyio.CancelScope(shield=True):
            await _withdraw(sending, cancel)
        raise


async def _send(transport: Transport, app_id: str, request: JobRequest, key: str, repeatable: bool) -> Job:
    headers = {"Idempotency-Key": key} if repeatable else {}
    try:
        answer = await transport.request(
            "POST", f"/api/apps/{app_id}", json=request, headers=headers, repeatable=repeatable
        )
    except TransportError as error:
        if not repeatable:
            error.hint = "The job may have been submitted: look for it before you submit it again."
        raise
    return read_job(answer)


async def _withdraw(sending: asyncio.Future[Job], cancel: Callable[[str], Awaitable[None]]) -> None:
    try:
        with anyio.fail_after(_WITHDRAW_SECONDS):
            job = await sending
            await cancel(job.id)
    except (EverestError, TimeoutError) as error:  # there is no job, or it cannot be reached any more
        log.warning("a submission was cancelled, and its job perhaps not: %s", error)
