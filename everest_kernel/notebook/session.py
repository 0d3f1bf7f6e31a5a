"""What one notebook has open: the client's thread and one client for each server it has used."""

from __future__ import annotations

import asyncio
import atexit
import os
from pathlib import Path
from typing import TYPE_CHECKING

from ..routes import EMBEDDED, load_configuration
from ..wire import AuthenticationError, ConfigurationError

if TYPE_CHECKING:
    from ..client import ClientThread, EverestClient, Server

__all__ = ["NotebookSession", "shared_session"]


class NotebookSession:
    """Opens clients when they are first needed, and closes them with the kernel."""

    def __init__(self) -> None:
        self._thread: ClientThread | None = None
        self._clients: dict[str, EverestClient] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    @property
    def thread(self) -> ClientThread:
        """The background thread; started at its first use."""
        if self._thread is None:
            from ..client import ClientThread

            self._thread = ClientThread()
        return self._thread

    async def client(self, server: str) -> EverestClient:
        """The client for a configured server. To be called on the client's thread.

        Raises:
            HubStartError: the embedded hub does not come up.
            AuthenticationError: no token for this server.
        """
        async with self._locks.setdefault(server, asyncio.Lock()):
            if server not in self._clients:
                from ..client import EverestClient

                self._clients[server] = EverestClient(await self._server(server))
            return self._clients[server]

    async def _server(self, name: str) -> Server:
        from ..client import Server, embedded_server

        if name == EMBEDDED:
            return await embedded_server()
        settings = load_configuration(Path.cwd()).servers.get(name)
        if settings is None:
            raise ConfigurationError(f"the server {name!r} is not configured")
        variable = f"EVEREST_TOKEN_{name.upper().replace('-', '_')}"
        token = os.environ.get(variable)
        if not token:
            raise AuthenticationError(
                f"there is no token for the server {name!r} ({settings.url})",
                hint=f"Put one into the environment variable {variable} before the kernel starts.",
            )
        return Server(settings.url, token)

    def close(self) -> None:
        """Close every client and end the thread."""
        if self._thread is None:
            return
        clients, self._clients = list(self._clients.values()), {}

        async def close_all() -> None:
            for client in clients:
                await client.aclose()

        self._thread.run(close_all())
        self._thread.stop()
        self._thread = None


_shared: NotebookSession | None = None


def shared_session() -> NotebookSession:
    """The session of this process: magics and `everest_kernel.remote` use the same connections."""
    global _shared
    if _shared is None:
        _shared = NotebookSession()
        atexit.register(_shared.close)
    return _shared
