"""The agents' side of jobs: their tasks are sent, followed while they run, and ended.

Order of promises: a final state is told to anyone only when it is on disk with its files; a report of a superseded
attempt changes nothing.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from ..wire import Job, JobState, ProtocolError, TaskId, TaskInfo, TaskState
from .actions import Action, Cancel, Delete, End, Over, Resume, Send
from .contents import Content, Contents
from .files import output_uris
from .job_log import JobLog
from .job_records import JobRecords
from .live import LiveJob, LiveJobs, milliseconds
from .output_log import OutputLog
from .scheduler import Scheduler
from .sweeps import Sweeps
from .tasks import STREAMS, output_paths, read_results, stage_inputs

__all__ = ["Dispatcher", "JobTasks"]


class Dispatcher(Protocol):
    """Carries out what the scheduler decides; the gateway to the agents."""

    def carry_out(self, action: Send | Resume | Cancel | Delete) -> None:
        """Send one message to an agent."""

    def resource_name(self, resource: str) -> str:
        """The name of a resource."""

    def rearm(self) -> None:
        """The scheduler may want to be woken at another time."""


class JobTasks:
    """Tasks of the live jobs.

    Attributes:
        dispatcher: the gateway to the agents, once there is one.
        on_task_end: called for each attempt that is over.
    """

    def __init__(
        self,
        live: LiveJobs,
        records: JobRecords,
        contents: Contents,
        scheduler: Scheduler,
        job_log: JobLog,
        sweeps: Sweeps,
    ) -> None:
        self._live = live
        self._records = records
        self._contents = contents
        self._scheduler = scheduler
        self._log = job_log
        self._actions: deque[Action] = deque()
        self._acting = False
        self._sweeps = sweeps
        sweeps.finish = self._finish_sweep
        self.dispatcher: Dispatcher | None = None
        self.on_task_end: Callable[[TaskId], None] = lambda task_id: None

    def live(self, job_id: str) -> LiveJob | None:
        """The running side of a job, or None when it is ended."""
        return self._live.get(job_id)

    @property
    def watchers(self) -> set[Callable[[str], None]]:
        """Called with the id of a job that changed or wrote something."""
        return self._live.watchers

    def resource_name(self, resource: str, otherwise: str) -> str:
        """The name of a resource as its agent gives it, when one has been here."""
        name = self.dispatcher.resource_name(resource) if self.dispatcher else resource
        return name if name != resource else otherwise

    # --- what agents report

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
            return set(live.sweep.plan.outputs(task_id.number))
        return set(output_paths(live.application, live.job.inputs).values())

    def on_output(self, task_id: TaskId, stream: str, offset: int, data: bytes) -> bool:
        """Bytes from a task whose attempt counts; False when some before them are missing."""
        live = self._live.get(task_id.job_id)
        if live is None or live.sweep is not None or stream not in STREAMS:
            return True
        output = live.outputs.setdefault(stream, OutputLog(self._contents))
        fits = output.append(offset, data)
        self._live.changed(task_id.job_id)
        return fits

    def on_running(self, task_id: TaskId, resource: str) -> None:
        """A task whose attempt counts has started."""
        live = self._live.get(task_id.job_id)
        if live is None or live.job.state is JobState.RUNNING:
            return
        name = self.dispatcher.resource_name(resource) if self.dispatcher else ""
        self._live.update(live, state=JobState.RUNNING, started=milliseconds(), resource_name=name)

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
        if self._scheduler.looking and self.dispatcher is not None:
            self.dispatcher.rearm()

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
            self._live.update(live, state=JobState.SCHEDULED, resource_name=name)
            if self.dispatcher is not None:
                self.dispatcher.carry_out(action)
            return
        # a later attempt is sent only when its number is on disk: after a crash the earlier one must not count
        for output in live.outputs.values():
            output.discard()
        live.outputs.clear()
        live.staged.clear()
        attempt = action.task.attempt
        self._live.update(live, state=JobState.SCHEDULED, attempt=attempt, started=0, resource_name=name)
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
            sweep.check(task.number)
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
            self._live.update(live, tasks_done=sweep.done, tasks_failed=sweep.failed)

        self._sweeps.task_ended(live, task, state, info, counted)

    def _finish_sweep(
        self, live: LiveJob, well: bool, message: str, result: dict[str, Any], files: dict[str, Content]
    ) -> None:
        state = JobState.CANCELLED if live.cancelling else JobState.DONE if well else JobState.FAILED
        now = milliseconds()
        final = msgspec.structs.replace(
            live.job, state=state, result=result, info=message, finished=now, last_update_time=now,
            reason="" if state is not JobState.FAILED else "tasks",
            data_size=sum(content.size for content in files.values()),
        )  # fmt: skip
        self._commit_end(live, final, files, lambda: None)

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
        inputs = stage_inputs(live.application, live.job.inputs).files.values()
        uris = output_uris(job_id, inputs, kept)
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
        now = milliseconds()
        final = msgspec.structs.replace(
            live.job, state=state, result=result, info=message, reason=reason, exit_code=info.exit_code,
            finished=now, last_update_time=now, data_size=sum(content.size for content in kept.values()),
        )  # fmt: skip
        self._commit_end(live, final, by_uri, stored)

    def _commit_end(self, live: LiveJob, final: Job, kept: dict[str, Content], stored: Callable[[], None]) -> None:
        def done(future: asyncio.Future[None]) -> None:
            future.result()
            self._live.end(live, final)
            stored()

        log_lines = self._log.take(final.id)
        self._records.finish(final, kept, log_lines, drop=live.delete_at_end).add_done_callback(done)
