"""Follows one job for the cell or the background job that wants it, on the client's event loop."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio

from ..languages import Display, PlainStream
from ..wire import EverestError, Job, JobState
from .cancelling import CancelOutcome, cancel_job
from .channels import Channel
from .header import format_age, format_size
from .job_source import JobSource
from .outcome import Outcome, file_of
from .output import CellOutput
from .output_record import OutputRecord
from .provenance import MarkedChannel, provenance
from .status_line import StatusLine, Terminal

if TYPE_CHECKING:
    from ..client import EverestClient, LogLine
    from ..records import CachedResult
    from .session import NotebookSession

__all__ = ["TERMINAL", "RemoteRun"]

_TICK = 1.0
"""Seconds between two looks at the clock while a cell waits."""
TERMINAL = Terminal()
"""A kernel's, or the one in which IPython runs."""
_WAITING = frozenset({JobState.SUBMITTED, JobState.DEFERRED, JobState.READY})


class RemoteRun:
    """Obtains a job, follows it and fetches what it left.

    Args:
        source: gives the job.
        channel: where output goes.
        display_id: identifies the header line, so that it can be replaced.
        replaces: whether the front end replaces displays (a terminal does not).
        shows_header: whether there is a header line at all; a background job has a display of its own.
        watched: whether a terminal's user sees what is written over itself.

    Attributes:
        job: as it was last seen; None before it is submitted.
        ending: what became of the job after an interrupt, as far as the far side has said; None without one.
        watchers: called when the header has changed.
    """

    def __init__(
        self,
        source: JobSource,
        channel: Channel,
        display_id: str,
        *,
        replaces: bool = True,
        shows_header: bool = True,
        watched: bool = True,
    ) -> None:
        self.source = source
        self.display_id = display_id
        self.header = source.header
        self.job: Job | None = None
        self.ending: CancelOutcome | None = None
        self.watchers: list[Callable[[], None]] = []
        self._replaces = replaces
        self._shows_header = shows_header
        self._watched = watched
        self._shown = False
        self._started = time.monotonic()
        self._last_output: float | None = None
        self._server_url = ""
        self.redirect(channel)

    def redirect(self, channel: Channel) -> None:
        """From now on output goes there."""
        self._status = StatusLine(channel, TERMINAL, enabled=self._watched)
        self.channel: Channel = MarkedChannel(self._status, self.provenance)

    @property
    def job_id(self) -> str:
        """The job's id; empty before it is submitted."""
        return self.job.id if self.job else ""

    async def run(self, session: NotebookSession) -> Outcome:
        """Take a kept result; or obtain the job, follow it, and fetch what it left. The header tells how it ended.

        Raises:
            JobCancelledError: the job was cancelled.
            QueueLimitError: it waited too long, and was withdrawn.
            EverestError: any other failure of the tree in `wire.errors`.
        """
        try:
            kept = await self.source.recall()
            if kept is not None:
                return await self._replay(kept)
            return await self._run(session)
        except asyncio.CancelledError:
            self.end("cancelled" if self.is_cancelled else "interrupted")
            raise
        except EverestError:
            self.end("failed")
            raise

    async def _run(self, session: NotebookSession) -> Outcome:
        self.show_header()
        client = await session.client(self.source.server)
        self._server_url = client.server.url
        self.header.live = bool((await client.extensions()).events)
        if not self.header.live:
            self.show_header(update=True)
        job = await self.source.obtain(client)
        self._complain(session)
        session.note_job(job.id, self.source.server)
        self.job, self.header.job_id = job, job.id
        self.on_state(job)  # a cell that waits in a queue says so
        try:
            outcome = await self._follow(client, job)
            session.memory.collected(job.id)
        except asyncio.CancelledError:
            if not session.closing:  # an interrupt: the far side is told before the cell is given back
                with anyio.CancelScope(shield=True):
                    self.set_state("cancelling")
                    self.ending = ending = await cancel_job(client, job.id)
                self.job = ending.job or self.job
            raise
        finally:
            session.memory.saw(self.job)
        return outcome

    async def _follow(self, client: EverestClient, job: Job) -> Outcome:
        language = self.source.language
        stream = language.stream() if language else PlainStream()
        record = OutputRecord()
        async with CellOutput(self.channel, stream, self._note) as output:
            async with _beside(self._watch_clock(client)):
                sink = _Sink(self, output, record)
                job = await client.follow(job.id, sink, job=job, queue_limit=self.source.queue_limit)
            self._status.clear()
        self.job = job
        outcome = Outcome(job, last_lines=output.last_lines(), error=stream.error, output=record.pieces)
        if language is None:
            return outcome
        if "values" in job.result:
            outcome.values = await client.download(file_of(job, "values"))
        if "pictures" in job.result:
            outcome.pictures = await client.download(file_of(job, "pictures"))
        if "fetched" in job.result and job.state is JobState.DONE:
            outcome.fetched = tempfile.TemporaryFile()  # noqa: SIM115 - it may be large; the outcome closes it
            await client.download_into(file_of(job, "fetched"), outcome.fetched)
        return outcome

    async def _replay(self, kept: CachedResult) -> Outcome:
        """Show again what the same cell has shown."""
        self.job, self.header.job_id = kept.job, kept.job.id
        self.header.resource = kept.job.resource_name
        age = format_age(time.time() - kept.stored)
        self.header.remark = f"the result of the same cell of {age} ago (--fresh runs it again)"
        self.header.state = "kept"
        self.show_header()
        language = self.source.language
        stream = language.stream() if language else PlainStream()
        async with CellOutput(self.channel, stream, self._note) as output:
            for name, data in kept.output:
                output.on_output(name, data)
        fetched = None
        if kept.fetched is not None:
            fetched = tempfile.TemporaryFile()  # noqa: SIM115 - the outcome closes it
            fetched.write(kept.fetched)
        return Outcome(kept.job, kept.values, kept.pictures, fetched, output.last_lines(), stream.error, kept=True)

    # --- news

    def on_state(self, job: Job) -> None:
        """The job reached a state: the header says so."""
        self.job = job
        self.header.resource = job.resource_name or self.header.resource
        if job.state not in _WAITING:
            self.header.position, self.header.waiting_for = None, ""
        if not job.state.is_final:
            self.set_state(str(job.state).lower())

    def on_output(self) -> None:
        """The job wrote something."""
        self._last_output = time.monotonic()

    def on_log(self, lines: list[LogLine], output: CellOutput) -> None:
        """The server's log says something new; there the resource is named, where the job object has none."""
        for line in lines:
            output.on_note(f"[log {line.clock}] {line.text}" if line.clock else f"[log] {line.text}")
        resource = next((line.resource for line in lines if line.resource), "")
        if resource and not self.header.resource:
            self.header.resource = resource
            self._changed()

    async def _watch_clock(self, client: EverestClient) -> None:
        """Keep the header true while nothing but time happens."""
        while self._shows_header:
            await asyncio.sleep(_TICK)
            if self.job is not None and self.job.state in _WAITING and self.header.live:
                await self._ask_for_place(client, self.job)
            now = time.monotonic()
            self.header.elapsed = now - self._started
            self.header.quiet = None if self._last_output is None else now - self._last_output
            if self._replaces:
                self.show_header(update=True)
            else:
                self._status.status(self.header.status())

    async def _ask_for_place(self, client: EverestClient, job: Job) -> None:
        try:
            seen = await client.job(job.id)
        except EverestError:
            return  # the follower knows how to take it
        if seen.state in _WAITING and self.job is job:
            self.header.position, self.header.waiting_for = seen.queue_position, seen.waiting_for

    # --- the header

    def set_state(self, state: str) -> None:
        """What the header says that the job is doing."""
        if state != self.header.state:
            self.header.state = state
            self._changed()

    def show_header(self, *, update: bool = False) -> None:
        """Show the header line, or replace it."""
        for watcher in self.watchers:
            watcher()
        if self._shows_header:
            transient = {"display_id": self.display_id}
            metadata = {"everest_header": True}
            replaces = update and self._replaces and self._shown
            self._shown = True
            self.channel.display(Display(self.header.bundle(), metadata, transient, replaces))

    @property
    def is_cancelled(self) -> bool:
        """Whether an interrupt left nothing that goes on."""
        return self.job is None or (self.ending is not None and self.ending.confirmed)

    def end(self, state: str) -> None:
        """The last form of the header."""
        self._status.clear()
        self.header.state = state
        self.header.seconds = time.monotonic() - self._started
        if self.job is not None:
            self.header.take_times(self.job)
        self.show_header(update=True)

    def provenance(self) -> dict[str, str]:
        """Where the output is from."""
        if self.job is None:
            return {}
        header, source = self.header, self.source
        return provenance(
            job=self.job,
            server=self._server_url or source.server,
            route=source.route,
            resource=header.resource,
            content=source.content,
        )

    def _changed(self) -> None:
        if self._replaces or not self._shows_header:
            self.show_header(update=True)

    def _complain(self, session: NotebookSession) -> None:
        problem = session.memory.take_problem()
        if problem:
            self.channel.text("stderr", f"[{problem}]\n")

    def _note(self, size: int, lines: int) -> str:
        return f"[{lines:,} lines ({format_size(size)}) not shown; the whole output: %log {self.job_id}]"


class _Sink:
    """What the client calls while it follows the job."""

    def __init__(self, run: RemoteRun, output: CellOutput, record: OutputRecord) -> None:
        self._run = run
        self._output = output
        self._record = record

    def on_state(self, job: Job) -> None:
        self._run.on_state(job)

    def on_output(self, stream: str, data: bytes) -> None:
        self._record.add(stream, data)
        self._run.on_output()
        self._output.on_output(stream, data)

    def on_restart(self, attempt: int) -> None:
        self._record.drop()
        text = f"[the resource was lost; attempt {attempt + 1} starts from the beginning]\n"
        self._output.on_output("stderr", text.encode())

    def on_log(self, lines: list[LogLine]) -> None:
        self._run.on_log(lines, self._output)


@asynccontextmanager
async def _beside(work: Any) -> AsyncIterator[None]:
    """Something that goes on meanwhile and ends with the block."""
    task = asyncio.ensure_future(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
    if not task.cancelled():
        task.result()
