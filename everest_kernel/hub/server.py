"""Serves a hub with uvicorn on a socket of its own."""

from __future__ import annotations

import asyncio
import signal
import socket
import ssl
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import FrameType
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
        hub, settings = self._hub, self._hub.settings
        context = None if settings.tls is None else _tls_context(*settings.tls)
        listeners = [bind(settings.host, settings.port)]
        try:
            hub.url = hub.public_url = _address(listeners[0], "http" if context is None else "https")
            if context is not None:
                listeners.insert(0, bind("127.0.0.1", 0))
                hub.url = _address(listeners[0], "http")
            tls = None if context is None else (listeners[1], context)
            self._server = _Server(_config(hub), lambda: self._on_ready(hub.url), tls)
            async with anyio.create_task_group() as group:
                if settings.idle_timeout is not None:
                    group.start_soon(self._stop_when_idle, settings.idle_timeout)
                group.start_soon(self._hub.dial_agents)
                await self._server.serve(sockets=listeners[:1])
                group.cancel_scope.cancel()
        finally:
            for listener in listeners:
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
        ws_ping_interval=hub.settings.ping[0],
        ws_ping_timeout=hub.settings.ping[1],
        ws_per_message_deflate=False,  # loopback has bandwidth; compressing would cost latency
        lifespan="off",
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
        timeout_keep_alive=300,  # a notebook is idle between cells; a new connection would cost it a round trip
    )


def _address(listener: socket.socket, scheme: str) -> str:
    host, port = listener.getsockname()[:2]
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def _tls_context(certificate: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise ConfigurationError(
            f"{certificate} and {key} cannot be used for TLS: {error}",
            hint="They are PEM files: the certificate with its chain, and its key without a password.",
        ) from error
    return context


def _no_password() -> str:
    raise ValueError("the key is encrypted")


class _Server(uvicorn.Server):
    """uvicorn's server, which says when it accepts connections, and can speak TLS on a second socket."""

    def __init__(
        self,
        config: uvicorn.Config,
        when_started: Callable[[], Awaitable[None]],
        tls: tuple[socket.socket, ssl.SSLContext] | None,
    ) -> None:
        super().__init__(config)
        self._when_started = when_started
        self._tls = tls

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End well at the first signal, at once at a second Ctrl-C.

        uvicorn's own would raise the signal again when the server has ended: after all is closed, an error.
        """
        if self.should_exit and sig == signal.SIGINT:
            self.force_exit = True
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self._tls is not None:
            listener, context = self._tls
            loop = asyncio.get_running_loop()
            self.servers.append(await loop.create_server(self._protocol, sock=listener, ssl=context, backlog=512))
        if self.started:
            await self._when_started()

    def _protocol(self) -> asyncio.Protocol:
        return self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
