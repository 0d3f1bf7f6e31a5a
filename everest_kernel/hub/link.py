"""A connected agent, whichever side dialled."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field

import anyio
import anyio.abc

from ..wire import (
    AgentHello,
    AgentInfo,
    Frames,
    FramesClosed,
    ProtocolError,
    TaskId,
    TaskMessage,
    TaskStateReport,
    ToAgent,
    decode_from_agent,
    encode_message,
)

__all__ = ["FULL_DIALECT", "Fetch", "Link", "greeting", "task_ids"]

log = logging.getLogger(__name__)

FULL_DIALECT = frozenset({"stream", "data-uri"})
_MOST_WAITING = 32 << 20
"""Bytes, roughly, of messages that wait for an agent to read them. What is sent for tasks is bounded by its slots."""
_OVERHEAD = 300
HELLO_TIMEOUT = 10.0
"""Seconds after which an agent that has not greeted is taken for one that does not know how."""


@dataclass
class Fetch:
    """Outputs of a task that are on their way from its agent.

    Attributes:
        done: whether they are here, or the attempt is over.
        problem: why not, when it failed.
        end: the final report, when it came before they were here.
    """

    done: bool = False
    problem: str = ""
    end: TaskStateReport | None = None


@dataclass(eq=False)
class Link:
    """One connected agent.

    Attributes:
        hub: the hub's address, as this agent reaches it; it fetches and delivers files there.
        plain: it knows only TASK_SUBMIT, TASK_STATE and TASK_MESSAGE.
        base: HTTP address that its server-relative URIs are relative to; empty when it has none that is known.
        auth: Authorization header for it.
        fetches: by task, from STAGED_OUT to the task's end.
        group: what runs as long as the connection.
    """

    resource: str
    name: str
    info: AgentInfo
    hub: str
    plain: bool = False
    base: str = ""
    auth: str = field(default="", repr=False)
    fetches: dict[TaskId, Fetch] = field(default_factory=dict)
    group: anyio.abc.TaskGroup | None = None
    _outgoing: asyncio.Queue[ToAgent] = field(default_factory=asyncio.Queue)
    _waiting: int = 0

    def put(self, message: ToAgent) -> None:
        """Send a message, after those before it; an agent that does not read is parted from."""
        self._waiting += _size(message)
        if self._waiting <= _MOST_WAITING:
            self._outgoing.put_nowait(message)
        else:
            log.warning("agent of %s: it does not read what it is sent", self.name)
            self.close()

    def close(self) -> None:
        """End the connection."""
        if self.group is not None:
            self.group.cancel_scope.cancel()

    async def send_all(self, frames: Frames) -> None:
        """Send what is put, until the connection is over."""
        try:
            while True:
                message = await self._outgoing.get()
                await frames.send(encode_message(message))
                self._waiting -= _size(message)
        except FramesClosed:
            self.close()


def _size(message: ToAgent) -> int:
    return _OVERHEAD + (len(message.text) if isinstance(message, TaskMessage) else 0)


async def greeting(frames: Frames, name: str) -> tuple[AgentHello | None, str | None]:
    """The AGENT_HELLO with which an agent begins; else None and the frame that came instead, if one came in time.

    Raises:
        FramesClosed: the connection is over.
    """
    first = None
    with anyio.move_on_after(HELLO_TIMEOUT):
        first = await frames.receive()
    try:
        hello = decode_from_agent(first) if first is not None else None
    except ProtocolError as error:
        log.warning("agent of %s: %s", name, error.message)
        hello = None
    return (hello, None) if isinstance(hello, AgentHello) else (None, first)


def task_ids(hello: AgentHello) -> list[TaskId]:
    """The tasks that an agent still has."""
    found = []
    for text in hello.tasks:
        try:
            found.append(TaskId.parse(text))
        except ProtocolError as error:
            log.warning("%s", error.message)
    return found
