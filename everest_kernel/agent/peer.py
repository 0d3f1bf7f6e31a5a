"""A controller as the agent sees it: its tasks, what it has been told of each, and its present connection.

It outlives the connection. In our dialect a new connection begins with AGENT_HELLO, and the controller says from where
each task is to be told again. A controller that knows only TASK_SUBMIT, TASK_STATE and TASK_MESSAGE is told what
it has not been told yet.
"""

from __future__ import annotations

import asyncio
import logging
import platform
import secrets
from collections import deque
from dataclasses import dataclass, field

import anyio
import anyio.abc

from .. import __version__
from ..wire import (
    AgentHello,
    AgentInfo,
    Frames,
    FramesClosed,
    Once,
    ProtocolError,
    TaskCancel,
    TaskDelete,
    TaskInfo,
    TaskMessage,
    TaskOutput,
    TaskResume,
    TaskState,
    TaskStateReport,
    TaskSubmit,
    ToAgent,
    decode_to_agent,
    encode_message,
    message_type,
    refused_submit,
    safe_name,
)
from .settings import AgentSettings
from .staging import Stager
from .task import AgentTask, TaskRules

__all__ = ["Peer", "Workshop"]

log = logging.getLogger(__name__)

_PIECE = 65_536


@dataclass(frozen=True)
class Workshop:
    """What the tasks of all controllers share.

    Attributes:
        instance: of this run of the agent.
    """

    settings: AgentSettings
    group: anyio.abc.TaskGroup
    slots: anyio.Semaphore
    stager: Stager
    instance: str = field(default_factory=lambda: secrets.token_hex(8))


class _Progress:
    """How far a task has been told."""

    def __init__(self, offsets: dict[str, int]) -> None:
        self.offsets = offsets
        self.reports = 0


class Peer:
    """One controller.

    Args:
        shop: where its tasks run.
        rules: what they may do.
        prefix: of its tasks' folders, so that two controllers may use the same task ids.
        keep: seconds after its end that a task is forgotten without being told to; None: never.
    """

    def __init__(self, shop: Workshop, rules: TaskRules, prefix: str = "", keep: float | None = None) -> None:
        self.tasks: dict[str, AgentTask] = {}
        self._shop = shop
        self._rules = rules
        self._prefix = prefix
        self._keep = keep
        self._expiries: dict[str, asyncio.TimerHandle] = {}
        self._progress: dict[str, _Progress] = {}
        self._dirty: dict[str, None] = {}
        self._refused: deque[TaskStateReport] = deque(maxlen=100)
        self._wake = asyncio.Event()
        self._scope: anyio.CancelScope | None = None
        self._once = Once()

    @property
    def idle(self) -> bool:
        """Whether it is not connected and has left nothing."""
        return self._scope is None and not self.tasks and not self._refused

    async def serve(self, frames: Frames, *, dialect: bool) -> None:
        """Talk over a connection until it is over, or until the controller has made a newer one."""
        if self._scope is not None:
            self._scope.cancel()
        async with anyio.create_task_group() as group:
            self._scope = group.cancel_scope
            try:
                if dialect:
                    await self._greet(frames)
                self._dirty.update(dict.fromkeys(self._progress))
                self._wake.set()
                group.start_soon(self._send_all, frames)
                while True:
                    self._receive(await frames.receive())
            except FramesClosed:
                group.cancel_scope.cancel()
            finally:
                if self._scope is group.cancel_scope:
                    self._scope = None

    def close(self) -> None:
        """The agent ends: the files of all tasks go."""
        for timer in self._expiries.values():
            timer.cancel()
        for task in self.tasks.values():
            task.remove()

    # --- what the controller says

    async def _greet(self, frames: Frames) -> None:
        self._progress.clear()
        self._dirty.clear()
        settings = self._shop.settings
        info = AgentInfo(
            name=settings.name,
            slots=settings.slot_count,
            version=__version__,
            system=f"{platform.system()} {platform.machine()}",
            extensions=("stream", "data-uri"),
            instance=self._shop.instance,
        )
        await frames.send(encode_message(AgentHello(info, {task.id: task.state for task in self.tasks.values()})))

    def _receive(self, frame: str) -> None:
        try:
            message = decode_to_agent(frame)
            if message is not None:
                self._handle(message)
            elif self._once.first(kind := message_type(frame) or ""):
                log.info("messages of the unknown type %.80r are ignored", kind)
        except ProtocolError as error:
            log.warning("%s", error.message)
            refused = refused_submit(frame)
            if refused is not None and refused not in self.tasks:  # else its controller would wait for ever
                self._refuse(refused, f"the task cannot be taken: {error.message}")

    def _handle(self, message: ToAgent) -> None:
        task = self.tasks.get(message.task_id)
        if isinstance(message, TaskSubmit):
            self._take(message)
        elif task is None:
            log.debug("%s for an unknown task", type(message).__name__)
        elif isinstance(message, TaskResume):
            self._progress[task.id] = _Progress(dict(message.offsets))
            self._changed(task)
        elif isinstance(message, TaskCancel):
            task.cancel()
        elif isinstance(message, TaskDelete):
            self._forget(task)
        elif isinstance(message, TaskMessage):
            task.hear(message.text)

    def _take(self, submit: TaskSubmit) -> None:
        if submit.task_id in self.tasks:
            return
        directory = self._shop.settings.tasks_dir / safe_name(self._prefix + submit.task_id)
        task = self.tasks[submit.task_id] = AgentTask(submit, directory, self._changed, self._rules)
        self._progress[task.id] = _Progress({})
        self._shop.group.start_soon(self._run, task)

    async def _run(self, task: AgentTask) -> None:
        await task.run(self._shop.stager, self._shop.slots)
        if self._keep is not None and self.tasks.get(task.id) is task:
            self._expiries[task.id] = asyncio.get_running_loop().call_later(self._keep, self._forget, task)

    def _refuse(self, task_id: str, message: str) -> None:
        self._refused.append(TaskStateReport(task_id, TaskState.FAILED, TaskInfo(reason="start", message=message)))
        self._wake.set()

    def _forget(self, task: AgentTask) -> None:
        del self.tasks[task.id]
        self._progress.pop(task.id, None)
        timer = self._expiries.pop(task.id, None)
        if timer is not None:
            timer.cancel()
        if task.finished:
            task.remove()
        else:  # superseded while it runs: end it, and remove it when its processes are gone
            task.cancel()
            self._shop.group.start_soon(self._remove_later, task)

    async def _remove_later(self, task: AgentTask) -> None:
        await task.ended.wait()
        task.remove()

    # --- what it is told

    def _changed(self, task: AgentTask) -> None:
        if task.id in self._progress:
            self._dirty[task.id] = None
            self._wake.set()

    async def _send_all(self, frames: Frames) -> None:
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                while self._refused:
                    await frames.send(encode_message(self._refused[0]))
                    self._refused.popleft()
                while self._dirty:
                    task_id = next(iter(self._dirty))
                    del self._dirty[task_id]
                    if task_id in self.tasks and task_id in self._progress:
                        await self._tell(frames, self.tasks[task_id], self._progress[task_id])
        except FramesClosed:
            return  # the receiving side sees it too

    async def _tell(self, frames: Frames, task: AgentTask, progress: _Progress) -> None:
        """Send what is new: RUNNING at once, every later state only after all output and messages before it."""
        while progress.reports < len(task.reports):
            state, info = task.reports[progress.reports]
            if state != TaskState.RUNNING:
                await self._tell_messages(frames, task)
                if not await self._tell_output(frames, task, progress):
                    self._changed(task)  # more output: other tasks have their turn first
                    return
            await frames.send(encode_message(TaskStateReport(task.id, state, info)))
            progress.reports += 1
        await self._tell_messages(frames, task)
        if not await self._tell_output(frames, task, progress):
            self._changed(task)

    async def _tell_messages(self, frames: Frames, task: AgentTask) -> None:
        while True:
            try:
                text = task.messages.receive_nowait()
            except (anyio.WouldBlock, anyio.ClosedResourceError):
                return
            await frames.send(encode_message(TaskMessage(task.id, text)))

    async def _tell_output(self, frames: Frames, task: AgentTask, progress: _Progress) -> bool:
        """Send the next piece of each stream; True when there is no more."""
        complete = True
        for name, output in task.outputs.items() if task.stream else ():
            offset = progress.offsets.get(name, 0)
            data = output.read(offset, _PIECE)
            if data:
                progress.offsets[name] = offset + len(data)
                await frames.send(encode_message(TaskOutput(task.id, name, offset, data)))
            complete = complete and progress.offsets.get(name, 0) >= output.length
        return complete
