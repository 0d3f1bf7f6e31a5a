"""The event stream: clients follow their jobs.

Nothing is queued for a subscriber. A change only marks its job as dirty; the sender then reads states and output
from the hub's own record, from the offset that this subscriber has. A slow one costs no memory and loses nothing.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import Any

import anyio
from starlette.websockets import WebSocket, WebSocketDisconnect

from ..wire import (
    JobOutput,
    JobStateEvent,
    JobUnknown,
    ProtocolError,
    ServerEvent,
    Subscribe,
    decode_client_event,
    encode_event,
)
from .files import Files
from .jobs import Jobs
from .tasks import STREAMS

__all__ = ["Events"]

log = logging.getLogger(__name__)

_PIECE = 65_536


@dataclass
class _Subscription:
    attempt: int
    offsets: dict[str, int]
    version: int = -1


@dataclass
class _Subscriber:
    user: str
    jobs: dict[str, _Subscription] = field(default_factory=dict)
    dirty: dict[str, None] = field(default_factory=dict)
    wake: asyncio.Event = field(default_factory=asyncio.Event)

    def changed(self, job_id: str) -> None:
        if job_id in self.jobs:
            self.dirty[job_id] = None
            self.wake.set()


class Events:
    """The endpoint of the event stream."""

    def __init__(self, jobs: Jobs, files: Files) -> None:
        self._jobs = jobs
        self._files = files
        self.connections = 0

    async def serve(self, socket: WebSocket, user: str) -> None:
        """One client's connection, until it closes it."""
        await socket.accept()
        subscriber = _Subscriber(user)
        self._jobs.watchers.add(subscriber.changed)
        self.connections += 1
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(self._send_all, socket, subscriber, group.cancel_scope)
                await _receive_all(socket, subscriber)
                group.cancel_scope.cancel()
        finally:
            self.connections -= 1
            self._jobs.watchers.discard(subscriber.changed)

    async def _send_all(self, socket: WebSocket, subscriber: _Subscriber, scope: Any) -> None:
        try:
            while True:
                await subscriber.wake.wait()
                subscriber.wake.clear()
                while subscriber.dirty:
                    job_id = next(iter(subscriber.dirty))
                    del subscriber.dirty[job_id]
                    for event in self._news(subscriber, job_id):
                        await socket.send_text(encode_event(event))
        except (WebSocketDisconnect, RuntimeError):  # starlette: a send after the peer has gone
            scope.cancel()

    def _news(self, subscriber: _Subscriber, job_id: str) -> list[ServerEvent]:
        """The next piece of each stream, then the state; the job stays dirty when there is more."""
        subscription = subscriber.jobs.get(job_id)
        job = self._jobs.find(subscriber.user, job_id)
        if subscription is None:
            return []
        if job is None:
            del subscriber.jobs[job_id]
            return [JobUnknown(job_id)]
        if job.attempt != subscription.attempt:
            subscription.attempt, subscription.offsets = job.attempt, {}
        events: list[ServerEvent] = []
        more = False
        for stream in STREAMS:
            offset = subscription.offsets.get(stream, 0)
            data = self._read(subscriber.user, job_id, stream, offset)
            if data:
                events.append(JobOutput(job_id, job.attempt, stream, offset, data))
                subscription.offsets[stream] = offset + len(data)
                more = more or len(data) == _PIECE
        live = self._jobs.live(job_id)
        version = live.version if live else 1 << 60
        if more:
            subscriber.changed(job_id)
        elif version != subscription.version:
            subscription.version = version
            events.append(JobStateEvent(job))
            if job.state.is_final:
                del subscriber.jobs[job_id]
        return events

    def _read(self, user: str, job_id: str, stream: str, offset: int) -> bytes:
        live = self._jobs.live(job_id)
        if live is not None and not live.job.state.is_final:
            output = live.outputs.get(stream)
            return output.read(offset, _PIECE) if output else b""
        stored = self._files.open(user, f"/api/files/jobs/{job_id}/{stream}")
        if stored is None or offset >= stored.size:
            return b""
        if isinstance(stored.content, bytes):
            return stored.content[offset : offset + _PIECE]
        with stored.content.open("rb") as file:
            file.seek(offset)
            return file.read(_PIECE)


async def _receive_all(socket: WebSocket, subscriber: _Subscriber) -> None:
    while True:
        try:
            event = decode_client_event(await socket.receive_text())
        except (WebSocketDisconnect, KeyError):
            return
        except ProtocolError as error:
            log.warning("event stream: %s", error.message)
            continue
        if isinstance(event, Subscribe):
            subscriber.jobs[event.job_id] = _Subscription(event.attempt, dict(event.offsets))
            subscriber.changed(event.job_id)
        else:
            subscriber.jobs.pop(event.job_id, None)
