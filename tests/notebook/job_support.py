"""Servers in memory that know some jobs, and a session that is connected to them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import httpx
import msgspec

from everest_kernel.client import EverestClient, Server
from everest_kernel.notebook.session import NotebookSession
from everest_kernel.wire import Job, JobState, TransportError

__all__ = ["Everest", "connected", "write_servers"]


@dataclass
class Everest:
    """A server with jobs.

    `down` makes it unreachable, `deaf` to cancels; without `pages`, it always lists all. `requests` are those it got.
    """

    jobs: dict[str, Job] = field(default_factory=dict)
    down: bool = False
    deaf: bool = False
    pages: bool = True
    requests: list[str] = field(default_factory=list)

    def add(self, job_id: str, state: JobState, **fields: Any) -> None:
        self.jobs[job_id] = Job(job_id, state, **fields)

    def answer(self, request: httpx.Request) -> httpx.Response:
        if self.down:
            raise httpx.ConnectError("refused")
        self.requests.append(f"{request.method} {request.url.path}")
        parts = request.url.path.strip("/").split("/")
        if parts == ["api", "jobs"]:
            size, number = (int(request.url.params[name]) for name in ("pagesize", "pagenum"))
            begin, end = ((number - 1) * size, number * size) if self.pages else (0, None)
            return httpx.Response(200, content=msgspec.json.encode([*self.jobs.values()][begin:end]))
        if parts[:2] != ["api", "jobs"] or parts[2] not in self.jobs:
            return httpx.Response(404, json={"error": "not found"})
        if parts[3:] == ["cancel"]:
            if not self.deaf:
                self.jobs[parts[2]] = msgspec.structs.replace(self.jobs[parts[2]], state=JobState.CANCELLED)
            return httpx.Response(200, json={})
        if parts[3:]:
            return httpx.Response(404)
        return httpx.Response(200, content=msgspec.json.encode(self.jobs[parts[2]]))


@dataclass
class _Session:
    clients: dict[str, EverestClient]
    sweeps: dict[str, Any] = field(default_factory=dict)

    async def client(self, server: str) -> EverestClient:
        if server not in self.clients:
            raise TransportError(f"nothing is known of {server}")
        return self.clients[server]


@asynccontextmanager
async def connected(**servers: Everest) -> AsyncIterator[NotebookSession]:
    """A session with clients of these servers."""

    def client(name: str, answer: Callable[[httpx.Request], httpx.Response]) -> EverestClient:
        return EverestClient(Server(f"http://{name}", "secret-token"), transport=httpx.MockTransport(answer))

    clients = {name: client(name, server.answer) for name, server in servers.items()}
    try:
        yield cast(NotebookSession, _Session(clients))
    finally:
        for open_client in clients.values():
            await open_client.aclose()


def write_servers(folder: Path, *names: str) -> None:
    """A configuration with these servers, the first of them the default one."""
    tables = "".join(f'[servers.{name}]\nurl = "http://{name}"\n' for name in names)
    (folder / "everest.toml").write_text(f'default_server = "{names[0]}"\n{tables}')
