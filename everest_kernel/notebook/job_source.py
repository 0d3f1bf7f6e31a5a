"""Where the job that a cell follows comes from: a submission, or a job that exists already."""

from __future__ import annotations

import time
import uuid
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from ..languages import Language, find_language
from ..routes import find_route, load_configuration, route_table
from ..wire import ConfigurationError, EverestError, Job, JobRequest, JobState, RefusedError
from .content import content_hash
from .header import Header, format_age
from .memory import Memory
from .prepare import Prepared

if TYPE_CHECKING:
    from ..client import EverestClient
    from ..records import CachedResult, JobRecord

__all__ = ["AlreadyRunningError", "Caller", "ExistingJob", "JobSource", "Submission"]


class Caller(NamedTuple):
    """Which cell of which notebook asks; each is empty when it is not known."""

    notebook: str = ""
    cell: str = ""


class AlreadyRunningError(Exception):
    """The cell's job is still running, and the user is to be asked what to do."""

    def __init__(self, job: Job, seconds: float) -> None:
        super().__init__(job.id)
        self.job = job
        self.seconds = seconds


class JobSource(Protocol):
    """Gives a run its job.

    Attributes:
        route: name of the route, for people.
        server: name of the server.
        language: reads what the job prints and leaves; None when the job is no cell.
        content: hash of the work; empty when it is not known.
        queue_limit: seconds for which the job may wait; None for ever.
        header: the line above its output.
    """

    route: str
    server: str
    language: Language | None
    content: str
    queue_limit: float | None
    header: Header

    async def recall(self) -> CachedResult | None:
        """What this machine knows, before anything is asked of a server; a kept result, if there is one."""

    async def obtain(self, client: EverestClient) -> Job:
        """The job."""


class Submission:
    """A new job for a prepared cell; or the one that is running for the same cell already.

    Args:
        prepared: the cell.
        memory: of this machine.
        caller: which cell it is.
        fresh: whether a kept result is passed over, and not kept either.
        running: what to do about a job of this cell that still runs: `attach`, `new` or `ask`.
    """

    def __init__(
        self, prepared: Prepared, memory: Memory, caller: Caller, *, fresh: bool = False, running: str = "attach"
    ) -> None:
        route, options = prepared.route, prepared.options
        self.prepared = prepared
        self.route, self.server = route.name, route.server
        self.language: Language | None = route.language
        self.queue_limit = options.queue_limit or route.queue_limit
        self.content = ""
        self.keeps = route.repeatable
        self.running = running
        self.chosen = ""  # the job that the user wants to follow, also when it has ended meanwhile
        self.header = Header(route.name, sent=prepared.sent, held_back=prepared.selection.held_back, note=route.note)
        self._memory, self._caller, self._fresh = memory, caller, fresh

    async def recall(self) -> CachedResult | None:
        """The kept result of the same work, unless the route is not repeatable or the user wants it fresh."""
        self.content = content_hash(self.prepared)
        if self._fresh or not self.keeps:
            return None
        return await self._memory.recall(self.content, self.prepared.folder)

    async def obtain(self, client: EverestClient) -> Job:
        """Find the job of the same cell that still runs, else submit one.

        Raises:
            AlreadyRunningError: there is one, and the user is to be asked.
            EverestError: it could not be submitted.
        """
        if self.chosen:
            self.header.remark = "attached to this cell's job, as you chose"
            return await client.job(self.chosen)
        key = uuid.uuid4().hex
        for record in await self._unfinished(client) if self.running != "new" else ():
            if not record.job_id:  # the kernel died before the answer came: the same key gives the same job
                key = record.key
                continue
            job = await self._present(client, record)
            if job is not None and not job.state.is_final:
                return self._attach(job, record)
            if job is not None and job.state is JobState.DONE and self.keeps and not self._fresh:
                self.header.remark = (
                    f"this cell's job of {_age(record)} ago, which ended while no kernel followed it "
                    "(--fresh runs it again)"
                )
                return job
        return await self._submit(client, key)

    async def _unfinished(self, client: EverestClient) -> list[JobRecord]:
        """What is noted of jobs of this cell that have not ended, as far as is known."""
        same = partial(self._memory.same, self.content, self._caller.notebook, self._caller.cell)
        records = await same()
        if all(record.job_id for record in records) or (await client.extensions()).idempotency_key:
            return records
        # the answer to a submission was lost, and a real Everest knows no keys: its list of jobs tells
        await self._memory.saw_all(await client.jobs(page=1))
        return await same()

    async def _present(self, client: EverestClient, record: JobRecord) -> Job | None:
        """The job as it is now; None when its server does not have it any more."""
        try:
            job = await client.job(record.job_id)
        except RefusedError as error:
            if error.status != 404:
                raise
            self._memory.gone(record.job_id)
            return None
        self._memory.saw(job)
        return job

    def _attach(self, job: Job, record: JobRecord) -> Job:
        if self.running == "ask":
            raise AlreadyRunningError(job, time.time() - record.recorded)
        self.header.remark = f"attached to this cell's job of {_age(record)} ago (--running new starts a second one)"
        return job

    async def _submit(self, client: EverestClient, key: str) -> Job:
        prepared = self.prepared
        route, wanted = prepared.route, prepared.route.cell_application
        if route.application:
            app_id = await client.check_application(route.application, wanted)
        else:
            app_id = await client.ensure_application(wanted)
        request = await self._request(client, key)
        await self._memory.begin(self._record(client, key))
        try:
            job = await client.submit(app_id, request, key=key)
        except EverestError as error:
            if isinstance(error, RefusedError) and error.status < 500:  # else the job may be there
                self._memory.refused(key)
            raise
        except BaseException:  # an interrupt: the client has withdrawn it
            self._memory.refused(key)
            raise
        self._memory.acknowledged(key, job)
        return job

    async def _request(self, client: EverestClient, key: str) -> JobRequest:
        from ..records import describe

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
            description=describe(key),
        )

    def _record(self, client: EverestClient, key: str) -> JobRecord:
        from ..records import JobRecord

        prepared, options = self.prepared, self.prepared.options
        return JobRecord(
            key=key,
            server=self.server,
            url=client.server.url,
            route=self.route,
            language=prepared.route.language.name,
            settings=options.settings,
            notebook=self._caller.notebook,
            cell=self._caller.cell,
            content=self.content,
            line=options.line,
            code=prepared.code,
            outputs_named=prepared.selection.named,
            outputs_found=prepared.selection.found,
            fetch=tuple(options.fetch),
            sent=prepared.sent,
            name=options.name,
            recorded=time.time(),
        )


class ExistingJob:
    """A job that was submitted earlier, by this kernel or anybody.

    Args:
        job_id: its id.
        memory: of this machine, which may know the cell.
        server: name of the server when it is known; else the memory tells, or it is the default one.
        folder: whose configuration counts.
    """

    def __init__(self, job_id: str, memory: Memory, server: str, folder: Path) -> None:
        self._job_id = job_id
        self._memory = memory
        self._folder = folder
        self.route, self.server, self.content = "job", server, ""
        self.queue_limit: float | None = None
        self.language: Language | None = None
        self.header = Header(self.route)

    async def recall(self) -> CachedResult | None:
        """What is noted of the job; not its result: the job itself is wanted."""
        record = await self._memory.find(self._job_id)
        if record is not None:
            self.route = self.header.route = record.route
            self.server = self.server or record.server
            self.content = record.content
            self.language = _language_of(record, self._folder)
            self.header.sent = dict(record.sent)
        self.server = self.server or load_configuration(self._folder).default_server
        return None

    async def obtain(self, client: EverestClient) -> Job:
        """Look it up.

        Raises:
            RefusedError: the server has no such job.
        """
        try:
            job = await client.job(self._job_id)
        except RefusedError as error:
            if error.status == 404:
                error.hint = f"`%jobs` lists those that there are; `%job {self._job_id}` shows what is known here."
            raise
        if self.language is None:
            self.language = language_of_job(job)
            self.route = self.header.route = self.language.name if self.language else job.app_name or "job"
        return job


def _age(record: JobRecord) -> str:
    return format_age(time.time() - record.recorded)


def _language_of(record: JobRecord, folder: Path) -> Language | None:
    """The language in which a cell was written, with the settings that it had."""
    try:
        language: Language | None = find_route(record.route, route_table(load_configuration(folder))).language
        if language is None or language.name != record.language:
            language = find_language(record.language)
        return language.configured(record.settings) if language and record.settings else language
    except ConfigurationError:  # the route is not configured any more
        return find_language(record.language)


def language_of_job(job: Job) -> Language | None:
    """The language of a cell's job, told from the application that is published for such cells; None for others."""
    alias = (job.app_alias or "").rpartition("/")[2]
    name, mark, _ = alias.partition("-cell-")
    return find_language(name) if mark else None
