"""One `%%remote` cell from its text to its result.

The work is in three parts, because values belong to the notebook's thread and requests to the client's: `prepare`
reads the namespace and renders the program; `RemoteRun.run` uploads, submits, follows and fetches; `finish` sets
values and shows the last one.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio

from ..languages import CellRequest, Display, Language, Program, Returned, read_pictures
from ..routes import Route, find_route, load_configuration, route_table
from ..wire import (
    CellError,
    CellOptionError,
    ConfigurationError,
    EverestError,
    Job,
    JobRequest,
    JobState,
    ProtocolError,
)
from .channels import Channel
from .header import Header, format_size
from .inputs import Selection, select
from .local_files import LocalFile, find_files, save_files
from .options import RemoteOptions
from .outcome import Outcome, failure_of, file_of
from .output import CellOutput

if TYPE_CHECKING:
    from ..client import EverestClient, LogLine

__all__ = ["Outcome", "Prepared", "RemoteRun", "dry_run", "finish", "prepare"]

_CANCEL_SECONDS = 5.0
_CONFIRM_SECONDS = 2.0
CONFIRMED = "its job was cancelled"


@dataclass(frozen=True)
class Prepared:
    """A cell that is ready to be sent."""

    route: Route
    options: RemoteOptions
    selection: Selection
    program: Program
    files: list[LocalFile]

    @property
    def sent(self) -> dict[str, int]:
        """What goes, with sizes."""
        return {**self.program.sizes, **{file.staging.target: file.size for file in self.files}}


def prepare(
    options: RemoteOptions, body: str, namespace: Mapping[str, Any], hidden: Mapping[str, Any], folder: Path
) -> Prepared:
    """Choose values and files, and render the program. Nothing is sent.

    Raises:
        CellError: something about the cell; nothing was submitted.
        ConfigurationError: no such route, or a faulty configuration.
    """
    route = _route(options, folder)
    if not body.strip():
        raise CellError("the cell is empty below its %%remote line", hint="Nothing was sent.")
    selection = select(options, route.language, body, namespace, hidden)
    files = find_files(options.files, folder)
    program = route.language.render(
        CellRequest(
            code=body,
            inputs=selection.inputs,
            out_named=selection.named,
            out_found=selection.found,
            files=tuple(file.staging for file in files),
            fetch=tuple(options.fetch),
        )
    )
    return Prepared(route, options, selection, program, files)


def _route(options: RemoteOptions, folder: Path) -> Route:
    """The route with the cell's own settings.

    Raises:
        ConfigurationError: no such route, or a faulty configuration.
        CellOptionError: a setting that its language does not have.
        CellError: this machine lacks what the route needs.
    """
    route = find_route(options.route, route_table(load_configuration(folder)))
    if options.settings:
        try:
            language = route.language.configured(options.settings)
        except ConfigurationError as error:
            raise CellOptionError(error.message, hint=error.hint) from error
        command = language.command if route.command == route.language.command else route.command
        missing = "" if "program" in options.settings else route.missing
        route = replace(route, language=language, command=command, missing=missing)
    if route.missing and not options.dry_run:
        raise CellError(
            f"nothing on this machine can run the route {route.name!r}",
            hint=f"Install {route.missing}. Or name another machine's in everest.toml. Nothing was sent.",
        )
    return route


def dry_run(prepared: Prepared) -> str:
    """What would be sent, as text."""
    route, options = prepared.route, prepared.options
    limit = options.time_limit or route.time_limit
    lines = [
        f"route        {route.name} ({route.note or route.language.name})",
        *([f"missing      {route.missing}"] if route.missing else []),
        f"server       {route.server}",
        f"resources    {', '.join(route.resources) or 'those the application is bound to'}",
        f"application  {route.application or route.cell_application.alias}",
        f"command      {route.command}",
        f"time limit   {f'{limit:g} s' if limit else 'none'}",
        *(f"value        {name} ({format_size(size)})" for name, size in prepared.program.sizes.items()),
        *(f"file         {file.staging.target} ({format_size(file.size)})" for file in prepared.files),
        f"outputs      {', '.join(prepared.selection.named or prepared.selection.found) or 'none'}",
        *(f"fetch        {pattern}" for pattern in options.fetch),
        *(f"not sent     {name} (looks secret)" for name in prepared.selection.held_back),
        "",
        f"--- {route.language.program_file}",
        prepared.program.text.rstrip(),
        f"--- {route.language.cell_file}",
        prepared.program.cell.rstrip(),
    ]
    return "\n".join(lines) + "\n"


@dataclass
class RemoteRun:
    """Sends one prepared cell and follows it, on the client's event loop.

    Args:
        prepared: the cell.
        channel: where its output goes.
        display_id: identifies the header line, so that it can be replaced.
        replaces: whether the front end replaces displays (a terminal does not).

    Attributes:
        ending: what became of the job after an interrupt, as far as the far side has said.
    """

    prepared: Prepared
    channel: Channel
    display_id: str
    replaces: bool = True
    header: Header = field(init=False)
    job_id: str = ""
    ending: str = ""
    _started: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.header = Header(
            self.prepared.route.name,
            sent=self.prepared.sent,
            held_back=self.prepared.selection.held_back,
            note=self.prepared.route.note,
        )

    async def run(self, client: EverestClient) -> Outcome:
        """Upload, submit, follow, fetch.

        Raises:
            JobFailedError, JobCancelledError: the job did not succeed.
            EverestError: any other failure of the tree in `wire.errors`.
        """
        route = self.prepared.route
        self.show_header()
        self.header.live = bool((await client.extensions()).events)
        if not self.header.live:
            self.show_header(update=True)
        if route.application:
            app_id = await client.check_application(route.application, route.cell_application)
        else:
            app_id = await client.ensure_application(route.cell_application)
        job = await client.submit(app_id, await self._request(client))
        self.job_id = self.header.job_id = job.id
        self.on_state(job)  # a cell that waits in a queue says so
        try:
            return await self._follow(client, job)
        except asyncio.CancelledError:  # an interrupt: the far side is told before the cell is given back
            with anyio.CancelScope(shield=True):
                self.header.state = "cancelling"
                if self.replaces:
                    self.show_header(update=True)
                self.ending = await _cancel(client, job.id)
            raise

    async def _follow(self, client: EverestClient, job: Job) -> Outcome:
        language = self.prepared.route.language
        stream = language.stream()
        async with CellOutput(self.channel, stream, _note(job.id)) as output:
            job = await client.follow(job.id, _Sink(self, output), job=job)
        outcome = Outcome(job, last_lines=output.last_lines(), error=stream.error)
        if "values" in job.result:
            outcome.values = await client.download(file_of(job, "values"))
        if "pictures" in job.result:
            outcome.pictures = await client.download(file_of(job, "pictures"))
        if "fetched" in job.result and job.state is JobState.DONE:
            outcome.fetched = tempfile.TemporaryFile()  # noqa: SIM115 - it may be large; the outcome closes it
            await client.download_into(file_of(job, "fetched"), outcome.fetched)
        return outcome

    async def _request(self, client: EverestClient) -> JobRequest:
        program, options, route = self.prepared.program, self.prepared.options, self.prepared.route
        contents: dict[str, bytes | Path] = {**program.attachments}
        contents |= {file.staging.staged: file.path for file in self.prepared.files}
        inputs: dict[str, Any] = {"program": program.text, "cell": program.cell}
        if contents:
            inputs["files"] = [await client.upload(content, name) for name, content in contents.items()]
        limit = options.time_limit or route.time_limit
        return JobRequest(
            name=options.name or f"{route.name} cell",
            inputs=inputs,
            resources=await client.resource_ids(route.resources),
            resource_requirements={"timeLimit": limit} if limit else {},
        )

    def on_state(self, job: Job) -> None:
        """The job reached a state: the header says so."""
        self.header.resource = job.resource_name or self.header.resource
        if not job.state.is_final and str(job.state).lower() != self.header.state:
            self.header.state = str(job.state).lower()
            if self.replaces:
                self.show_header(update=True)

    def on_log(self, lines: list[LogLine], output: CellOutput) -> None:
        """The server's log says something new; there the resource is named, where the job object has none."""
        for line in lines:
            output.on_note(f"[log {line.clock}] {line.text}" if line.clock else f"[log] {line.text}")
        resource = next((line.resource for line in lines if line.resource), "")
        if resource and not self.header.resource:
            self.header.resource = resource
            if self.replaces:
                self.show_header(update=True)

    def show_header(self, *, update: bool = False) -> None:
        """Show the header line, or replace it."""
        transient = {"display_id": self.display_id}
        metadata = {"everest_header": True}
        self.channel.display(Display(self.header.bundle(), metadata, transient, update and self.replaces))

    @property
    def is_cancelled(self) -> bool:
        """Whether an interrupt left nothing that goes on."""
        return not self.job_id or self.ending.startswith(CONFIRMED)

    def end(self, state: str) -> None:
        """The last form of the header."""
        self.header.state = state
        self.header.seconds = time.monotonic() - self._started
        self.show_header(update=True)


class _Sink:
    """What the client calls while it follows the job."""

    def __init__(self, run: RemoteRun, output: CellOutput) -> None:
        self._run = run
        self._output = output

    def on_state(self, job: Job) -> None:
        self._run.on_state(job)

    def on_output(self, stream: str, data: bytes) -> None:
        self._output.on_output(stream, data)

    def on_restart(self, attempt: int) -> None:
        text = f"[the resource was lost; attempt {attempt + 1} starts from the beginning]\n"
        self._output.on_output("stderr", text.encode())

    def on_log(self, lines: list[LogLine]) -> None:
        self._run.on_log(lines, self._output)


async def _cancel(client: EverestClient, job_id: str) -> str:
    """Cancel a job, and give its agent a moment to confirm: only then is it over. Says what came of it."""
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


def _note(job_id: str) -> Any:
    def note(size: int, lines: int) -> str:
        return f"[{lines:,} lines ({format_size(size)}) not shown; the whole output: %log {job_id}]"

    return note


def _read_back(language: Language, outcome: Outcome) -> Returned:
    """The values file, which a program that was killed may have left half written."""
    try:
        return language.read_back(None if outcome.values is None else io.BytesIO(outcome.values))
    except ProtocolError:
        if outcome.job.state is JobState.DONE:
            raise
        return Returned(finished=False)  # its failure is the news


def finish(run: RemoteRun, outcome: Outcome, namespace: dict[str, Any], folder: Path) -> Returned:
    """Set values, save files, and end the header line; or raise what went wrong.

    Raises:
        JobFailedError: the job failed; nothing is set.
        JobCancelledError: it was cancelled; nothing is set.
        CellError: it succeeded, but something that was asked for did not come; the rest is set.
    """
    job, language = outcome.job, run.prepared.route.language
    try:
        if outcome.pictures is not None:
            for picture in read_pictures(io.BytesIO(outcome.pictures)):
                run.channel.display(picture)
        back = _read_back(language, outcome)
        back.error = back.error or outcome.error
        if job.state is JobState.DONE and not back.finished:  # it exits with 0 whatever happens
            back.error = back.error or "the program stopped before the end of the cell"
        if job.state is not JobState.DONE or back.error:
            run.end("failed" if job.state is JobState.DONE else str(job.state).lower())
            raise failure_of(job, back, outcome)
        namespace.update(back.values)
        files = {} if outcome.fetched is None else language.read_fetched(outcome.fetched)
        saved = save_files(files, folder)
    except EverestError as error:
        error.job_id = error.job_id or job.id
        error.resource = error.resource or job.resource_name or None
        raise
    run.header.returned = {**back.sizes, **{name: files[name].size for name in saved}}
    run.header.left = back.left
    run.end("done" if not back.problems else "incomplete")
    if back.problems:
        raise CellError(
            "the job succeeded, but not all came back: " + "; ".join(back.problems),
            job_id=job.id,
            resource=job.resource_name or None,
        )
    return back
