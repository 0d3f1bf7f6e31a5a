"""`remote(...)`: the Python call behind `%%remote`, for cells that want several jobs at once."""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..languages import Display
from ..wire import CellError, JobCancelledError
from .channels import Channel, LocalChannel
from .options import RemoteOptions
from .remote_cell import Outcome, RemoteRun, finish, prepare
from .session import NotebookSession

__all__ = ["RemoteJob", "start_remote"]


class RemoteJob:
    """A job that runs. Await it, or call `result()`: both give the outputs by name.

    Attributes:
        id: the Everest job's id; empty until it is submitted.
        status: the last state that was seen, as a word.
    """

    def __init__(self, run: RemoteRun, future: concurrent.futures.Future[Outcome]) -> None:
        self._run = run
        self._future = future
        self._outputs: dict[str, Any] | None = None

    def __repr__(self) -> str:
        return f"<RemoteJob {self.id or 'not submitted yet'}: {self.status}>"

    @property
    def id(self) -> str:
        """The Everest job's id."""
        return self._run.job_id

    @property
    def status(self) -> str:
        """The last state that was seen."""
        return self._run.header.state

    def done(self) -> bool:
        """Whether it is over."""
        return self._future.done()

    def cancel(self) -> None:
        """Cancel the job on its resource."""
        self._future.cancel()

    def result(self, timeout: float | None = None) -> dict[str, Any]:
        """Wait, at most `timeout` seconds, and give the outputs by name.

        Raises:
            JobFailedError: it failed.
            JobCancelledError: it was cancelled.
            TimeoutError: it is not over yet.
        """
        try:
            return self._finish(self._future.result(timeout))
        except concurrent.futures.CancelledError:
            raise self._cancelled() from None
        except concurrent.futures.TimeoutError:
            raise TimeoutError(f"job {self.id} is not over after {timeout} s") from None

    def __await__(self) -> Generator[Any, None, dict[str, Any]]:
        return self._wait().__await__()

    async def _wait(self) -> dict[str, Any]:
        try:
            return self._finish(await asyncio.wrap_future(self._future))
        except asyncio.CancelledError:
            if self._future.cancelled():
                raise self._cancelled() from None
            raise

    def _finish(self, outcome: Outcome) -> dict[str, Any]:
        if self._outputs is None:
            values: dict[str, Any] = {}
            finish(self._run, outcome, values, Path.cwd())
            self._outputs = values
        return self._outputs

    def _cancelled(self) -> JobCancelledError:
        return JobCancelledError("the job was cancelled", job_id=self.id or None)


class _Silent:
    """Shows what the job prints, without a header line."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def text(self, stream: str, text: str) -> None:
        self._channel.text(stream, text)

    def display(self, display: Display) -> None:
        if not display.metadata.get("everest_header"):
            self._channel.display(display)


def start_remote(
    session: NotebookSession,
    route: str,
    code: str,
    *,
    inputs: Mapping[str, Any] | None = None,
    outputs: Sequence[str] = (),
    files: Sequence[str] = (),
    fetch: Sequence[str] = (),
    name: str = "",
    time_limit: float | None = None,
    settings: Mapping[str, Any] | None = None,
    channel: Channel | None = None,
) -> RemoteJob:
    """Start a program on a route; see `everest_kernel.remote`."""
    if isinstance(outputs, str):
        raise CellError(f"outputs must be a list of names, not the text {outputs!r}")
    given = dict(inputs or {})
    options = RemoteOptions(route, tuple(given), tuple(outputs), list(files), list(fetch), name, time_limit)
    options.settings.update(settings or {})
    prepared = prepare(options, code, given, {}, Path.cwd())
    run = RemoteRun(prepared, _Silent(channel or LocalChannel()), os.urandom(8).hex())

    async def send() -> Outcome:
        client = await session.client(prepared.route.server)
        try:
            return await run.run(client)
        finally:
            session.note_job(run.job_id, prepared.route.server)

    return RemoteJob(run, session.thread.submit(send()))
