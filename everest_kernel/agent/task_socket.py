"""Everest's task socket: a task talks to the server, and through it to the other tasks of its job.

The task connects by TCP and sends a first frame, one byte 0 ("message mode") and its task id; then both sides send
frames of text. A frame is its length, four bytes big-endian, and that many bytes. The task ends the conversation by
shutting down its sending side. The agent only relays: what the texts mean is the server's business.
"""

from __future__ import annotations

import logging
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio
import anyio.abc
import anyio.lowlevel
from anyio.streams.buffered import BufferedByteReceiveStream
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from ..wire import ConfigurationError, ProtocolError

__all__ = ["TaskSocket", "frame"]

log = logging.getLogger(__name__)

_LENGTH = struct.Struct(">I")
_MOST_BYTES = 1 << 20
_MOST_WAITING = 1000
_GREETING_SECONDS = 10.0
_FLUSH_SECONDS = 5.0
_DRAIN_SECONDS = 1.0
"""What a task that is over has said is still read, for so long at most."""
_ACCEPT_TURNS = 5
"""Turns of the event loop in which a connection is accepted that a task made just before its end."""
_OVER = (anyio.EndOfStream, anyio.IncompleteRead, anyio.BrokenResourceError, anyio.ClosedResourceError)

Tell = Callable[[str], Awaitable[None]]


@dataclass(eq=False)
class _Conversation:
    """One connection of a task."""

    queue: MemoryObjectSendStream[str]
    scope: anyio.CancelScope
    read: anyio.Event = field(default_factory=anyio.Event)
    """Set when the task has no more to say."""


@dataclass(eq=False)
class _Admitted:
    """A running task: where its messages go, and its connections."""

    tell: Tell
    conversations: set[_Conversation] = field(default_factory=set)


class TaskSocket:
    """Listens on a loopback port."""

    def __init__(self) -> None:
        self._admitted: dict[str, list[_Admitted]] = {}
        self._greeting: set[anyio.Event] = set()
        self._listener: anyio.abc.Listener[anyio.abc.SocketStream] | None = None
        self.port: int | None = None

    async def open(self, port: int) -> None:
        """Begin to listen; 0 for any free port.

        Raises:
            ConfigurationError: the port is taken.
        """
        try:
            self._listener = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=port)
        except OSError as error:
            raise ConfigurationError(
                f"the task socket cannot listen on port {port}: {error.strerror or error}",
                hint="Change taskProtocol.port in the agent's configuration; 0 takes any free one.",
            ) from error
        self.port = self._listener.extra(anyio.abc.SocketAttribute.local_port)

    async def serve(self) -> None:
        """Talk to tasks until cancelled. The socket must be open."""
        assert self._listener is not None
        async with self._listener:
            await self._listener.serve(self._converse)

    @asynccontextmanager
    async def admit(self, task_id: str, tell: Tell) -> AsyncIterator[_Admitted]:
        """Let a running task connect; its connections end with the block. `tell` gets its messages.

        What it has sent is read before the block ends: a program may say something and exit at once.
        """
        entry = _Admitted(tell)
        self._admitted.setdefault(task_id, []).append(entry)
        try:
            yield entry
            await self._drain(entry)
        finally:
            self._admitted[task_id].remove(entry)
            if not self._admitted[task_id]:
                del self._admitted[task_id]
            for conversation in entry.conversations:
                conversation.scope.cancel()

    async def _drain(self, entry: _Admitted) -> None:
        for _ in range(_ACCEPT_TURNS):
            await anyio.lowlevel.checkpoint()
        with anyio.move_on_after(_DRAIN_SECONDS):
            for greeted in list(self._greeting):
                await greeted.wait()
            for conversation in list(entry.conversations):
                await conversation.read.wait()

    @staticmethod
    def deliver(entry: _Admitted, text: str) -> None:
        """Pass a message to all connections of a task; one that does not read is closed."""
        for conversation in entry.conversations:
            try:
                conversation.queue.send_nowait(text)
            except anyio.WouldBlock:
                log.warning("a task reads no messages; its connection is closed")
                conversation.scope.cancel()
            except _OVER:
                continue  # it is just ending

    async def _converse(self, stream: anyio.abc.SocketStream) -> None:
        greeted = anyio.Event()
        self._greeting.add(greeted)
        async with stream, anyio.create_task_group() as group:
            reader = BufferedByteReceiveStream(stream)
            try:
                with anyio.fail_after(_GREETING_SECONDS):
                    entry = self._greeted(await _read(reader))
                send, receive = anyio.create_memory_object_stream[str](_MOST_WAITING)
                conversation = _Conversation(send, group.cancel_scope)
                entry.conversations.add(conversation)
                group.start_soon(_write_all, stream, receive, group.cancel_scope)
                self._end_greeting(greeted)
                await self._relay(entry, conversation, reader)
            except (ProtocolError, TimeoutError, *_OVER) as error:
                log.warning("task socket: %s", error or type(error).__name__)
                group.cancel_scope.cancel()
            finally:
                self._end_greeting(greeted)

    def _end_greeting(self, greeted: anyio.Event) -> None:
        self._greeting.discard(greeted)
        greeted.set()

    def _greeted(self, greeting: bytes) -> _Admitted:
        if greeting[:1] != b"\0":
            raise ProtocolError("a connection that does not begin in message mode")
        entries = self._admitted.get(greeting[1:].decode("utf-8", "replace"), [])
        if len(entries) != 1:  # two controllers may have chosen the same id: neither may speak for the other
            raise ProtocolError("a connection that names no task that runs here")
        return entries[0]

    @staticmethod
    async def _relay(entry: _Admitted, conversation: _Conversation, reader: BufferedByteReceiveStream) -> None:
        try:
            while True:
                await entry.tell((await _read(reader)).decode("utf-8", "replace"))
        except _OVER:
            # what is queued still goes out, but no longer than that: the task may wait for our end to close
            conversation.scope.deadline = anyio.current_time() + _FLUSH_SECONDS
        finally:
            conversation.read.set()
            entry.conversations.discard(conversation)
            conversation.queue.close()


def frame(text: str) -> bytes:
    """A message as it travels."""
    data = text.encode("utf-8", "replace")
    return _LENGTH.pack(len(data)) + data


async def _read(reader: BufferedByteReceiveStream) -> bytes:
    (length,) = _LENGTH.unpack(await reader.receive_exactly(_LENGTH.size))
    if length > _MOST_BYTES:
        raise ProtocolError(f"a message of {length} bytes; the limit is {_MOST_BYTES}")
    return await reader.receive_exactly(length) if length else b""


async def _write_all(
    stream: anyio.abc.SocketStream, queue: MemoryObjectReceiveStream[str], scope: anyio.CancelScope
) -> None:
    async with queue:
        try:
            async for text in queue:
                await stream.send(frame(text))
        except _OVER:
            scope.cancel()
