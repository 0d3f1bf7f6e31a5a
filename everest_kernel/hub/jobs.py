"""The hub's jobs: accepted, handed to the scheduler, followed while they run, and ended.

Order of promises: a job is acknowledged when it is on disk; a final state is told to anyone only when it is on
disk with its files; a report of a superseded attempt changes nothing.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from ..wire import (
    Application,
    Job,
    JobRequest,
    JobState,
    ProtocolError,
    TaskId,
    TaskInfo,
    TaskState,
    file_uri,
)
from .contents import Content, Contents
from .database import Database
from .files import Files
from .identity import new_id
from .job_log import JobLog
from .job_records import JobRecords, Unfinished
from .live import LiveJob
from .output_log import OutputLog
from .scheduler import Action, Cancel, Delete, End, Over, Resume, Scheduler, Send, UnfinishedJob
from .sweeps import SWEEP_TYPE, Sweeps
from .tasks import STREAMS, check_inputs, command_line, output_paths, read_results, stage_inputs

__all__ = ["Dispatcher", "Jobs"]

log = logging.getLogger(__name__)


class Dispatcher(Protocol):
    """Carries out what the scheduler decides; the gateway to the agents."""

    def carry_out(self, action: Send | Resume | Cancel | Delete) -> None:
        """Send one message to an agent."""

    def resource_name(self, resource: str) -> str:
        """The name of a resource."""

    def rearm(self) -> None:
        """The scheduler may want to be woken at another time."""


class Jobs:
    """All jobs of the hub."""

    def __init__(
        self, database: Database, contents: Contents, files: Files, scheduler: Scheduler, job_log: JobLog
    ) -> None:
        self._records = JobRecords(database, files)
        self._contents = contents
        self._files = files
        self._scheduler = scheduler
        self._log = job_log
        self._live: dict[str, LiveJob] = {}
        self._sweeps = Sweeps(database, contents, files, self._finish_sweep)
        self._actions: deque[Action] = deque()
        self._acting = False
        self.dispatcher: Dispatcher | None = None
        self.watchers: set[Callable[[str], None]] = set()
        """Called with the id of a job that changed or wrote something."""
        self.on_task_end: Callable[[TaskId], None] = lambda task_id: None

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
        self._live[job.id] = live
        self.act(self._scheduler.submit(job.id, user, request.resources or application.resources, source))
        if live.sweep is not None and self.dispatcher is not None:
            self.dispatcher.rearm()
        return live.job

    def _new_job(self, user: str, application: Application, request: JobRequest) -> Job:
        now = _now()
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

    def all(self, user: str, name: str | None = None, page: tuple[int, int] | None = None) -> list[Job]:
        """All jobs of a user, the newest first; those of a name, and `(offset, size)` of them, when that is given."""
        found = self._records.all(user, name, page)
        return [self._live[job.id].job if job.id in self._live else job for job in found]

    def live(self, job_id: str) -> LiveJob | None:
        """The running side of a job, or None when it is ended."""
        return self._live.get(job_id)

    async def cancel(self, job_id: str) -> None:
        """Ask for a job to end; it does so when its agent has confirmed. The wish is on disk when this returns."""
        if job_id not in self._live:
            return
        self._log.add(job_id, "Cancel requested")
        self.act(self._scheduler.cancel(job_id))
        await self._records.set_cancelling(job_id)

    async def delete(self, user: str, job_id: str) -> None:
        """Drop a job with its files; one that runs is cancelled first."""
        live = self._live.get(job_id)
        if live is not None:
            live.delete_at_end = True
            await self.cancel(job_id)
            return
        await self._records.drop(job_id)

    @property
    def active(self) -> int:
        """How many jobs are not ended."""
        return len(self._live)

    # --- for agents

    def outputs_of(self, task_id: TaskId) -> dict[str, int]:
        """How much of a task's output is here, by stream."""
        live = self._live.get(task_id.job_id)
        return {} if live is None else {name: output.length for name, output in live.outputs.items()}

    def wanted_outputs(self, task_id: TaskId) -> set[str]:
        """Paths in the task's directory that its job wants."""
        live = self._live.get(task_id.job_id)
        if live is None:
            return set()
        if live.sweep is not None:
            return set(live.sweep.plan.task(task_id.number).output_files)
        return set(output_paths(live.application, live.job.inputs).values())

    def on_output(self, task_id: TaskId, stream: str, offset: int, data: bytes) -> bool:
        """Bytes from a task whose attempt counts; False when some before them are missing."""
        live = self._live.get(task_id.job_id)
        if live is None or live.sweep is not None or stream not in STREAMS:
            return True
        output = live.outputs.setdefault(stream, OutputLog(self._contents))
        fits = output.append(offset, data)
        self._changed(task_id.job_id)
        return fits

    def on_running(self, task_id: TaskId, resource: str) -> None:
        """A task whose attempt counts has started."""
        live = self._live.get(task_id.job_id)
        if live is None or live.job.state is JobState.RUNNING:
            return
        name = self.dispatcher.resource_name(resource) if self.dispatcher else ""
        self._update(live, state=JobState.RUNNING, started=_now(), resource_name=name)

    def on_staged(self, task_id: TaskId, staged: dict[str, Content]) -> None:
        """The outputs of a task whose attempt counts."""
        live = self._live.get(task_id.job_id)
        if live is not None and live.sweep is not None:
            live.sweep.staged[task_id.number] = staged
        elif live is not None:
            live.staged.update(staged)

    def on_end(self, task_id: TaskId, state: TaskState, info: TaskInfo, stored: Callable[[], None]) -> None:
        """A task whose attempt counts is over; `stored` is called when that is on disk."""
        live = self._live[task_id.job_id]
        if live.sweep is not None:
            self._end_sweep_task(live, task_id, state, info, stored)
            return
        states = {TaskState.DONE: JobState.DONE, TaskState.CANCELED: JobState.CANCELLED}
        final = states.get(state, JobState.FAILED)
        self._end(live, final, info, stored)

    def act(self, actions: list[Action]) -> None:
        """Carry out what the scheduler decided."""
        self._actions.extend(actions)
        if self._acting:  # an action of an action: it waits its turn, or a thousand would be a thousand calls deep
            return
        self._acting = True
        try:
            while self._actions:
                self._act(self._actions.popleft())
        finally:
            self._acting = False

    def _act(self, action: Action) -> None:
        if isinstance(action, End):
            self._end_unreported(action)
        elif isinstance(action, Over):
            self._over(self._live[action.job_id])
        elif isinstance(action, Send):
            self._send(action)
        elif self.dispatcher is not None:
            self.dispatcher.carry_out(action)

    def _end_unreported(self, action: End) -> None:
        live = self._live[action.key.job_id]
        info = TaskInfo(message=action.message, reason="" if action.state is TaskState.CANCELED else "lost")
        if live.sweep is not None:
            self._end_sweep_task(live, TaskId(*action.key, 0), action.state, info, lambda: None)
        else:
            state = JobState.CANCELLED if action.state is TaskState.CANCELED else JobState.FAILED
            self._end(live, state, info, lambda: None)

    def _over(self, live: LiveJob) -> None:
        if live.sweep is not None:
            live.sweep.over = True
            self._sweeps.collect_if_finished(live)
        elif not live.ending:
            self._end(live, JobState.CANCELLED, TaskInfo(message="cancelled before it ran"), lambda: None)

    def _send(self, action: Send) -> None:
        live = self._live[action.task.job_id]
        if live.sweep is not None:
            self._send_of_sweep(live, action)
            return
        name = self.dispatcher.resource_name(action.resource) if self.dispatcher else ""
        if action.task.attempt == 0:
            self._update(live, state=JobState.SCHEDULED, resource_name=name)
            if self.dispatcher is not None:
                self.dispatcher.carry_out(action)
            return
        # a later attempt is sent only when its number is on disk: after a crash the earlier one must not count
        for output in live.outputs.values():
            output.discard()
        live.outputs.clear()
        live.staged.clear()
        attempt = action.task.attempt
        self._update(live, state=JobState.SCHEDULED, attempt=attempt, started=0, resource_name=name)
        self._carry_out_after(self._records.set_attempt(action.task.job_id, attempt), action)

    def _carry_out_after(self, written: asyncio.Future[None], action: Send) -> None:
        def sent(future: asyncio.Future[None]) -> None:
            future.result()
            if self.dispatcher is not None:
                self.dispatcher.carry_out(action)

        written.add_done_callback(sent)

    # --- sweeps

    def _send_of_sweep(self, live: LiveJob, action: Send) -> None:
        sweep, task = live.sweep, action.task
        assert sweep is not None
        try:
            sweep.task(task.number)
        except ProtocolError as error:  # there is nothing to be sent: it fails here
            _, actions = self._scheduler.ended(action.resource, task)
            info = TaskInfo(reason="staging", message=error.message)
            self._end_sweep_task(live, task, TaskState.FAILED, info, lambda: None)
            self.act(actions)
            return
        sweep.staged.pop(task.number, None)
        if task.attempt == sweep.base:
            if self.dispatcher is not None:
                self.dispatcher.carry_out(action)
        else:
            self._carry_out_after(self._sweeps.attempt(task), action)

    def _end_sweep_task(
        self, live: LiveJob, task: TaskId, state: TaskState, info: TaskInfo, stored: Callable[[], None]
    ) -> None:
        self.on_task_end(task)
        sweep = live.sweep
        assert sweep is not None
        if state is TaskState.FAILED:
            self._log.add(task.job_id, f"Task {task}: FAILED, {info.message}")

        def counted() -> None:
            stored()
            self._update(live, tasks_done=sweep.done, tasks_failed=sweep.failed)

        self._sweeps.task_ended(live, task, state, info, counted)

    def _finish_sweep(
        self, live: LiveJob, well: bool, message: str, result: dict[str, Any], files: dict[str, Content]
    ) -> None:
        cancelled = self._records.is_cancelling(live.job.id) or live.delete_at_end
        state = JobState.CANCELLED if cancelled else JobState.DONE if well else JobState.FAILED
        final = msgspec.structs.replace(
            live.job, state=state, result=result, info=message, finished=_now(), last_update_time=_now(),
            reason="" if state is not JobState.FAILED else "tasks",
            data_size=sum(content.size for content in files.values()),
        )  # fmt: skip
        self._commit_end(live, final, files, lambda: None)

    async def aclose(self) -> None:
        """Stop what goes on in the background; it begins anew when the hub starts again."""
        await self._sweeps.aclose()

    # --- endings

    def _end(self, live: LiveJob, state: JobState, info: TaskInfo, stored: Callable[[], None]) -> None:
        job_id = live.job.id
        live.ending = True
        self.on_task_end(TaskId(job_id, 0, live.job.attempt))
        kept = {**live.staged}
        kept |= {name: output.store() for name, output in live.outputs.items() if output.length}
        for name in STREAMS:  # a stream without a byte is an empty file, as on any Everest
            if name in output_paths(live.application, live.job.inputs).values():
                kept.setdefault(name, self._contents.small(b""))
        uris = {path: file_uri("jobs", job_id, path.rsplit("/", 1)[-1]) for path in kept}
        by_uri = {uris[path]: content for path, content in kept.items()}
        result, problems = read_results(
            live.application,
            output_paths(live.application, live.job.inputs),
            uris.get,
            lambda uri: self._contents.read(by_uri[uri]),
        )
        message, reason = info.message, info.reason
        if state is JobState.DONE and problems:
            state, message, reason = JobState.FAILED, "; ".join(problems), "output"
        now = _now()
        final = msgspec.structs.replace(
            live.job, state=state, result=result, info=message, reason=reason, exit_code=info.exit_code,
            finished=now, last_update_time=now, data_size=sum(content.size for content in kept.values()),
        )  # fmt: skip
        self._commit_end(live, final, by_uri, stored)

    def _commit_end(self, live: LiveJob, final: Job, kept: dict[str, Content], stored: Callable[[], None]) -> None:
        def done(future: asyncio.Future[None]) -> None:
            future.result()
            live.job = final
            live.version += 1
            self._changed(final.id)
            del self._live[final.id]
            stored()

        log_lines = self._log.take(final.id)
        self._records.finish(final, kept, log_lines, drop=live.delete_at_end).add_done_callback(done)

    def _update(self, live: LiveJob, **changes: Any) -> None:
        live.job = msgspec.structs.replace(live.job, last_update_time=_now(), **changes)
        live.version += 1
        self._changed(live.job.id)

    def _changed(self, job_id: str) -> None:
        for watcher in list(self.watchers):
            watcher(job_id)

    # --- start

    def recover(self, resources: list[str], now: float) -> None:
        """Take up the jobs that were unfinished when the hub stopped."""
        found, cancelling = [], []
        for record in self._records.unfinished():
            found.append(self._revive(record))
            if record.cancelling:
                cancelling.append(record.job.id)
        if found:
            log.info("%d unfinished jobs found", len(found))
        self.act(self._scheduler.recover(found, resources, now))
        for job_id in cancelling:  # an agent that still has one is told to end it when it comes back
            self.act(self._scheduler.cancel(job_id))

    def _revive(self, record: Unfinished) -> UnfinishedJob:
        job, application = record.job, record.application
        live = self._live[job.id] = LiveJob(job, application)
        resources = job.resources or application.resources
        if application.type != SWEEP_TYPE:
            live.job = msgspec.structs.replace(job, state=JobState.READY, attempt=record.attempt)
            only = TaskId(job.id, 0, record.attempt)
            return UnfinishedJob(job.id, job.user, resources, (only,), iter(()), lambda number: False)
        sweep, started = self._sweeps.restore(job)
        live.sweep = sweep
        live.job = msgspec.structs.replace(job, tasks_done=sweep.done, tasks_failed=sweep.failed)
        source = sweep.source(frozenset(task.number for task in started))
        return UnfinishedJob(job.id, job.user, resources, started, source, sweep.may_claim, sweep.base)


def _now() -> int:
    return int(time.time() * 1000)
