"""A user of Everest: log in, publish, upload, submit, follow, cancel, fetch, delete."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import IO
from urllib.parse import quote

import httpx

from ..wire import (
    EXTENSIONS_PATH,
    Application,
    ConfigurationError,
    Extensions,
    Job,
    JobRequest,
    RefusedError,
)
from .answers import (
    Resource,
    TokenInfo,
    read_application,
    read_applications,
    read_as,
    read_job,
    read_jobs,
    read_resources,
)
from .authentication import DEFAULT_LABEL, DEFAULT_LIFETIME, log_in, log_out, token_info
from .events import EventStream
from .follower import Follower, Sink
from .outputs import output_blocks, whole_file
from .publication import Published, check_fit, ensure, publish
from .resources import resource_ids
from .server import Server
from .submission import submit
from .transport import Transport
from .uploads import Uploads

__all__ = ["EverestClient"]

_TIMEOUT = httpx.Timeout(connect=10, read=60, write=60, pool=30)
_LOG_BYTES = 4 << 20
_UNKNOWN_PATH = frozenset({400, 403, 404, 405, 501})
"""How servers answer a path that they do not know."""


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
        self._asking, self._publishing = asyncio.Lock(), asyncio.Lock()
        self._events: EventStream | None = None
        self._uploads = Uploads(self._transport)
        self._applications: dict[str, str] = {}
        self._checked: set[tuple[str, str]] = set()

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
        self, username: str, password: str, *, label: str = DEFAULT_LABEL, lifetime: int = DEFAULT_LIFETIME
    ) -> str:
        """Obtain a token and use it from now on; `lifetime` in seconds.

        Raises:
            AuthenticationError: wrong user name or password.
            ProtocolError: this is not an Everest server.
        """
        return await log_in(self._transport, self.server, username, password, label, lifetime)

    async def logout(self) -> None:
        """Make the token worthless."""
        await log_out(self._transport, self.server)

    async def token_info(self) -> TokenInfo:
        """Whose token this is and until when it is good, as far as the server says.

        Raises:
            AuthenticationError: the token is not accepted.
        """
        return await token_info(self._transport)

    async def probe(self, path: str) -> httpx.Response:
        """What the server answers to a GET without the token, whatever the status.

        Raises:
            EverestError: nothing.
        """
        return await self._transport.probe(path)

    async def extensions(self) -> Extensions:
        """What this server can do beyond Everest; nothing, for a real one."""
        async with self._asking:  # of many jobs that start at once, one asks
            if self._extensions is None:
                try:
                    answer = await self._transport.request("GET", EXTENSIONS_PATH)
                except RefusedError as error:
                    if error.status not in _UNKNOWN_PATH:
                        raise
                    self._extensions = Extensions()
                else:
                    self._extensions = read_as(answer, Extensions)
            return self._extensions

    # --- applications and files

    async def ensure_application(self, application: Application) -> str:
        """The id of an application with this alias, published now when the user has none.

        The alias must depend on the content; then whoever published it published the same.
        """
        async with self._publishing:  # a server may take the same application twice
            return await ensure(self._transport, application, self._applications)

    async def publish(self, application: Application) -> Published:
        """Create or update the user's application of this alias; nothing is sent when it is as it should be.

        Raises:
            RefusedError: the server does not let the user publish.
        """
        return await publish(self._transport, application, await self.token_info())

    async def check_application(self, address: str, wanted: Application) -> str:
        """Check that a published application takes what `wanted` takes; its address. Asked once for each.

        Raises:
            ConfigurationError: there is none, or its inputs or outputs differ.
        """
        if (address, wanted.alias) not in self._checked:
            check_fit(f"{address} at {self.server.url}", wanted, await self.application(address))
            self._checked.add((address, wanted.alias))
        return address

    async def application(self, address: str) -> Application:
        """An application by `user/alias` or id.

        Raises:
            ConfigurationError: there is none.
        """
        try:
            return read_application(await self._transport.request("GET", f"/api/apps/{address}"))
        except RefusedError as error:
            if error.status != 404:
                raise
            raise ConfigurationError(
                f"{self.server.url} has no application {address}, or you may not run it",
                hint="`%everest publish ROUTE` publishes what a route needs.",
            ) from error

    async def applications(self) -> list[Application]:
        """All applications that the user can run."""
        return read_applications(await self._transport.request("GET", "/api/apps"))

    async def upload(self, content: bytes | Path, name: str) -> str:
        """Upload a file; its URI. Content that was uploaded under this name already is not sent again."""
        return await self._uploads.upload(content, name, raw=bool((await self.extensions()).server))

    async def download(self, uri: str) -> bytes:
        """The content of a file."""
        return (await self._transport.request("GET", uri)).content

    def stream(self, uri: str) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """The content of a file in pieces."""
        return self._transport.stream(uri)

    async def download_into(self, uri: str, target: IO[bytes]) -> None:
        """Write a file's content into an open file."""
        async with self._transport.stream(uri) as blocks:
            async for block in blocks:
                target.write(block)

    async def download_to(self, uri: str, target: Path) -> None:
        """Write a file's content to `target`, whole or not at all."""
        with whole_file(target) as stream:
            await self.download_into(uri, stream)

    @asynccontextmanager
    async def output(
        self, job_id: str, stream: str, *, job: Job | None = None
    ) -> AsyncIterator[AsyncIterator[bytes] | None]:
        """What a job has written on `stdout` or `stderr` until now, in pieces, whether it runs or has ended.

        None when the server has nothing of it: nothing was written yet, or it is a real Everest, which gives it at
        the job's end only, and only of applications that declare it as an output.

        Args:
            job_id: the job.
            stream: `stdout` or `stderr`.
            job: the job as it is known already.

        Raises:
            EverestError: there is no such job, or the output cannot be fetched.
        """
        async with output_blocks(self._transport, job or await self.job(job_id), stream) as blocks:
            yield blocks

    # --- jobs

    async def submit(self, app_id: str, request: JobRequest, *, key: str | None = None) -> Job:
        """Submit a job; the server has it on disk when this returns.

        Repeated after a broken connection only where the server recognises repetitions. When this is cancelled while
        the answer is on its way, the job is cancelled too: nobody else would know of it.

        Args:
            app_id: id or address of the application.
            request: what to run.
            key: a server that recognises repetitions gives the same job for the same key, also in another process
                and later; by default each call has a key of its own.

        Raises:
            TransportError: the connection broke; on a server without that extension the job may exist.
        """
        repeatable = (await self.extensions()).idempotency_key
        return await submit(self._transport, app_id, request, key=key, repeatable=repeatable, cancel=self.cancel)

    async def follow(
        self,
        job_id: str,
        sink: Sink,
        *,
        job: Job | None = None,
        output: bool = True,
        queue_limit: float | None = None,
    ) -> Job:
        """Tell `sink` everything about a job until it is over; the job at its end.

        Args:
            job_id: the job.
            sink: is told.
            job: the job as it is known already.
            output: without it, what the job writes and its log are neither told nor fetched.
            queue_limit: seconds from now on that the job may wait for a resource; then it is cancelled.

        Raises:
            QueueLimitError: it was cancelled so; a job that starts in time, or ends by itself, is not.
            EverestError: following cannot go on.
        """
        job, events = job or await self.job(job_id), await self._event_stream()
        return await Follower(self, job, sink, events, output=output, queue_limit=queue_limit).run()

    async def job(self, job_id: str) -> Job:
        """A job as it is now."""
        return read_job(await self._transport.request("GET", _job_path(job_id)))

    async def jobs(self, *, page: int | None = None, page_size: int = 100, **filters: str) -> list[Job]:
        """The user's jobs; `name` and `state` filter them.

        Args:
            page: from 1, of so many jobs as `page_size` says; None for all. A server without paging gives all.
            page_size: see `page`.
            filters: what the server is to look at.
        """
        paging = {} if page is None else {"pagenum": str(page), "pagesize": str(page_size)}
        return read_jobs(await self._transport.request("GET", "/api/jobs", params={**filters, **paging}))

    async def log(self, job_id: str, *, most: int = _LOG_BYTES) -> str:
        """The server's log of a job, or its first `most` bytes."""
        content = bytearray()
        async with self._transport.stream(f"{_job_path(job_id)}/log") as blocks:
            async for block in blocks:
                content += block
                if len(content) >= most:
                    break
        return content[:most].decode("utf-8", "replace")

    async def cancel(self, job_id: str) -> None:
        """Ask for a job to be cancelled; it is when its state says so."""
        await self._transport.request("POST", f"{_job_path(job_id)}/cancel", repeatable=True)

    async def delete(self, job_id: str) -> None:
        """Delete a job with its files."""
        await self._transport.request("DELETE", _job_path(job_id))

    async def resources(self) -> list[Resource] | None:
        """The resources that the user can name, or None: a real Everest is not known to list them."""
        try:
            return read_resources(await self._transport.request("GET", "/api/resources"))
        except RefusedError as error:
            if error.status not in _UNKNOWN_PATH:
                raise
            return None

    async def resource_ids(self, wanted: Sequence[str]) -> tuple[str, ...]:
        """The ids of resources that are named by name or id.

        Raises:
            ConfigurationError: a name that stands for no resource, or for several, or cannot be looked up here.
        """
        return await resource_ids(wanted, self.server.url, self.resources)

    async def _event_stream(self) -> EventStream | None:
        path = (await self.extensions()).events
        if self._events is None and path and not self._in_memory:
            self._events = EventStream(self.server, path)
        return self._events


def _job_path(job_id: str) -> str:
    """The path of a job; an id that a user typed stays one part of it."""
    return f"/api/jobs/{quote(job_id, safe='')}"
