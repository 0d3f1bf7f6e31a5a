"""Asking servers about jobs, without starting the embedded hub for it and without waiting for ever."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import anyio

from ..routes import EMBEDDED, load_configuration
from ..wire import ConfigurationError, EverestError, EverestTimeoutError, Job, JobError, RefusedError, TransportError
from .remembered import shared_journal

if TYPE_CHECKING:
    from ..client import EverestClient
    from ..records import JobRecord
    from .session import NotebookSession

__all__ = ["FoundJob", "ask_server", "find_job", "is_unknown", "note_found"]

_T = TypeVar("_T")
_ANSWER_SECONDS = 10.0


@dataclass(frozen=True)
class FoundJob:
    """What the journal and a server know of one job; at least one of them knows it.

    Attributes:
        record: the journal's; None when it does not know the job.
        job: the server's; None when it does not know it, or does not answer.
        server: at which the job is.
        url: of that server; empty when it was not asked.
        problem: why there is no `job`, in words.
        gone: whether the server has answered that it does not have it.
    """

    record: JobRecord | None
    job: Job | None
    server: str
    url: str = ""
    problem: str = ""
    gone: bool = False


async def ask_server(
    session: NotebookSession, server: str, question: Callable[[EverestClient], Awaitable[_T]], *, start: bool = False
) -> _T:
    """The answer of a server.

    Args:
        session: whose connection is used.
        server: its name.
        question: asks it.
        start: start the embedded hub when it does not run.

    Raises:
        EverestError: there is none, or not in time.
    """
    from ..client import running_hub

    try:
        with anyio.fail_after(None if start else _ANSWER_SECONDS):
            if server == EMBEDDED and not start and await running_hub() is None:
                raise TransportError("the embedded hub does not run")
            return await question(await session.client(server))
    except TimeoutError as error:
        raise EverestTimeoutError(f"the server {server!r} did not answer in {_ANSWER_SECONDS:g} s") from error


def is_unknown(error: EverestError) -> bool:
    """Whether a server says that it has no such job: ids that are none of its own may be malformed to it."""
    return isinstance(error, RefusedError) and error.status in (400, 404, 410)


async def find_job(session: NotebookSession, job_id: str, folder: Path, *, start: bool = False) -> FoundJob:
    """Look for a job in the journal and at its server; one that is not in the journal, at all servers in turn.

    Args:
        session: whose connections are used.
        job_id: of the job.
        folder: of the notebook, for its configuration.
        start: start the embedded hub when a job of the journal is there.

    Raises:
        JobError: nobody knows it.
        ConfigurationError: the configuration is faulty.
    """
    record, problems = None, []
    try:
        record = shared_journal().find(job_id)
    except ConfigurationError as error:
        problems.append(error.message)
    configuration = load_configuration(folder)
    others = sorted({EMBEDDED, *configuration.servers} - {configuration.default_server})
    for server in [record.server] if record else [configuration.default_server, *others]:
        found = await _at(session, job_id, record, server, start=start and record is not None)
        if found.job is not None or record is not None:
            note_found(found.record, found.job, gone=found.gone)
            return found
        if not found.gone:
            problems.append(found.problem)
    hint = "".join(f"{problem}\n" for problem in problems) + "`%jobs` lists those that are known."
    raise JobError(f"there is no job {job_id!r}", hint=hint)


async def _at(session: NotebookSession, job_id: str, record: JobRecord | None, server: str, *, start: bool) -> FoundJob:
    async def question(client: EverestClient) -> tuple[Job, str]:
        return await client.job(job_id), client.server.url

    try:
        job, url = await ask_server(session, server, question, start=start)
    except EverestError as error:
        if is_unknown(error):
            return FoundJob(record, None, server, problem=f"the server {server!r} does not have it", gone=True)
        return FoundJob(record, None, server, problem=f"the server {server!r} cannot be asked: {error.message}")
    return FoundJob(record, job, server, url)


def note_found(record: JobRecord | None, job: Job | None, *, gone: bool = False) -> None:
    """The journal learns what a server said of one of its jobs."""
    if record is None:
        return
    with contextlib.suppress(ConfigurationError):  # it could be read, but not written: the news is shown anyway
        if job is not None:
            shared_journal().saw(job)
        elif gone:
            shared_journal().gone(record.job_id)
