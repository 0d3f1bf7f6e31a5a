"""Drives the machine of `follow` with real requests, events and time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from ..wire import (
    EverestError,
    EverestTimeoutError,
    Job,
    JobOutput,
    JobStateEvent,
    ServerEvent,
    Subscribe,
    TransportError,
)
from .actions import (
    Action,
    Changed,
    Deliver,
    Fail,
    FetchLog,
    FetchOutput,
    Finish,
    Poll,
    Restarted,
    SendCancel,
    SendSubscribe,
)
from .events import EventStream
from .follow import Follow
from .job_log import JobLog, LogLine

if TYPE_CHECKING:
    from .client import EverestClient

__all__ = ["DeafSink", "Follower", "Sink"]

_LOG_BYTES = 1 << 20
"""How much of a log is read again and again: who wants more of it reads it once, at the end."""
_FETCHES = 3
"""How often a finished job's output is fetched before a broken connection ends the following."""


class Sink(Protocol):
    """What the owner of a job is told."""

    def on_state(self, job: Job) -> None:
        """The job changed."""

    def on_output(self, stream: str, data: bytes) -> None:
        """It wrote these bytes on `stdout` or `stderr`."""

    def on_restart(self, attempt: int) -> None:
        """Its resource was lost and it starts again; output begins anew."""

    def on_log(self, lines: list[LogLine]) -> None:
        """The server's log of it says something new; only where there is no live output."""


class DeafSink:
    """For whoever wants nothing but a job's end, which following gives anyway."""

    def on_state(self, job: Job) -> None:
        """Nothing."""

    def on_output(self, stream: str, data: bytes) -> None:
        """Nothing."""

    def on_restart(self, attempt: int) -> None:
        """Nothing."""

    def on_log(self, lines: list[LogLine]) -> None:
        """Nothing."""


class Follower:
    """Follows one job until it is over.

    Args:
        events: the server's event stream, or None where it has none.
        output: whether output and log are wanted.
        queue_limit: seconds that the job may wait before it is withdrawn.
    """

    def __init__(
        self,
        client: EverestClient,
        job: Job,
        sink: Sink,
        events: EventStream | None,
        *,
        output: bool = True,
        queue_limit: float | None = None,
    ) -> None:
        self._client = client
        self._sink = sink
        self._events = events
        self._loop = asyncio.get_running_loop()
        self._machine = Follow(
            job,
            self._loop.time(),
            wants_output=output,
            reads_log=output and events is None,
            queue_limit=queue_limit,
        )
        self._log = JobLog()
        self._queue: asyncio.Queue[Callable[[], list[Action]]] = asyncio.Queue()
        self._result: Job | None = None
        self._requests: set[asyncio.Task[None]] = set()

    async def run(self) -> Job:
        """The job at its end.

        Raises:
            EverestError: following cannot go on.
        """
        remove = self._events.add(self._machine.job.id, self) if self._events else None
        try:
            self._act(self._machine.start(connected=bool(self._events and self._events.connected)))
            while self._result is None:
                self._act(await self._next())
            return self._result
        finally:
            if remove is not None:
                remove()
            for request in self._requests:
                request.cancel()
            if self._requests:
                await asyncio.wait(self._requests)

    async def _next(self) -> list[Action]:
        """What follows from the next event, or from the time at which the machine wants to be woken."""
        wake = self._machine.wake_at()
        timeout = None if wake is None else max(wake - self._loop.time(), 0)
        try:
            event = await asyncio.wait_for(self._queue.get(), timeout)
        except asyncio.TimeoutError:
            return self._machine.tick(self._loop.time())
        return event()

    def _act(self, actions: list[Action]) -> None:
        for action in actions:
            if isinstance(action, Deliver):
                self._sink.on_output(action.stream, action.data)
            elif isinstance(action, Changed):
                self._sink.on_state(action.job)
            elif isinstance(action, Restarted):
                self._sink.on_restart(action.attempt)
            elif isinstance(action, SendSubscribe):
                assert self._events is not None
                self._events.subscribe(Subscribe(self._machine.job.id, action.attempt, action.offsets))
            elif isinstance(action, Finish):
                self._result = action.job
            elif isinstance(action, Fail):
                action.error.job_id = action.error.job_id or self._machine.job.id
                raise action.error
            else:
                self._start(self._request(action))

    def _start(self, request: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(request)
        self._requests.add(task)
        task.add_done_callback(self._requests.discard)

    async def _request(self, action: Poll | FetchOutput | FetchLog | SendCancel) -> None:
        machine, time = self._machine, self._loop.time
        try:
            if isinstance(action, Poll):
                job = await self._client.job(machine.job.id)
                self._queue.put_nowait(lambda: machine.polled(job, time()))
            elif isinstance(action, FetchOutput):
                await self._fetch(action)
            elif isinstance(action, FetchLog):
                text = await self._client.log(machine.job.id, most=_LOG_BYTES)
                self._queue.put_nowait(lambda: self._logged(text))
            else:
                await self._client.cancel(machine.job.id)
        except EverestError as error:
            failure = error
            if isinstance(action, Poll):
                self._queue.put_nowait(lambda: machine.poll_failed(failure, time()))
            elif isinstance(action, FetchLog):
                self._queue.put_nowait(lambda: machine.log_failed(failure, time()))
            else:
                self._queue.put_nowait(lambda: machine.fetch_failed(failure))

    async def _fetch(self, action: FetchOutput) -> None:
        """The rest of a stream in pieces, however long it is. A broken connection is mended a few times."""
        machine, stream = self._machine, action.stream
        for attempt in range(_FETCHES):
            at = 0
            try:
                async with self._client.stream(action.uri) as blocks:
                    async for block in blocks:
                        self._queue.put_nowait(partial(machine.fetched, stream, at, block, last=False))
                        at += len(block)
                break
            except (TransportError, EverestTimeoutError):
                if attempt == _FETCHES - 1:
                    raise
        self._queue.put_nowait(partial(machine.fetched, stream, at, b""))

    def _logged(self, text: str) -> list[Action]:
        lines = self._log.feed(text)
        if lines:
            self._sink.on_log(lines)
        return self._machine.logged(self._loop.time())

    # --- the event stream's side

    def on_connected(self) -> None:
        """The stream is there."""
        self._queue.put_nowait(self._machine.connected)

    def on_disconnected(self) -> None:
        """The stream is gone."""
        self._queue.put_nowait(lambda: self._machine.disconnected(self._loop.time()))

    def on_event(self, event: ServerEvent) -> None:
        """News of the job."""
        machine, now = self._machine, self._loop.time()
        if isinstance(event, JobStateEvent):
            self._queue.put_nowait(lambda: machine.state(event.job, now))
        elif isinstance(event, JobOutput):
            self._queue.put_nowait(lambda: machine.output(event, now))
        else:
            self._queue.put_nowait(machine.unknown)
