"""The hub's jobs as their owners see them. A job is acknowledged when it is on disk, and not before."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable

import msgspec

from ..wire import (
    Application,
    Job,
    JobRequest,
    JobState,
    ProtocolError,
    TaskId,
)
from .contents import Contents
from .database import Database
from .files import Files
from .identity import Identity, new_id
from .job_log import JobLog
from .job_records import JobRecords, Unfinished
from .job_tasks import JobTasks
from .live import LiveJob, LiveJobs, milliseconds
from .scheduled import UnfinishedJob
from .scheduler import Scheduler
from .sweeps import SWEEP_TYPE, Sweeps
from .tasks import check_inputs, command_line, output_paths, stage_inputs
from .waiting import reason

__all__ = ["Jobs"]

log = logging.getLogger(__name__)


class Jobs:
    """All jobs of the hub."""

    def __init__(
        self,
        database: Database,
        contents: Contents,
        files: Files,
        scheduler: Scheduler,
        job_log: JobLog,
        identity: Identity,
    ) -> None:
        self._identity = identity
        self._records = JobRecords(database, files)
        self._files = files
        self._scheduler = scheduler
        self._log = job_log
        self._live = LiveJobs()
        self._sweeps = Sweeps(database, contents, files)
        self.tasks = JobTasks(self._live, self._records, contents, scheduler, job_log, self._sweeps)
        """Their tasks, for the gateway to the agents."""

    # --- for clients

    async def submit(self, user: str, application: Application, request: JobRequest, key: str | None) -> Job:
        """Accept a job; it is on disk when this returns. The same key gives the same job again.

        Raises:
            InputError: the inputs do not fit the application.
            InputError: an input file does not exist.
        """
        if key is not None:
            present = self._records.with_key(user, key)
            found = self.find(user, present) if present is not None else None
            if found is not None:
                return found
        check_inputs(application, request.inputs)
        staging = stage_inputs(application, request.inputs)
        # what can be wrong with a submission is refused here, before it is accepted
        output_paths(application, request.inputs)
        command_line(application, request.inputs)
        job = self._new_job(user, application, request)
        inputs = self._files.inputs_of_job(user, job.id, staging.files.values())
        live, source = LiveJob(job, application), None
        if application.type == SWEEP_TYPE:
            prepared = await self._sweeps.prepare(user, job.id, request.inputs)
            live.sweep, source = prepared.sweep, prepared.sweep.source()
            live.job = msgspec.structs.replace(job, tasks_total=prepared.sweep.plan.size)
            inputs = self._files.with_contents(inputs, user, job.id, prepared.files)
        try:
            await self._records.insert(live.job, application, request, key, inputs)
        except sqlite3.IntegrityError:  # the same key came twice at once; the other one won
            return await self.submit(user, application, request, key)
        self._live.add(live)
        self.tasks.act(self._scheduler.submit(job.id, user, request.resources or application.resources, source))
        return live.job

    def _new_job(self, user: str, application: Application, request: JobRequest) -> Job:
        now = milliseconds()
        limits = {name: r.default_value for name, r in application.config.resource_requirements.items()}
        for name, value in request.resource_requirements.items():
            declared = application.config.resource_requirements.get(name)
            if declared is None or declared.allow_override:
                limits[name] = value
        return Job(
            id=new_id(),
            state=JobState.READY,
            name=request.name,
            user=user,
            app_id=application.id,
            # one without an alias of its own has its id in its place; programs compare that one then
            app_alias=f"{application.user}/{application.alias}" if application.alias != application.id else "",
            app_name=application.name,
            app_version=application.version,
            description=request.description,
            app=application.id,
            inputs=request.inputs,
            submitted=now,
            last_update_time=now,
            resources=request.resources,
            resource_requirements=limits,
        )

    def find(self, user: str, job_id: str) -> Job | None:
        """A job of this user, or None."""
        live = self._live.get(job_id)
        if live is not None:
            return live.job if live.job.user == user else None
        return self._records.find(user, job_id)

    def with_queue(self, user: str, job: Job) -> Job:
        """A job, and when it waits, its place in the queue and why."""
        waiting = self._scheduler.waiting(job.id)
        if waiting is None:
            return job
        names = {resource: self.tasks.resource_name(resource, name) for resource, _, name in self._identity.resources()}
        usable = [resource for resource in names if self._identity.may_use(user, resource)]
        why = reason(waiting, names, usable, self._scheduler.connected_resources)
        return msgspec.structs.replace(job, queue_position=waiting.position, waiting_for=why)

    def all(self, user: str, name: str | None = None, page: tuple[int, int] | None = None) -> list[Job]:
        """All jobs of a user, the newest first; those of a name, and `(offset, size)` of them, when that is given."""
        stored = self._records.all(user, name, page)
        return [live.job if (live := self._live.get(job.id)) else job for job in stored]

    def live(self, job_id: str) -> LiveJob | None:
        """The running side of a job, or None when it is ended."""
        return self._live.get(job_id)

    async def cancel(self, job_id: str) -> None:
        """Ask for a job to end; it does so when its agent has confirmed. The wish is on disk when this returns."""
        live = self._live.get(job_id)
        if live is None:
            return
        live.cancelling = True
        self._log.add(job_id, "Cancel requested")
        self.tasks.act(self._scheduler.cancel(job_id))
        await self._records.set_cancelling(job_id, delete_at_end=live.delete_at_end)

    async def delete(self, user: str, job_id: str) -> None:
        """Drop a job with its files; one that runs is cancelled first."""
        live = self._live.get(job_id)
        if live is not None:
            live.delete_at_end = True
            await self.cancel(job_id)
        if self._live.get(job_id) is None:  # also when its end was just being written
            await self._records.drop(job_id)

    @property
    def watchers(self) -> set[Callable[[str], None]]:
        """Called with the id of a job that changed or wrote something."""
        return self._live.watchers

    @property
    def active(self) -> int:
        """How many jobs are not ended."""
        return len(self._live)

    # --- start and end

    def recover(self, resources: list[str], now: float) -> None:
        """Take up the jobs that were unfinished when the hub stopped."""
        self._sweeps.tidy()
        found, cancelling = [], []
        for record in self._records.unfinished():
            try:
                found.append(self._revive(record))
            except ProtocolError as error:  # its files are gone: this job cannot go on, and the others must
                self._records.fail(record.job, f"it cannot go on after a restart of the hub: {error.message}")
                continue
            if record.cancelling:
                cancelling.append(record.job.id)
        if found:
            log.info("%d unfinished jobs found", len(found))
        self.tasks.act(self._scheduler.recover(found, resources, now))
        for job_id in cancelling:  # an agent that still has one is told to end it when it comes back
            self.tasks.act(self._scheduler.cancel(job_id))

    def _revive(self, record: Unfinished) -> UnfinishedJob:
        job, application = record.job, record.application
        live = LiveJob(job, application, cancelling=record.cancelling, delete_at_end=record.delete_at_end)
        resources = job.resources or application.resources
        if application.type != SWEEP_TYPE:
            live.job = msgspec.structs.replace(job, state=JobState.READY, attempt=record.attempt)
            self._live.add(live)
            only = TaskId(job.id, 0, record.attempt)
            return UnfinishedJob(job.id, job.user, resources, (only,), iter(()), lambda number: False)
        sweep, started = self._sweeps.restore(job)
        live.sweep = sweep
        live.job = msgspec.structs.replace(job, tasks_done=sweep.done, tasks_failed=sweep.failed)
        self._live.add(live)
        source = sweep.source(frozenset(task.number for task in started))
        return UnfinishedJob(job.id, job.user, resources, started, source, sweep.may_claim, sweep.base)

    async def aclose(self) -> None:
        """Stop what goes on in the background; it begins anew when the hub starts again."""
        await self._sweeps.aclose()
