"""What one notebook has open: the client's thread and one client for each server it has used."""

from __future__ import annotations

import asyncio
import atexit
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from ..routes import load_configuration
from .memory import Memory
from .servers import open_server

if TYPE_CHECKING:
    from ..client import ClientThread, EverestClient
    from .sweep_job import SweepJob

__all__ = ["NotebookSession", "shared_session"]


class NotebookSession:
    """Opens clients when they are first needed, and closes them with the kernel.

    Attributes:
        memory: what jobs leave on this machine.
        closing: whether the kernel ends: jobs go on then, whoever followed them.
        sweeps: by id, those that run in the background or have run there.
    """

    def __init__(self, memory: Memory | None = None) -> None:
        self.memory = memory or Memory()
        self.closing = False
        self.sweeps: dict[str, SweepJob] = {}
        self._thread: ClientThread | None = None
        self._starting = threading.Lock()
        self._clients: dict[str, EverestClient] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._servers: dict[str, str] = {}

    @property
    def thread(self) -> ClientThread:
        """The background thread; started at its first use, by whichever thread."""
        with self._starting:
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

    async def server_of_job(self, job_id: str) -> str:
        """The server at which a job is, by its name; the default one for a job that this machine does not know."""
        if job_id in self._servers:
            return self._servers[job_id]
        record = await self.memory.find(job_id)
        return record.server if record else load_configuration(Path.cwd()).default_server

    async def client_of_job(self, job_id: str) -> EverestClient:
        """The client for the server at which a job is."""
        return await self.client(await self.server_of_job(job_id))

    def use_client(self, server: str, client: EverestClient) -> None:
        """Use this client for a server; whoever made it closes it."""
        self._clients[server] = client

    async def use_token(self, server: str, token: str) -> None:
        """From now on use this token for a server; jobs that are being followed go on."""
        if server in self._clients:
            self._clients[server].server.token = token

    def close(self) -> None:
        """Close every client and end the thread."""
        self.closing = True
        with self._starting:
            thread, self._thread = self._thread, None
        if thread is not None:
            clients, self._clients = list(self._clients.values()), {}

            async def close_all() -> None:
                for client in clients:
                    await client.aclose()

            thread.run(close_all())
            thread.stop()
        self.memory.close()


_shared: NotebookSession | None = None


def shared_session() -> NotebookSession:
    """The session of this process: magics and `everest_kernel.remote` use the same connections."""
    global _shared
    if _shared is None or _shared.closing:
        _shared = NotebookSession()
        atexit.register(_shared.close)
    return _shared
