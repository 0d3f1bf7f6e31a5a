"""What agents report, whichever side dialled and whichever dialect they speak."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Protocol

import msgspec

from ..wire import (
    FromAgent,
    Once,
    ProtocolError,
    StagedFile,
    TaskId,
    TaskInfo,
    TaskMessage,
    TaskOutput,
    TaskResume,
    TaskState,
    TaskStateReport,
    decode_from_agent,
    encode_message,
    lenient_report,
    message_type,
    read_data_uri,
)
from .contents import Content, Contents
from .fetching import Fetcher, FetchError
from .files import Files
from .job_log import JobLog
from .job_tasks import JobTasks
from .link import Fetch, Link
from .scheduler import Scheduler
from .tasks import STREAMS
from .variables import Variables

__all__ = ["Outbox", "Reports"]

log = logging.getLogger(__name__)

_FINAL = frozenset(str(state) for state in (TaskState.DONE, TaskState.FAILED, TaskState.CANCELED))
_LOGGED_CHARACTERS = 4096


class Outbox(Protocol):
    """What a report can make the gateway do."""

    def superseded(self, link: Link, task: TaskId) -> None:
        """The agent has an attempt that does not count."""

    def ending(self, task: TaskId) -> None:
        """A task is over, and that is not on disk yet."""

    def stored(self, link: Link, task: TaskId) -> None:
        """A task's end is on disk: only now may its agent forget it."""

    def tell_others(self, task: TaskId, text: str) -> None:
        """Pass a text to the other running tasks of the same job."""


class Reports:
    """Acts on the messages of agents."""

    def __init__(
        self,
        jobs: JobTasks,
        scheduler: Scheduler,
        contents: Contents,
        files: Files,
        job_log: JobLog,
        fetcher: Fetcher,
        outbox: Outbox,
    ) -> None:
        self._jobs = jobs
        self._scheduler = scheduler
        self._contents = contents
        self._files = files
        self._log = job_log
        self._fetcher = fetcher
        self._outbox = outbox
        self._variables: dict[str, Variables] = {}
        self._once = Once()
        jobs.watchers.add(self._on_job)

    def receive(self, link: Link, frame: str) -> None:
        """Act on one frame; what is malformed or unknown is logged."""
        try:
            message: FromAgent | None
            if link.plain and (report := lenient_report(frame)) is not None:
                message = report
            else:
                message = decode_from_agent(frame)
            if message is not None:
                self._handle(link, message)
            elif self._once.first(f"message {(kind := message_type(frame) or '')[:80]}"):
                log.info("agent of %s: messages of the unknown type %.80r are ignored", link.name, kind)
        except ProtocolError as error:
            log.warning("agent of %s: %s", link.name, error.message)

    def _handle(self, link: Link, message: FromAgent) -> None:
        if not isinstance(message, (TaskOutput, TaskStateReport, TaskMessage)):
            return
        task = TaskId.parse(message.task_id)
        if link.plain:  # it could not say in a greeting that it still has the task
            self._jobs.act(self._scheduler.reported(link.resource, task))
        if not self._scheduler.is_current(link.resource, task):
            self._outbox.superseded(link, task)
        elif isinstance(message, TaskOutput):
            if not self._jobs.on_output(task, message.stream, message.offset, message.data):
                link.put(TaskResume(message.task_id, self._jobs.outputs_of(task)))
        elif isinstance(message, TaskMessage):
            self._on_message(link, task, message.text)
        else:
            self._on_state(link, task, message)

    def _note(self, link: Link, task: TaskId, message: TaskStateReport | TaskMessage) -> None:
        """The form in which programs look for agents' messages in a job's log."""
        self._log.add(task.job_id, f"[{link.resource}/agent] Received {encode_message(message)}")

    # --- variables

    def _on_message(self, link: Link, task: TaskId, text: str) -> None:
        self._note(link, task, TaskMessage(str(task), text[:_LOGGED_CHARACTERS]))
        heard = self._variables.setdefault(task.job_id, Variables()).hear(text)
        if heard.answer:
            link.put(TaskMessage(str(task), heard.answer))
        if heard.others:
            self._outbox.tell_others(task, heard.others)
        if heard.ignored and self._once.first(f"variable {heard.ignored[:80]}"):
            log.info("a message of task %s is ignored: %s", task, heard.ignored)

    def _on_job(self, job_id: str) -> None:
        if job_id in self._variables:
            live = self._jobs.live(job_id)
            if live is None or live.job.state.is_final:
                del self._variables[job_id]

    # --- states

    def _on_state(self, link: Link, task: TaskId, report: TaskStateReport) -> None:
        self._note(link, task, _without_contents(report))
        if report.state == TaskState.RUNNING:
            self._jobs.on_running(task, link.resource)
        elif report.state == TaskState.STAGED_OUT:
            self._on_staged(link, task, report.info)
        elif report.state in _FINAL:
            fetch = link.fetches.setdefault(task, Fetch(done=True))
            if fetch.done:
                self._end(link, task, report)
            else:
                fetch.end = report
        elif report.state != TaskState.COMPLETED and self._once.first(f"state {report.state[:80]}"):
            log.info("the task state %.80r is unknown and taken for progress", report.state)

    def _end(self, link: Link, task: TaskId, report: TaskStateReport) -> None:
        fetch = link.fetches.pop(task)
        state, info = TaskState(report.state), report.info
        if fetch.problem and state is TaskState.DONE:
            state = TaskState.FAILED
            info = msgspec.structs.replace(info, reason="staging", message=fetch.problem)
        self.end(link, task, state, info)

    def end(self, link: Link, task: TaskId, state: TaskState, info: TaskInfo) -> None:
        """A task whose attempt counts is over."""
        _, actions = self._scheduler.ended(link.resource, task)
        self._outbox.ending(task)
        self._jobs.on_end(task, state, info, lambda: self._outbox.stored(link, task))
        self._jobs.act(actions)

    # --- outputs

    def _on_staged(self, link: Link, task: TaskId, info: TaskInfo) -> None:
        live = self._jobs.live(task.job_id)
        if live is None:
            return
        wanted = self._jobs.wanted_outputs(task)
        staged: dict[str, Content] = {}
        away: list[StagedFile] = []
        for file in info.output_data:
            if file.path not in wanted and not (link.base and file.path in STREAMS):
                continue
            if file.uri.startswith("data:"):
                staged[file.path] = self._contents.small(read_data_uri(file.uri))
            elif (content := self._files.content(live.job.user, file.uri)) is not None:
                staged[file.path] = content
            elif link.plain:
                away.append(file)
            else:
                raise ProtocolError(f"{task} names the unknown file {file.uri[:100]!r}")
        if not away or link.group is None:
            self._jobs.on_staged(task, staged)
        elif task not in link.fetches:
            link.fetches[task] = Fetch()
            link.group.start_soon(self._fetch, link, task, staged, away)

    async def _fetch(self, link: Link, task: TaskId, staged: dict[str, Content], away: list[StagedFile]) -> None:
        """Bring outputs here before the job ends; they are stored with the end, in one commit."""
        fetch = link.fetches[task]
        for file in away:
            try:
                async with (
                    aclosing(self._fetcher.blocks(link.base, file.uri, link.auth)) as blocks,
                    aclosing(self._while_current(link, task, blocks)) as checked,
                ):
                    await self._bring(task, file.path, checked, staged)
            except _Superseded:
                link.fetches.pop(task, None)
                return
            except (FetchError, OSError) as error:
                problem = f"the output {file.path!r} could not be fetched from the agent: {error}"
                log.warning("task %s: %s", task, problem)
                if file.path in self._jobs.wanted_outputs(task):
                    fetch.problem = fetch.problem or problem
        self._jobs.on_staged(task, staged)
        fetch.done = True
        if fetch.end is not None:
            self._end(link, task, fetch.end)

    async def _bring(self, task: TaskId, path: str, blocks: AsyncIterator[bytes], staged: dict[str, Content]) -> None:
        live = self._jobs.live(task.job_id)
        if path not in STREAMS or live is None or live.sweep is not None:
            staged[path] = await self._contents.receive(blocks)
            return
        # what the program wrote becomes its output, as if it had been told while it ran
        offset = 0
        async for block in blocks:
            self._jobs.on_output(task, path, offset, block)
            offset += len(block)

    async def _while_current(
        self, link: Link, task: TaskId, blocks: AsyncIterator[bytes]
    ) -> AsyncGenerator[bytes, None]:
        async for block in blocks:
            if not self._scheduler.is_current(link.resource, task):
                raise _Superseded
            yield block
        if not self._scheduler.is_current(link.resource, task):
            raise _Superseded


def _without_contents(report: TaskStateReport) -> TaskStateReport:
    """A report as it may stand in a log."""
    files = tuple(StagedFile(f.path, "data:" if f.uri.startswith("data:") else f.uri) for f in report.info.output_data)
    # msgspec leaves out what is its default, not what equals it
    info = msgspec.structs.replace(report.info, output_data=files or TaskInfo().output_data)
    return TaskStateReport(report.task_id, report.state, info)


class _Superseded(Exception):  # noqa: N818 - not an error
    """Another attempt counts, or the task is over."""
