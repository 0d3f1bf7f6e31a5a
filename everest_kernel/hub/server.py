"""Serves a hub with uvicorn on a socket of its own."""

from __future__ import annotations

import socket
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import anyio
import uvicorn

from ..wire import ConfigurationError

if TYPE_CHECKING:
    from .hub import Hub

__all__ = ["bind", "serve"]

_SHUTDOWN_SECONDS = 3


def bind(host: str, port: int) -> socket.socket:
    """A listening socket.

    Raises:
        ConfigurationError: the port is taken, or the address is not one of this machine.
    """
    try:
        return socket.create_server((host, port), backlog=512)
    except OSError as error:
        raise ConfigurationError(
            f"cannot listen on {host} port {port}: {error.strerror or error}",
            hint="Choose another port with --port, or leave it out to get a free one.",
        ) from error


async def serve(hub: Hub, on_ready: Callable[[str], Awaitable[None]]) -> None:
    """See `Hub.serve`."""
    listener = bind(hub.settings.host, hub.settings.port)
    host, port = listener.getsockname()[:2]
    hub.url = f"http://{host}:{port}"
    config = uvicorn.Config(
        hub.asgi,
        loop="none",
        http="httptools",
        ws="websockets-sansio",
        ws_max_size=64 << 20,
        ws_per_message_deflate=False,  # loopback has bandwidth; compressing would cost latency
        lifespan="off",
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
        timeout_keep_alive=300,  # a notebook is idle between cells; a new connection would cost it a round trip
    )
    server = _Server(config)
    async with anyio.create_task_group() as group:
        if hub.settings.idle_timeout is not None:
            group.start_soon(_stop_when_idle, hub, server, hub.settings.idle_timeout)
        server.when_started = lambda: on_ready(hub.url)
        try:
            await server.serve(sockets=[listener])
        finally:
            listener.close()
        group.cancel_scope.cancel()


class _Server(uvicorn.Server):
    """uvicorn's server, which says when it accepts connections."""

    when_started: Callable[[], Awaitable[None]]

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            await self.when_started()


async def _stop_when_idle(hub: Hub, server: uvicorn.Server, timeout: float) -> None:
    while True:
        remaining = hub.last_use + timeout - time.monotonic()
        if remaining > 0:
            await anyio.sleep(remaining)  # the moment at which it could be idle at the earliest
        elif hub.busy:
            await anyio.sleep(timeout)
        else:
            server.should_exit = True
            return
