"""A TCP proxy that delays, and that breaks connections off when it is told to."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

__all__ = ["Proxy", "proxy"]

_PIECE = 65_536


class Proxy:
    """Between a client and a server.

    Attributes:
        port: where it listens.
        delay: seconds in each direction.
    """

    def __init__(self, host: str, port: int, delay: float) -> None:
        self.port, self.delay = 0, delay
        self._target = host, port
        self._writers: set[asyncio.StreamWriter] = set()

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        far_reader, far_writer = await asyncio.open_connection(*self._target)
        both = {writer, far_writer}
        self._writers |= both
        try:
            ways = [self._carry(reader, far_writer), self._carry(far_reader, writer)]
            tasks = [asyncio.create_task(way) for way in ways]
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        finally:
            self._writers -= both
            for end in both:
                end.close()

    async def _carry(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        """Pass on what comes, each piece after the delay, in order."""
        pieces: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        loop = asyncio.get_running_loop()

        async def deliver() -> None:
            while True:
                due, data = await pieces.get()
                await asyncio.sleep(max(due - loop.time(), 0))
                target.write(data)
                await target.drain()

        delivering = asyncio.create_task(deliver())
        try:
            while data := await source.read(_PIECE):
                pieces.put_nowait((loop.time() + self.delay, data))
        finally:
            delivering.cancel()
            with contextlib.suppress(asyncio.CancelledError, OSError):
                await delivering

    def reset(self) -> None:
        """Break off all connections: both ends see a reset, and what was under way is gone."""
        for writer in list(self._writers):
            end = writer.get_extra_info("socket")
            if end is not None:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()


@asynccontextmanager
async def proxy(host: str, port: int, delay: float = 0.0) -> AsyncIterator[Proxy]:
    """A proxy on loopback to that server."""
    made = Proxy(host, port, delay)
    server = await asyncio.start_server(made.converse, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    async with server:
        try:
            yield made
        finally:
            server.close()
            made.reset()
