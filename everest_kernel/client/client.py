"""A user of Everest: log in, publish, upload, submit, follow, cancel, fetch, delete."""

from __future__ import annotations

import asyncio
import hashlib
import os
import tempfile
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import httpx
import msgspec

from ..wire import (
    EXTENSIONS_PATH,
    MALFORMED,
    Application,
    Extensions,
    Job,
    JobRequest,
    ProtocolError,
    RefusedError,
    TransportError,
)
from .events import EventStream
from .follower import Follower, Sink
from .server import Server
from .transport import Transport

__all__ = ["EverestClient"]

_T = TypeVar("_T")
_TIMEOUT = httpx.Timeout(connect=10, read=60, write=60, pool=30)
_CHECK_AFTER = 60.0
_BLOCK = 1 << 20


class EverestClient:
    """One user at one server. Belongs to the event loop on which it is first used.

    Args:
        server: address and token.
        transport: stands in for the network; then there is no event stream.
        timeout: limits by phase.
    """

    def __init__(
        self,
        server: Server,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        timeout: httpx.Timeout = _TIMEOUT,
    ) -> None:
        self.server = server
        self._transport = Transport(server, transport, timeout)
        self._in_memory = transport is not None
        self._extensions: Extensions | None = None
        self._events: EventStream | None = None
        self._uploads: dict[tuple[str, str], tuple[str, float]] = {}
        self._applications: dict[str, str] = {}

    async def __aenter__(self) -> EverestClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close all connections. Jobs go on."""
        if self._events is not None:
            await self._events.aclose()
        await self._transport.aclose()

    # --- log-in

    async def login(
        self, username: str, password: str, *, label: str = "everest-kernel", lifetime: int = 604800
    ) -> str:
        """Obtain a token and use it from now on; `lifetime` in seconds.

        Raises:
            AuthenticationError: wrong user name or password.
        """
        body = {"username": username, "password": password, "label": label, "lifetime": lifetime}
        answer = await self._transport.request("POST", "/api/auth/access_token", json=body)
        token = _read(answer, dict[str, Any]).get("access_token")
        if not isinstance(token, str):
            raise ProtocolError(f"{self.server.url} answered the log-in without a token")
        self.server.token = token
        return token

    async def logout(self) -> None:
        """Make the token worthless."""
        await self._transport.request("DELETE", "/api/auth/access_token")
        self.server.token = ""

    async def extensions(self) -> Extensions:
        """What this server can do beyond Everest; nothing, for a real one."""
        if self._extensions is None:
            try:
                answer = await self._transport.request("GET", EXTENSIONS_PATH)
            except RefusedError as error:
                if error.status not in (404, 405):
                    raise
                self._extensions = Extensions()
            else:
                self._extensions = _read(answer, Extensions)
        return self._extensions

    # --- applications and files

    async def ensure_application(self, application: Application) -> str:
        """The id of an application with this alias, published now when the user has none.

        The alias must depend on the content; then whoever published it published the same.
        """
        known = self._applications.get(application.alias)
        if known is not None:
            return known
        for present in await self.applications():
            if present.alias == application.alias:
                return self._applications.setdefault(application.alias, present.id)
        try:
            answer = await self._transport.request("POST", "/api/apps", json=application)
        except RefusedError as error:
            if error.status != 409:  # another kernel was faster
                raise
            for present in await self.applications():
                if present.alias == application.alias:
                    return self._applications.setdefault(application.alias, present.id)
            raise
        app_id = _read(answer, Application).id
        return self._applications.setdefault(application.alias, app_id)

    async def applications(self) -> list[Application]:
        """All applications that the user can run."""
        return _read(await self._transport.request("GET", "/api/apps"), list[Application])

    async def upload(self, content: bytes | Path, name: str) -> str:
        """Upload a file; its URI. Content that was uploaded under this name already is not sent again."""
        digest = await asyncio.to_thread(_digest, content)
        known = self._uploads.get((digest, name))
        now = asyncio.get_running_loop().time()
        if known is not None and (now - known[1] < _CHECK_AFTER or await self._exists(known[0])):
            return known[0]
        body: bytes | AsyncIterator[bytes] = content if isinstance(content, bytes) else _blocks(content)
        answer = await self._transport.request(
            "POST",
            "/api/files/temp",
            content=body,
            params={"filename": name},
            headers={"Content-Type": "application/octet-stream"},
        )
        uri = _read(answer, dict[str, Any])["uri"]
        self._uploads[digest, name] = (uri, now)
        return str(uri)

    async def _exists(self, uri: str) -> bool:
        try:
            await self._transport.request("HEAD", uri)
        except RefusedError as error:
            if error.status != 404:
                raise
            return False
        return True

    async def download(self, uri: str) -> bytes:
        """The content of a file."""
        return (await self._transport.request("GET", uri)).content

    async def download_to(self, uri: str, target: Path) -> None:
        """Write a file's content to `target`, whole or not at all."""
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:40]}.")
        try:
            with os.fdopen(handle, "wb") as stream:
                async with self._transport.stream(uri) as blocks:
                    async for block in blocks:
                        stream.write(block)
            os.replace(name, target)
        except BaseException:
            os.unlink(name)
            raise

    # --- jobs

    async def submit(self, app_id: str, request: JobRequest) -> Job:
        """Submit a job; the server has it on disk when this returns.

        Repeated after a broken connection only where the server recognises repetitions.

        Raises:
            TransportError: the connection broke; on a server without that extension the job may exist.
        """
        repeatable = (await self.extensions()).idempotency_key
        headers = {"Idempotency-Key": uuid.uuid4().hex} if repeatable else {}
        try:
            answer = await self._transport.request(
                "POST", f"/api/apps/{app_id}", json=request, headers=headers, repeatable=repeatable
            )
        except TransportError as error:
            if not repeatable:
                error.hint = "The job may have been submitted: look for it before you submit it again."
            raise
        return _read(answer, Job)

    async def follow(self, job_id: str, sink: Sink, *, job: Job | None = None) -> Job:
        """Tell `sink` everything about a job until it is over; the job at its end."""
        events = await self._event_stream()
        return await Follower(self, job or await self.job(job_id), sink, events).run()

    async def job(self, job_id: str) -> Job:
        """A job as it is now."""
        return _read(await self._transport.request("GET", f"/api/jobs/{job_id}"), Job)

    async def jobs(self, **filters: str) -> list[Job]:
        """The user's jobs; `name` and `state` filter them."""
        return _read(await self._transport.request("GET", "/api/jobs", params=filters), list[Job])

    async def log(self, job_id: str) -> str:
        """The server's log of a job."""
        return (await self._transport.request("GET", f"/api/jobs/{job_id}/log")).text

    async def cancel(self, job_id: str) -> None:
        """Ask for a job to be cancelled; it is when its state says so."""
        await self._transport.request("POST", f"/api/jobs/{job_id}/cancel", repeatable=True)

    async def delete(self, job_id: str) -> None:
        """Delete a job with its files."""
        await self._transport.request("DELETE", f"/api/jobs/{job_id}")

    async def resources(self) -> list[dict[str, Any]]:
        """The resources that the user can name."""
        return _read(await self._transport.request("GET", "/api/resources"), list[dict[str, Any]])

    async def _event_stream(self) -> EventStream | None:
        path = (await self.extensions()).events
        if self._events is None and path and not self._in_memory:
            self._events = EventStream(self.server, path)
        return self._events


def _read(response: httpx.Response, kind: type[_T]) -> _T:
    try:
        return msgspec.json.decode(response.content, type=kind)
    except MALFORMED as error:
        raise ProtocolError(f"{response.request.url} answered something unexpected: {error}") from error


def _digest(content: bytes | Path) -> str:
    if isinstance(content, bytes):
        return hashlib.sha256(content).hexdigest()
    digest = hashlib.sha256()
    with content.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


async def _blocks(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as stream:
        while block := await asyncio.to_thread(stream.read, _BLOCK):
            yield block
