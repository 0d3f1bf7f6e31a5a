"""Where the chunks of one lane go, and one chunk's job from its submission to its answer."""

from __future__ import annotations

import asyncio
import io
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio

from ..languages import Language
from ..routes import Route
from ..wire import EverestError, Job, JobCancelledError, JobRequest, JobState, ProtocolError
from .chunks import Answer, ChunkLanguage, Columns

if TYPE_CHECKING:
    from ..client import EverestClient, LogLine

__all__ = ["ChunkJob", "LaneTarget", "chunk_language_of"]

_CANCEL_SECONDS = 5.0
_MOST_OUTPUT = 65_536
_PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds between submissions when a server wants fewer of them."""
_BUSY = frozenset({429, 503})


@dataclass(frozen=True)
class LaneTarget:
    """One route with what its chunks need.

    Attributes:
        server: name of the server, for the record.
        app_id: of the application that runs a cell of the route.
        chunks: makes programs and reads answers.
        resources: ids; empty for those of the application.
        time_limit: seconds for one job; None: no limit.
        queue_limit: seconds that one job may wait for a resource.
        files: the user's files, by the name under which they are staged.
        name: display name of the jobs.
    """

    route: Route
    server: str
    client: EverestClient
    app_id: str
    chunks: ChunkLanguage
    resources: tuple[str, ...] = ()
    time_limit: float | None = None
    queue_limit: float | None = None
    files: Mapping[str, Path] = field(default_factory=dict)
    name: str = "sweep"


def chunk_language_of(route: Route, cell: Any) -> ChunkLanguage:
    """How chunks of this route's language are made: in a loop of its own, in a shell's, or one point at a time."""
    from .posix_chunks import PosixChunks
    from .python_chunks import PythonChunks
    from .single_chunks import SingleChunks

    language: Language = route.language
    if language.name == "python":
        return PythonChunks(language, cell)
    own_command = bool(route.application) or route.command == language.command
    if own_command and language.program_file.endswith(".sh"):
        return PosixChunks(language, cell)
    return SingleChunks(language, cell)


class ChunkJob:
    """The job of one chunk.

    Args:
        target: where it goes.
        count: how many points it has.
        leaves: whether the job goes on when nobody follows it any more: the kernel ends, the sweep does not.
        key: of the submission; given for a job that another kernel submitted.
        job_id: of such a job, when it is known.

    Attributes:
        resource: name of the resource; empty until it is known.
        reason: why the job failed, in the server's one word; empty when it did not, or the server does not say.
    """

    def __init__(
        self, target: LaneTarget, count: int, *, leaves: Callable[[], bool], key: str = "", job_id: str = ""
    ) -> None:
        self.target = target
        self.count = count
        self.key = key or uuid.uuid4().hex
        self.job_id = job_id
        self.resource = ""
        self.reason = ""
        self._leaves = leaves
        self._submitted: Job | None = None

    async def submit(self, columns: Columns, budget: float) -> None:
        """Render, upload and submit.

        Raises:
            CellError: the points cannot be sent.
            EverestError: the job could not be submitted.
        """
        target, client = self.target, self.target.client
        if target.time_limit is not None:
            budget = min(budget, 0.5 * target.time_limit)
        program = await asyncio.to_thread(target.chunks.render, columns, self.count, budget)
        contents: dict[str, bytes | Path] = {**program.attachments, **target.files}
        inputs: dict[str, Any] = {"program": program.text, "cell": program.cell}
        if contents:
            inputs["files"] = [await client.upload(content, name) for name, content in contents.items()]
        request = JobRequest(
            name=target.name,
            inputs=inputs,
            resources=target.resources,
            resource_requirements={"timeLimit": target.time_limit} if target.time_limit else {},
            description=f"chunk {self.key}",
        )
        self._submitted = await self._submit(request)
        self.job_id = self._submitted.id

    async def _submit(self, request: JobRequest) -> Job:
        for pause in (*_PAUSES, None):
            try:
                return await self.target.client.submit(self.target.app_id, request, key=self.key)
            except EverestError as error:
                if pause is None or getattr(error, "status", None) not in _BUSY:
                    raise
                await asyncio.sleep(pause)
        raise AssertionError("the last attempt raises or returns")

    async def follow(self, started: Callable[[str], None], queue_limit: float | None = None) -> Answer:
        """Wait for the job's end, and read its answer.

        When this is cancelled, or the job cannot be followed, it is cancelled too, unless it `leaves`: its points are
        somebody else's then.

        Args:
            started: is told the resource, when the job begins to run.
            queue_limit: seconds that it may wait for a resource; None: without end.

        Raises:
            JobFailedError: it failed as a whole.
            JobCancelledError: somebody else cancelled it.
            ProtocolError: its answer is not one.
            EverestError: it cannot be followed.
        """
        client = self.target.client
        sink = _Watcher(self, started)
        over = False
        try:
            job = await client.follow(self.job_id, sink, job=self._submitted, output=False, queue_limit=queue_limit)
            over = True
            return await self._read(job)
        except (asyncio.CancelledError, EverestError):
            if not over and not self._leaves():
                with anyio.CancelScope(shield=True), anyio.move_on_after(_CANCEL_SECONDS):
                    await self.cancel()
            raise

    async def cancel(self) -> None:
        """Ask for the job to be cancelled; a job that is gone needs no cancelling."""
        try:
            await self.target.client.cancel(self.job_id)
        except EverestError:
            return

    async def _read(self, job: Job) -> Answer:
        client = self.target.client
        self.resource = job.resource_name or self.resource
        self.reason = job.reason or ""
        if job.state is JobState.CANCELLED:
            raise JobCancelledError(job.info or "somebody cancelled the job", job_id=job.id)
        problem = "" if job.state is JobState.DONE else job.info or "the job failed without saying why"
        values = job.result.get("values")
        if values is not None and not (isinstance(values, str) and values.startswith(("/", "http"))):
            raise ProtocolError("the output 'values' of the job's application is not a file", job_id=job.id)
        content = None if values is None else io.BytesIO(await client.download(values))
        output = await self._output(job) if problem else {}
        try:
            return await asyncio.to_thread(self.target.chunks.read, content, self.count, problem, output)
        except EverestError:
            raise
        except Exception as error:  # whatever a resource sends must not end the sweep
            raise ProtocolError(
                f"a chunk's answer cannot be read: {type(error).__name__}: {error}", job_id=job.id
            ) from error

    async def _output(self, job: Job) -> dict[str, bytes]:
        """The end of what a job that failed has printed: its error is there."""
        found = {}
        for stream in ("stdout", "stderr"):
            ends = bytearray()
            async with self.target.client.output(job.id, stream, job=job) as blocks:
                if blocks is None:
                    continue
                async for block in blocks:
                    ends += block
                    del ends[:-_MOST_OUTPUT]
            found[stream] = bytes(ends)
        return found


class _Watcher:
    """What the client calls while it follows the job."""

    def __init__(self, job: ChunkJob, started: Callable[[str], None]) -> None:
        self._job = job
        self._started = started
        self._told = False

    def on_state(self, job: Job) -> None:
        self._job.resource = job.resource_name or self._job.resource
        if not self._told and (job.state is JobState.RUNNING or job.state.is_final):
            self._told = True
            self._started(self._job.resource)

    def on_output(self, stream: str, data: bytes) -> None:
        """What points print stays in the job's log."""

    def on_restart(self, attempt: int) -> None:
        """The answer comes all the same."""

    def on_log(self, lines: list[LogLine]) -> None:
        for line in lines:
            self._job.resource = line.resource or self._job.resource
