"""`%jobs`: the journal's jobs and the servers', newest first."""

from __future__ import annotations

import contextlib
import html
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

import anyio

from ..routes import EMBEDDED, Configuration, load_configuration
from ..wire import ConfigurationError, EverestError, Job
from .header import format_age, format_seconds
from .job_options import JobsOptions
from .job_servers import ask_server, is_unknown
from .remembered import shared_journal
from .servers import server_settings
from .tables import table

if TYPE_CHECKING:
    from ..client import EverestClient
    from ..records import JobRecord, Journal
    from .session import NotebookSession

__all__ = ["JobLine", "JobList", "jobs_bundle", "list_jobs", "short_notebook"]

_PAGE = 100
"""Jobs that are asked of a server in one request."""
_MOST_PAGES = 5
_SINGLE = 50
"""Jobs that are asked for one by one, because they are not on those pages."""


@dataclass(frozen=True)
class JobLine:
    """One line of the table: `time` in seconds since the epoch, `started` and `finished` in milliseconds."""

    job_id: str
    state: str
    time: float
    route: str = ""
    resource: str = ""
    notebook: str = ""
    name: str = ""
    server: str = ""
    started: int = 0
    finished: int = 0


@dataclass
class JobList:
    """The lines that are shown, how many more there are, and what else is to be said."""

    lines: list[JobLine] = field(default_factory=list)
    more: int = 0
    notes: list[str] = field(default_factory=list)


async def list_jobs(session: NotebookSession, options: JobsOptions, folder: Path, this: str, now: float) -> JobList:
    """The jobs that the options ask for. Servers are asked first, so that states are those of now.

    Args:
        session: whose connections are used.
        options: of the line.
        folder: of the notebook, for its configuration.
        this: the notebook's identity.
        now: seconds since the epoch.

    Raises:
        ConfigurationError: the configuration is faulty, or has no such server.
    """
    configuration, listed = load_configuration(folder), JobList()
    book = _journal(listed)
    if options.server not in ("", EMBEDDED):
        server_settings(options.server, configuration)
    pages = await _ask_servers(session, options, configuration, book, listed)
    since = 0.0 if options.age is None else now - options.age
    lines: list[JobLine] = []
    total = 0
    if book is not None:
        for notebook in _notebooks(book, options.notebook, this):
            wanted = {"route": options.route, "notebook": notebook, "server": options.server}
            found = book.search(states=options.states, since=since, limit=options.number, **wanted)
            lines += map(_of_record, found)
            total += book.count(states=options.states, since=since, **wanted)
    if not options.route and not options.notebook:  # a server knows neither
        added = [
            line
            for server, jobs in pages.items()
            for line in _unknown(jobs, server, book)
            if line.time >= since and (not options.states or line.state in options.states)
        ]
        lines, total = lines + added, total + len(added)
    lines.sort(key=lambda line: line.time, reverse=True)
    listed.lines = lines[: options.number]
    listed.more = total - len(listed.lines)
    return listed


def jobs_bundle(listed: JobList, now: float) -> dict[str, str]:
    """The table with what is said below it, as a MIME bundle."""
    several = len({line.server for line in listed.lines}) > 1
    head = ["id", "state", "route", "resource", *(["server"] * several), "notebook", "age", "running", "name"]
    rows = [
        [
            line.job_id,
            line.state.lower() or "unconfirmed",
            line.route,
            line.resource,
            *([line.server] * several),
            short_notebook(line.notebook),
            format_age(now - line.time),
            _running(line, now),
            line.name,
        ]
        for line in listed.lines
    ]
    more = f"{listed.more} more: %jobs --all, or -n {len(rows) + listed.more}" if listed.more > 0 else ""
    said = ([] if rows else ["No such jobs."]) + ([more] if more else []) + listed.notes
    bundle = table(head, rows) if rows else {"text/plain": "", "text/html": ""}
    below = "".join(f"<div>{html.escape(line)}</div>" for line in said)
    text = "\n".join([*([bundle["text/plain"]] if rows else []), *said])
    return {"text/plain": text, "text/html": bundle["text/html"] + below}


def short_notebook(identity: str) -> str:
    """A notebook's file name; the folder of a console in parentheses."""
    path = identity.rpartition(": ")[2]
    name = PurePath(path).name
    return name if path == identity else f"({name})"


def _running(line: JobLine, now: float) -> str:
    """How long it has run: by the server's clock, which may differ a little from ours."""
    if not line.started or (not line.finished and line.state != "RUNNING"):
        return ""
    end = line.finished / 1000 if line.finished else now
    return format_seconds(max(0.0, end - line.started / 1000))


def _journal(listed: JobList) -> Journal | None:
    try:
        book = shared_journal()
        book.known([])  # whether it can be opened
    except ConfigurationError as error:
        listed.notes.append(f"The journal cannot be used: {error.message}. Shown are the server's jobs.")
        return None
    return book


def _notebooks(book: Journal, wanted: str, this: str) -> list[str]:
    """The identities that are meant: by `this`, by a path, by a file name with or without its ending."""
    if not wanted:
        return [""]
    if wanted == "this":
        return [this]
    pattern = re.compile(rf"(?:.*[/\\])?{re.escape(wanted)}(?:\.ipynb)?\Z", re.DOTALL)
    return [identity for identity in book.notebooks() if pattern.match(identity)]


async def _ask_servers(
    session: NotebookSession,
    options: JobsOptions,
    configuration: Configuration,
    book: Journal | None,
    listed: JobList,
) -> dict[str, list[Job]]:
    """The first page of each server's jobs, at once; the journal learns from them."""
    unfinished: dict[str, list[str]] = {}
    for record in book.unfinished() if book is not None else []:
        unfinished.setdefault(record.server, []).append(record.job_id)
    pages: dict[str, list[Job]] = {}

    async def ask(server: str) -> None:
        waiting = [job_id for job_id in unfinished.get(server, ()) if job_id]
        try:
            pages[server], gone = await ask_server(session, server, lambda client: _page(client, waiting))
            if book is not None:
                _learn(book, pages[server], gone)
        except EverestError as error:
            if waiting or options.server:
                shown = (
                    "its jobs are shown as they were last seen" if waiting else "only what the journal knows is shown"
                )
                listed.notes.append(f"Server {server}: {error.message}; {shown}.")

    servers = {options.server} if options.server else {configuration.default_server, *unfinished}
    async with anyio.create_task_group() as group:
        for server in sorted(servers):
            group.start_soon(ask, server)
    listed.notes.sort()
    return pages


async def _page(client: EverestClient, waiting: list[str]) -> tuple[list[Job], list[str]]:
    """A server's newest jobs, and unfinished ones that are not among them; ids that it has not got.

    One request, unless more jobs are unfinished than a page holds.
    """
    found: dict[str, Job] = {}
    for number in range(1, _MOST_PAGES + 1):
        before, page = len(found), await client.jobs(page=number, page_size=_PAGE)
        found |= {job.id: job for job in page}
        # a server without paging answers with all, and with all again
        if len(page) != _PAGE or len(found) == before or found.keys() >= set(waiting):
            break
    gone: list[str] = []
    for job_id in [job_id for job_id in waiting if job_id not in found][:_SINGLE]:
        try:
            found[job_id] = await client.job(job_id)
        except EverestError as error:
            if not is_unknown(error):
                raise
            gone.append(job_id)
    return [*found.values()], gone


def _learn(book: Journal, jobs: list[Job], gone: list[str]) -> None:
    with contextlib.suppress(ConfigurationError):  # it could be read, but not written: states are as last seen
        book.saw_all(jobs)
        for job_id in gone:
            book.gone(job_id)


def _unknown(jobs: Iterable[Job], server: str, book: Journal | None) -> list[JobLine]:
    """Jobs that the journal does not know."""
    found = {job.id: job for job in jobs}
    known = book.known(found) if book is not None else set()
    return [
        JobLine(
            job.id,
            str(job.state),
            job.submitted / 1000,
            resource=job.resource_name,
            name=job.name or job.app_name,
            server=server,
            started=job.started,
            finished=job.finished,
        )
        for job in found.values()
        if job.id not in known
    ]


def _of_record(record: JobRecord) -> JobLine:
    return JobLine(
        record.job_id,
        record.state,
        record.recorded,
        record.route,
        record.resource,
        record.notebook,
        record.name,
        record.server,
        record.started,
        record.finished,
    )
