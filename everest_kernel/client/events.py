"""The event stream of a server: one connection for all jobs that a client follows."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

import httpx
import websockets
from websockets.asyncio.client import ClientConnection, connect

from ..wire import (
    JobStateEvent,
    ProtocolError,
    ServerEvent,
    Subscribe,
    Unsubscribe,
    decode_server_event,
    encode_event,
)
from .server import Server

__all__ = ["EventStream", "Listener"]

log = logging.getLogger(__name__)

_OPEN_TIMEOUT = 10.0
_PAUSES = (0.05, 2.0)


class Listener(Protocol):
    """Follows one job."""

    def on_connected(self) -> None:
        """The stream is there."""

    def on_disconnected(self) -> None:
        """The stream is gone."""

    def on_event(self, event: ServerEvent) -> None:
        """News of the job."""


class EventStream:
    """Keeps the connection while anybody listens, and after that until it is closed.

    Args:
        server: asked again for its address before each attempt to connect.
        path: of the stream.
    """

    def __init__(self, server: Server, path: str) -> None:
        self._server = server
        self._path = path
        self._listeners: dict[str, list[Listener]] = {}
        self._connection: ClientConnection | None = None
        self._runner: asyncio.Task[None] | None = None
        self._wanted = asyncio.Event()

    @property
    def connected(self) -> bool:
        """Whether the connection stands."""
        return self._connection is not None

    def add(self, job_id: str, listener: Listener) -> Callable[[], None]:
        """Listen for a job's events; call what this gives to end it."""
        self._listeners.setdefault(job_id, []).append(listener)
        self._wanted.set()
        if self._runner is None:
            self._runner = asyncio.create_task(self._run())

        def remove() -> None:
            listeners = self._listeners[job_id]
            listeners.remove(listener)
            if not listeners:
                del self._listeners[job_id]
                self._send(Unsubscribe(job_id))

        return remove

    def subscribe(self, subscription: Subscribe) -> None:
        """Ask for a job's events from here on."""
        self._send(subscription)

    async def aclose(self) -> None:
        """Close the connection for good."""
        if self._runner is not None:
            self._runner.cancel()
            await asyncio.wait([self._runner])

    def _send(self, message: Subscribe | Unsubscribe) -> None:
        if self._connection is not None:
            # the frame is small and the transport buffers it: nothing to wait for
            self._outgoing.put_nowait(encode_event(message))

    async def _run(self) -> None:
        pause = _PAUSES[0]
        while True:
            try:
                async with self._connect() as connection:
                    pause = _PAUSES[0]
                    await self._serve(connection)
            except (OSError, TimeoutError, websockets.WebSocketException) as error:
                log.debug("event stream of %s: %r", self._server.url, error)
            if not self._listeners:
                self._wanted.clear()  # nobody follows: connect again when somebody does
                await self._wanted.wait()
            await asyncio.sleep(pause)
            pause = min(pause * 2, _PAUSES[1])

    def _connect(self) -> connect:
        address = self._server.url.replace("http", "ws", 1) + self._path
        return connect(
            address,
            # what the REST client trusts
            ssl=httpx.create_ssl_context() if address.startswith("wss:") else None,
            additional_headers={"Authorization": f"Bearer {self._server.token}"},
            open_timeout=_OPEN_TIMEOUT,
            compression=None,
            max_size=64 << 20,
            proxy=None,
        )

    async def _serve(self, connection: ClientConnection) -> None:
        self._outgoing: asyncio.Queue[str] = asyncio.Queue()
        self._connection = connection
        sender = asyncio.create_task(self._send_all(connection))
        try:
            self._tell_all(lambda listener: listener.on_connected())
            async for frame in connection:
                try:
                    self._dispatch(decode_server_event(frame))
                except ProtocolError as error:
                    log.warning("%s", error.message)
        finally:
            self._connection = None
            sender.cancel()
            await asyncio.wait([sender])
            self._tell_all(lambda listener: listener.on_disconnected())

    async def _send_all(self, connection: ClientConnection) -> None:
        try:
            while True:
                await connection.send(await self._outgoing.get())
        except websockets.ConnectionClosed:
            return  # the receiving side sees it too

    def _dispatch(self, event: ServerEvent) -> None:
        job_id = event.job.id if isinstance(event, JobStateEvent) else event.job_id
        for listener in list(self._listeners.get(job_id, [])):
            listener.on_event(event)

    def _tell_all(self, tell: Callable[[Listener], None]) -> None:
        for listeners in list(self._listeners.values()):
            for listener in list(listeners):
                tell(listener)
