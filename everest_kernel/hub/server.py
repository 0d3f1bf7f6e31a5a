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

__all__ = ["HubServer", "bind"]

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


class HubServer:
    """One run of the server; see `Hub.serve`."""

    def __init__(self, hub: Hub, on_ready: Callable[[str], Awaitable[None]]) -> None:
        self._hub = hub
        self._on_ready = on_ready
        self._server: _Server | None = None

    def stop(self) -> None:
        """End it gracefully."""
        if self._server is not None:
            self._server.should_exit = True

    async def run(self) -> None:
        """Serve until stopped, idle, or told by a signal.

        Raises:
            ConfigurationError: the address cannot be used.
        """
        settings = self._hub.settings
        listener = bind(settings.host, settings.port)
        host, port = listener.getsockname()[:2]
        self._hub.url = f"http://{host}:{port}"
        self._server = _Server(_config(self._hub), lambda: self._on_ready(self._hub.url))
        try:
            async with anyio.create_task_group() as group:
                if settings.idle_timeout is not None:
                    group.start_soon(self._stop_when_idle, settings.idle_timeout)
                group.start_soon(self._hub.dial_agents)
                await self._server.serve(sockets=[listener])
                group.cancel_scope.cancel()
        finally:
            listener.close()

    async def _stop_when_idle(self, timeout: float) -> None:
        while True:
            remaining = self._hub.last_use + timeout - time.monotonic()
            if remaining > 0:
                await anyio.sleep(remaining)  # the moment at which it could be idle at the earliest
            elif self._hub.busy:
                await anyio.sleep(timeout)
            else:
                self.stop()
                return


def _config(hub: Hub) -> uvicorn.Config:
    return uvicorn.Config(
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


class _Server(uvicorn.Server):
    """uvicorn's server, which says when it accepts connections."""

    def __init__(self, config: uvicorn.Config, when_started: Callable[[], Awaitable[None]]) -> None:
        super().__init__(config)
        self._when_started = when_started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            await self._when_started()
