"""What one notebook has open: the client's thread and one client for each server it has used."""

from __future__ import annotations

import asyncio
import atexit
from pathlib import Path
from typing import TYPE_CHECKING

from ..routes import load_configuration
from .servers import open_server

if TYPE_CHECKING:
    from ..client import ClientThread, EverestClient

__all__ = ["NotebookSession", "shared_session"]


class NotebookSession:
    """Opens clients when they are first needed, and closes them with the kernel."""

    def __init__(self) -> None:
        self._thread: ClientThread | None = None
        self._clients: dict[str, EverestClient] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._servers: dict[str, str] = {}

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
            ConfigurationError: the server is not configured.
        """
        async with self._locks.setdefault(server, asyncio.Lock()):
            if server not in self._clients:
                from ..client import EverestClient

                self._clients[server] = EverestClient(await open_server(server, load_configuration(Path.cwd())))
            return self._clients[server]

    def note_job(self, job_id: str, server: str) -> None:
        """Remember at which server a job is."""
        if job_id:
            self._servers[job_id] = server

    async def client_of_job(self, job_id: str) -> EverestClient:
        """The client for the server at which a job is; the default one for a job of another notebook."""
        return await self.client(self._servers.get(job_id) or load_configuration(Path.cwd()).default_server)

    async def use_token(self, server: str, token: str) -> None:
        """From now on use this token for a server; jobs that are being followed go on."""
        if server in self._clients:
            self._clients[server].server.token = token

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
