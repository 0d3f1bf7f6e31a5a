"""The agent: dials in, takes tasks, reports, and comes back after a lost connection."""

from __future__ import annotations

import asyncio
import logging
import platform
import random
import shutil
from pathlib import Path

import anyio
import anyio.abc
import websockets
from websockets.asyncio.client import ClientConnection, connect

from .. import __version__
from ..wire import (
    SUBPROTOCOL,
    AgentHello,
    AgentInfo,
    ProtocolError,
    TaskCancel,
    TaskDelete,
    TaskOutput,
    TaskResume,
    TaskState,
    TaskStateReport,
    TaskSubmit,
    ToAgent,
    decode_to_agent,
    encode_message,
    safe_name,
)
from .process import kill_marked
from .settings import AgentSettings
from .staging import Stager
from .task import AgentTask

__all__ = ["Agent"]

log = logging.getLogger(__name__)

_PIECE = 65_536
_OPEN_TIMEOUT = 10.0


class _Progress:
    """How far a task has been told over the present connection."""

    def __init__(self, offsets: dict[str, int]) -> None:
        self.offsets = offsets
        self.reports = 0


class Agent:
    """Runs tasks for one server on this machine."""

    def __init__(self, settings: AgentSettings) -> None:
        self._settings = settings
        self._tasks: dict[str, AgentTask] = {}
        self._progress: dict[str, _Progress] = {}
        self._dirty: dict[str, None] = {}
        self._wake = asyncio.Event()
        self._stager = Stager()

    async def run(self) -> None:
        """Serve until cancelled; then every task's processes are killed."""
        self._clean_leftovers()
        self._slots = anyio.Semaphore(max(self._settings.slot_count, 1))
        try:
            async with anyio.create_task_group() as self._group:
                await self._stay_connected()
        finally:
            with anyio.CancelScope(shield=True):
                await self._stager.aclose()
            for task in self._tasks.values():
                task.remove()

    async def _stay_connected(self) -> None:
        shortest, longest = self._settings.reconnect
        pause = shortest
        while True:
            try:
                async with self._connect() as connection:
                    pause = shortest
                    await self._serve(connection)
            except (OSError, websockets.WebSocketException, TimeoutError) as error:
                log.warning("connection to %s: %s", self._settings.server_uri, error or type(error).__name__)
            await anyio.sleep(pause * random.uniform(0.5, 1))  # jitter: many agents lose a server at once
            pause = min(pause * 2, longest)

    def _connect(self) -> connect:
        return connect(
            self._settings.server_uri,
            additional_headers={"Authorization": f"EverestAgentToken {self._settings.token}"},
            subprotocols=[websockets.Subprotocol(SUBPROTOCOL)],
            open_timeout=_OPEN_TIMEOUT,
            compression=None,  # real Everest peers do none
            max_size=64 << 20,
            proxy=None,
        )

    async def _serve(self, connection: ClientConnection) -> None:
        self._progress.clear()
        self._dirty.clear()
        info = AgentInfo(
            name=self._settings.name,
            slots=self._settings.slot_count,
            version=__version__,
            system=f"{platform.system()} {platform.machine()}",
            extensions=("stream", "data-uri"),
        )
        await connection.send(encode_message(AgentHello(info, {task.id: task.state for task in self._tasks.values()})))
        sender = asyncio.ensure_future(self._send_all(connection))
        try:
            async for frame in connection:
                try:
                    message = decode_to_agent(frame)
                except ProtocolError as error:
                    log.warning("%s", error.message)
                    continue
                if message is not None:
                    self._handle(message)
        finally:
            sender.cancel()
            await asyncio.wait([sender])

    def _handle(self, message: ToAgent) -> None:
        task = self._tasks.get(message.task_id)
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

    def _take(self, submit: TaskSubmit) -> None:
        if submit.task_id in self._tasks:
            return
        directory = self._settings.tasks_dir / safe_name(submit.task_id)
        task = self._tasks[submit.task_id] = AgentTask(submit, directory, self._changed)
        self._progress[task.id] = _Progress({})
        self._group.start_soon(task.run, self._stager, self._slots)

    def _forget(self, task: AgentTask) -> None:
        del self._tasks[task.id]
        self._progress.pop(task.id, None)
        if task.finished:
            task.remove()
        else:  # superseded while it runs: end it, and remove it when its processes are gone
            task.cancel()
            self._group.start_soon(self._remove_later, task)

    async def _remove_later(self, task: AgentTask) -> None:
        await task.ended.wait()
        task.remove()

    def _changed(self, task: AgentTask) -> None:
        if task.id in self._progress:
            self._dirty[task.id] = None
            self._wake.set()

    async def _send_all(self, connection: ClientConnection) -> None:
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                while self._dirty:
                    task_id = next(iter(self._dirty))
                    del self._dirty[task_id]
                    if task_id in self._tasks:
                        await self._tell(connection, self._tasks[task_id], self._progress[task_id])
        except websockets.ConnectionClosed:
            return  # the receiving side sees it too, and reconnects

    async def _tell(self, connection: ClientConnection, task: AgentTask, progress: _Progress) -> None:
        """Send what is new: RUNNING at once, every later state only after all output before it."""
        while progress.reports < len(task.reports):
            state, info = task.reports[progress.reports]
            if state != TaskState.RUNNING and not await self._tell_output(connection, task, progress):
                self._changed(task)  # more output: other tasks have their turn first
                return
            progress.reports += 1
            await connection.send(encode_message(TaskStateReport(task.id, state, info)))
        if not await self._tell_output(connection, task, progress):
            self._changed(task)

    async def _tell_output(self, connection: ClientConnection, task: AgentTask, progress: _Progress) -> bool:
        """Send the next piece of each stream; True when there is no more."""
        complete = True
        for name, output in task.outputs.items():
            offset = progress.offsets.get(name, 0)
            data = output.read(offset, _PIECE)
            if data:
                progress.offsets[name] = offset + len(data)
                await connection.send(encode_message(TaskOutput(task.id, name, offset, data)))
            complete = complete and progress.offsets.get(name, 0) >= output.length
        return complete

    def _clean_leftovers(self) -> None:
        """Kill what a killed agent left running, and remove its tasks' folders."""
        folder: Path = self._settings.tasks_dir
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for leftover in folder.iterdir():
            kill_marked(leftover.name)
            shutil.rmtree(leftover, ignore_errors=True)
