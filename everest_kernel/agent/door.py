"""The agent's door in passive mode: controllers dial in, give tasks, and fetch what these left.

A controller is known by `<clientId>:<clientToken>`. The id is free text of its choice; it sees its own tasks and
files only, and finds them again when it dials in anew with the same pair.
"""

from __future__ import annotations

import hashlib
import secrets
import socket
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace

import anyio
import uvicorn
from starlette.applications import Starlette
from starlette.requests import HTTPConnection, Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from ..sockets import DoorFrames
from ..wire import CLIENT_SCHEME, DIALECT_SUBPROTOCOL, PASSIVE_PATH, SUBPROTOCOL, ConfigurationError
from .peer import Peer, Workshop
from .settings import PassiveSettings
from .task import TaskRules

__all__ = ["Door"]

_FILES = "/agent/files"
_SHUTDOWN_SECONDS = 3


class Door:
    """Listens, with WebSocket and HTTP on the same port.

    Attributes:
        ready: set when it accepts connections.
        port: on which it then listens.
    """

    def __init__(self, settings: PassiveSettings, ping: tuple[float, float]) -> None:
        self._settings = settings
        self._ping = ping
        self._peers: dict[str, Peer] = {}
        self.ready = anyio.Event()
        self.port = 0

    @property
    def peers(self) -> list[Peer]:
        """All controllers that have been here."""
        return list(self._peers.values())

    async def serve(self, shop: Workshop, rules: TaskRules) -> None:
        """Serve until cancelled.

        Raises:
            ConfigurationError: the port is taken.
        """
        self._shop, self._rules = shop, rules
        listener = self._bind()
        self.port = listener.getsockname()[1]
        server = _Server(self._config(), self.ready)
        try:
            async with anyio.create_task_group() as group:
                # uvicorn closes its connections only when it ends by itself
                group.start_soon(_shielded, server, listener)
                try:
                    await anyio.sleep_forever()
                finally:
                    server.should_exit = True
        finally:
            listener.close()

    def _bind(self) -> socket.socket:
        try:
            return socket.create_server((self._settings.host, self._settings.port), backlog=128)
        except OSError as error:
            raise ConfigurationError(
                f"the agent cannot listen on {self._settings.host} port {self._settings.port}: "
                f"{error.strerror or error}",
                hint="Choose another port: --passive PORT, or protocol.passiveMode.agentPort.",
            ) from error

    def _config(self) -> uvicorn.Config:
        routes = [
            WebSocketRoute(PASSIVE_PATH, self._converse),
            Route(f"{_FILES}/{{task}}/{{path:path}}", self._file, methods=["GET", "HEAD"]),
        ]
        return uvicorn.Config(
            Starlette(routes=routes),
            loop="none",
            http="httptools",
            ws="websockets-sansio",
            ws_max_size=64 << 20,
            ws_ping_interval=self._ping[0],
            ws_ping_timeout=self._ping[1],
            ws_per_message_deflate=False,
            lifespan="off",
            access_log=False,
            log_level="warning",
            timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
        )

    # --- who asks

    def _owner(self, connection: HTTPConnection) -> str | None:
        """The pair of client id and token, when the token is good."""
        scheme, _, owner = connection.headers.get("authorization", "").partition(" ")
        owner = owner.strip()
        token = owner.rpartition(":")[2].encode()
        good = [secrets.compare_digest(token, known.encode()) for known in self._settings.tokens]
        return owner if scheme.lower() == CLIENT_SCHEME.lower() and ":" in owner and any(good) else None

    def _peer(self, owner: str) -> Peer:
        for other in [name for name, peer in self._peers.items() if peer.idle and name != owner]:
            del self._peers[other]  # controllers take a new id for each of their runs
        if owner not in self._peers:
            # in a folder's name, in the environment of tasks: it must not give the token away
            digest = hashlib.sha256(owner.encode()).hexdigest()[:12]
            rules = replace(self._rules, files=_FILES)
            self._peers[owner] = Peer(self._shop, rules, f"{digest}-", self._settings.keep)
        return self._peers[owner]

    # --- endpoints

    async def _converse(self, socket: WebSocket) -> None:
        owner = self._owner(socket)
        if owner is None:
            await socket.close(4401, "unknown client token")
            return
        offered = socket.scope.get("subprotocols") or []
        chosen = next((name for name in (DIALECT_SUBPROTOCOL, SUBPROTOCOL) if name in offered), None)
        await socket.accept(subprotocol=chosen or (offered[0] if offered else None))
        await self._peer(owner).serve(DoorFrames(socket), dialect=chosen == DIALECT_SUBPROTOCOL)

    async def _file(self, request: Request) -> Response:
        owner = self._owner(request)
        if owner is None:
            return PlainTextResponse("no valid client token", 401)
        peer = self._peers.get(owner)
        task = peer.tasks.get(request.path_params["task"]) if peer else None
        # only what was reported with STAGED_OUT has an address: no path from the wire reaches the disk
        path = task.served.get(request.path_params["path"]) if task else None
        if path is None:
            return PlainTextResponse("there is no such file", 404)
        headers = {"X-Content-Type-Options": "nosniff"}
        return FileResponse(path, media_type="application/octet-stream", headers=headers)


class _Server(uvicorn.Server):
    """uvicorn's server, which says when it accepts connections and leaves signals to the program."""

    def __init__(self, config: uvicorn.Config, ready: anyio.Event) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready.set()

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


async def _shielded(server: uvicorn.Server, listener: socket.socket) -> None:
    with anyio.CancelScope(shield=True):
        await server.serve(sockets=[listener])
