"""The door for agents: they dial in, get tasks, and report."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import Any

import anyio
from starlette.websockets import WebSocket, WebSocketDisconnect

from ..wire import (
    AgentHello,
    AgentInfo,
    FromAgent,
    ProtocolError,
    TaskCancel,
    TaskDelete,
    TaskId,
    TaskInfo,
    TaskOutput,
    TaskResume,
    TaskState,
    TaskStateReport,
    ToAgent,
    decode_from_agent,
    encode_message,
    read_data_uri,
)
from .actions import Cancel, Delete, Resume, Send
from .contents import Content, Contents
from .files import Files
from .identity import Identity
from .job_log import JobLog
from .job_tasks import JobTasks
from .scheduler import Scheduler
from .submissions import Submissions

__all__ = ["Gateway"]

log = logging.getLogger(__name__)

HELLO_TIMEOUT = 10.0


@dataclass
class _Connection:
    """One connected agent.

    Attributes:
        base: the hub's address as this agent has dialled it; it fetches and delivers files there.
    """

    resource: str
    name: str
    info: AgentInfo
    base: str
    outgoing: asyncio.Queue[ToAgent | None] = field(default_factory=asyncio.Queue)


class Gateway:
    """All connected agents."""

    def __init__(
        self,
        jobs: JobTasks,
        scheduler: Scheduler,
        identity: Identity,
        submissions: Submissions,
        contents: Contents,
        files: Files,
        job_log: JobLog,
    ) -> None:
        self._jobs = jobs
        self._scheduler = scheduler
        self._identity = identity
        self._contents = contents
        self._files = files
        self._log = job_log
        self._submissions = submissions
        self._connections: dict[str, _Connection] = {}
        self._names: dict[str, str] = {}
        self._ending: set[TaskId] = set()  # reported as over, and not on disk yet
        self._timer: asyncio.TimerHandle | None = None
        jobs.dispatcher = self
        jobs.on_task_end = submissions.forget

    # --- what the jobs ask for

    def resource_name(self, resource: str) -> str:
        """The name of a resource."""
        return self._names.get(resource, resource)

    def carry_out(self, action: Send | Resume | Cancel | Delete) -> None:
        """Send one message to an agent; one that is gone learns of it when it comes back."""
        connection = self._connections.get(action.resource)
        if connection is None:
            return
        task = str(action.task)
        if isinstance(action, Send):
            live = self._jobs.live(action.task.job_id)
            if live is not None:
                self._log.add(action.task.job_id, f"Task {task}: sent to {connection.name}")
                connection.outgoing.put_nowait(self._submissions.build(live, action.task, connection.base))
        elif isinstance(action, Resume):
            connection.outgoing.put_nowait(TaskResume(task, self._jobs.outputs_of(action.task)))
        elif isinstance(action, Cancel):
            connection.outgoing.put_nowait(TaskCancel(task))
        elif action.task not in self._ending:
            connection.outgoing.put_nowait(TaskDelete(task))

    def connected(self) -> dict[str, AgentInfo]:
        """Connected resources and what their agents say of themselves."""
        return {resource: connection.info for resource, connection in self._connections.items()}

    def detach(self, resource: str) -> None:
        """Part from the agent of a resource that was deleted."""
        connection = self._connections.get(resource)
        if connection is not None:
            connection.outgoing.put_nowait(None)

    # --- one agent

    async def serve(self, socket: WebSocket) -> None:
        """The WebSocket endpoint."""
        found = self._identity.resource_of(_token(socket))
        if found is None:
            await socket.close(4401, "unknown agent token")
            return
        resource, _, name = found
        offered = socket.scope.get("subprotocols") or []
        await socket.accept(subprotocol=offered[0] if offered else None)
        try:
            connection = await self._greet(socket, resource, name)
        except (WebSocketDisconnect, ProtocolError, TimeoutError) as error:
            log.warning("agent of %s: no greeting: %r", name, error)
            return
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(_send_all, socket, connection.outgoing, group.cancel_scope)
                await self._receive_all(socket, connection)
                group.cancel_scope.cancel()
        finally:
            if self._connections.get(resource) is connection:
                del self._connections[resource]
                self._jobs.act(self._scheduler.disconnected(resource, _now()))
                self.rearm()

    async def _greet(self, socket: WebSocket, resource: str, name: str) -> _Connection:
        with anyio.fail_after(HELLO_TIMEOUT):
            hello = decode_from_agent(await socket.receive_text())
        if not isinstance(hello, AgentHello):
            raise ProtocolError("an agent's first message is AGENT_HELLO")
        if not {"stream", "data-uri"} <= set(hello.info.extensions):
            raise ProtocolError("agents without the extensions stream and data-uri are not served")
        base = str(socket.base_url).replace("ws", "http", 1).rstrip("/")
        connection = _Connection(resource, hello.info.name or name, hello.info, base)
        self._connections[resource] = connection
        self._names[resource] = connection.name
        has = [TaskId.parse(task) for task in hello.tasks]
        self._jobs.act(self._scheduler.connected(resource, hello.info.slots, has, _now()))
        self.rearm()
        return connection

    async def _receive_all(self, socket: WebSocket, connection: _Connection) -> None:
        while True:
            try:
                frame = await socket.receive_text()
            except (WebSocketDisconnect, KeyError):
                return
            try:
                message = decode_from_agent(frame)
                if message is not None:
                    self._handle(connection, message)
            except ProtocolError as error:
                log.warning("agent of %s: %s", connection.name, error.message)

    def _handle(self, connection: _Connection, message: FromAgent) -> None:
        if isinstance(message, TaskOutput):
            task = TaskId.parse(message.task_id)
            if not self._scheduler.is_current(connection.resource, task):
                self.carry_out(Delete(connection.resource, task))
            elif not self._jobs.on_output(task, message.stream, message.offset, message.data):
                connection.outgoing.put_nowait(TaskResume(message.task_id, self._jobs.outputs_of(task)))
        elif isinstance(message, TaskStateReport):
            self._on_state(connection, message)

    def _on_state(self, connection: _Connection, report: TaskStateReport) -> None:
        task = TaskId.parse(report.task_id)
        if not self._scheduler.is_current(connection.resource, task):
            self.carry_out(Delete(connection.resource, task))
            return
        self._log.add(task.job_id, f'[{connection.resource}/agent] Received ["TASK_STATE","{task}","{report.state}"]')
        if report.state == TaskState.RUNNING:
            self._jobs.on_running(task, connection.resource)
        elif report.state == TaskState.STAGED_OUT:
            self._jobs.on_staged(task, self._staged(task, report.info))
        elif report.state in _FINAL:
            _, actions = self._scheduler.ended(connection.resource, task)
            self._ending.add(task)
            self._jobs.on_end(task, TaskState(report.state), report.info, lambda: self._stored(connection, task))
            self._jobs.act(actions)

    def _stored(self, connection: _Connection, task: TaskId) -> None:
        """A task's end is on disk: only now may its agent forget it."""
        self._ending.discard(task)
        self.carry_out(Delete(connection.resource, task))

    def _staged(self, task: TaskId, info: TaskInfo) -> dict[str, Content]:
        live = self._jobs.live(task.job_id)
        staged: dict[str, Content] = {}
        wanted = self._jobs.wanted_outputs(task)
        for file in info.output_data:
            if file.path not in wanted or live is None:
                continue
            if file.uri.startswith("data:"):
                staged[file.path] = self._contents.small(read_data_uri(file.uri))
            else:
                content = self._files.content(live.job.user, file.uri)
                if content is None:
                    raise ProtocolError(f"{task} names the unknown file {file.uri[:100]!r}")
                staged[file.path] = content
        return staged

    # --- time

    def rearm(self) -> None:
        """Wake when the scheduler has something to do."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        wake = self._scheduler.wake_at()
        if wake is not None:
            self._timer = asyncio.get_running_loop().call_at(wake, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self._jobs.act(self._scheduler.tick(_now()))
        self.rearm()

    def start(self) -> None:
        """Begin to watch for agents that stay away."""
        self.rearm()

    def stop(self) -> None:
        """The hub closes."""
        if self._timer is not None:
            self._timer.cancel()


_FINAL = frozenset(str(state) for state in (TaskState.DONE, TaskState.FAILED, TaskState.CANCELED))


def _now() -> float:
    return asyncio.get_running_loop().time()


def _token(socket: WebSocket) -> str:
    """The agent's token: the last word of the Authorization header, whatever the scheme, or a query parameter."""
    words = socket.headers.get("authorization", "").split()
    return words[-1] if words else socket.query_params.get("token", "")


async def _send_all(socket: WebSocket, queue: asyncio.Queue[ToAgent | None], scope: Any) -> None:
    try:
        while (message := await queue.get()) is not None:
            await socket.send_text(encode_message(message))
        scope.cancel()  # the resource was deleted
    except (WebSocketDisconnect, RuntimeError):  # starlette: a send after the peer has gone
        scope.cancel()
