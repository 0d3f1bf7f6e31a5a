"""WebSocket connections as `wire.Frames`: those that are dialled, and those that come in at a door.

Hub and agent each do both; they share these thin adapters and nothing else that does I/O.
"""

from __future__ import annotations

import websockets
from starlette.websockets import WebSocket, WebSocketDisconnect
from websockets.asyncio.client import ClientConnection

from .wire import FramesClosed

__all__ = ["DialledFrames", "DoorFrames"]


class DialledFrames:
    """A connection that this side made."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def send(self, text: str) -> None:
        """See `wire.Frames`."""
        try:
            await self._connection.send(text)
        except websockets.ConnectionClosed as error:
            raise FramesClosed(str(error)) from error

    async def receive(self) -> str:
        """See `wire.Frames`."""
        try:
            return await self._connection.recv(decode=True)
        except (websockets.ConnectionClosed, UnicodeDecodeError) as error:
            raise FramesClosed(str(error)) from error


class DoorFrames:
    """A connection that the other side made."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket

    async def send(self, text: str) -> None:
        """See `wire.Frames`."""
        try:
            await self._socket.send_text(text)
        except (WebSocketDisconnect, RuntimeError) as error:  # starlette: a send after the peer has gone
            raise FramesClosed(str(error)) from error

    async def receive(self) -> str:
        """See `wire.Frames`."""
        try:
            return await self._socket.receive_text()
        except (WebSocketDisconnect, KeyError, RuntimeError) as error:  # KeyError: a binary frame
            raise FramesClosed(str(error)) from error
