"""An ASGI application on loopback, with or without TLS, served by a thread of the test."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

__all__ = ["Address", "serving"]


class Address(str):
    """The server's base URL; `drain` closes the connections that clients keep open between requests."""

    server: uvicorn.Server
    loop: asyncio.AbstractEventLoop

    def drain(self) -> None:
        """Close every connection and wait until they are."""

        async def close() -> None:
            connections = list(self.server.server_state.connections)
            for connection in connections:
                connection.shutdown()
            while self.server.server_state.connections:  # noqa: ASYNC110 - uvicorn has no event for it
                await asyncio.sleep(0)  # their transports close in the loop's next rounds
            await asyncio.sleep(0)

        asyncio.run_coroutine_threadsafe(close(), self.loop).result(10)


@contextmanager
def serving(app: Any, *, tls: Callable[[ssl.SSLContext], None] | None = None) -> Iterator[Address]:
    """Its address. `tls` puts a certificate into the server's context."""
    listener = socket.create_server(("127.0.0.1", 0))
    address = Address(f"{'http' if tls is None else 'https'}://127.0.0.1:{listener.getsockname()[1]}")
    config = uvicorn.Config(app, log_level="critical", lifespan="off", timeout_graceful_shutdown=2)
    if tls is not None:
        config.load()
        config.ssl = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls(config.ssl)
    address.server = uvicorn.Server(config)
    ready = threading.Event()
    startup = address.server.startup

    async def announce(sockets: list[socket.socket] | None = None) -> None:
        await startup(sockets)
        address.loop = asyncio.get_running_loop()
        ready.set()

    address.server.startup = announce  # type: ignore[method-assign]
    thread = threading.Thread(target=address.server.run, args=([listener],))
    thread.start()
    try:
        assert ready.wait(10)
        yield address
    finally:
        address.server.should_exit = True
        thread.join(10)
        listener.close()
