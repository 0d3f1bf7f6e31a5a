"""A job in the background: what `--bg`, `everest_kernel.remote(...)` and `everest_kernel.job(ID)` give."""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import threading
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from ..languages import Display
from ..wire import CellError, JobCancelledError
from .channels import Channel, channel_for, replaces_displays
from .header import Header
from .job_output import JobText, read_output
from .provenance import PROVENANCE
from .remote_run import RemoteRun
from .session import NotebookSession
from .tables import table

if TYPE_CHECKING:
    from ..client import Running

__all__ = ["RemoteJob"]


class RemoteJob:
    """A job that runs. Await it, or call `result()`: both give the outputs by name.

    As the last value of a cell it shows itself, and keeps what it shows true where the front end can.
    """

    def __init__(self, run: RemoteRun, running: Running[dict[str, Any]], session: NotebookSession) -> None:
        self._run = run
        self._running = running
        self._session = session
        self._views: list[_View] = []
        self._lock = threading.Lock()
        run.watchers.append(self._changed)

    def __repr__(self) -> str:
        return f"<RemoteJob {self.id or 'not submitted yet'}: {self.status}>"

    @property
    def id(self) -> str:
        """The Everest job's id; empty until it is submitted."""
        return self._run.job_id

    @property
    def status(self) -> str:
        """The last state that was seen, as a word."""
        return self._run.header.state

    @property
    def route(self) -> str:
        """The route's name."""
        return self._run.header.route

    @property
    def resource(self) -> str:
        """Name of the resource; empty until it is known."""
        return self._run.header.resource

    def done(self) -> bool:
        """Whether it is over."""
        return self._running.over.done()

    def cancel(self) -> None:
        """Cancel the job on its resource; its state says when that is confirmed."""
        self._running.cancel()

    def result(self, timeout: float | None = None) -> dict[str, Any]:
        """Wait, at most `timeout` seconds, and give the outputs by name. An interrupt ends the waiting, not the job.

        Raises:
            JobFailedError: it failed.
            JobCancelledError: it was cancelled.
            TimeoutError: it is not over yet.
        """
        try:
            return self._running.result(timeout)
        except concurrent.futures.CancelledError:
            raise self._cancelled() from None
        except TimeoutError:
            raise TimeoutError(f"job {self.id} is not over after {timeout} s") from None

    def __await__(self) -> Generator[Any, None, dict[str, Any]]:
        return self._wait().__await__()

    async def _wait(self) -> dict[str, Any]:
        over = asyncio.wrap_future(self._running.over)
        try:
            return await asyncio.shield(over)  # an interrupt ends the waiting, not the job
        except asyncio.CancelledError:
            if over.cancelled():
                raise self._cancelled() from None
            raise

    def log(self, stream: str = "") -> JobText:
        """What the job has written so far, or all of it when it is over.

        Args:
            stream: `stdout` or `stderr`; both, one after the other, when it is empty.

        Raises:
            CellError: it is not submitted yet, or there is no such stream.
            EverestError: the server does not give it.
        """
        if stream not in ("", "stdout", "stderr"):
            raise CellError(f"there is no stream {stream!r}", hint="Write log('stdout') or log('stderr').")
        if not self.id:
            raise CellError("the job is not submitted yet")
        streams = (stream,) if stream else ("stdout", "stderr")
        return self._session.thread.run(read_output(self._session, self.id, streams))

    def _cancelled(self) -> JobCancelledError:
        return JobCancelledError("the job was cancelled", job_id=self.id or None)

    # --- how it shows itself

    def _ipython_display_(self) -> None:
        from IPython.core.getipython import get_ipython

        shell = get_ipython()
        view = _View(channel_for(shell), replaces_displays(shell))
        with self._lock:
            self._views.append(view)
            view.show(self._run)

    def _changed(self) -> None:
        with self._lock:
            for view in self._views:
                view.change(self._run)
            if self._run.header.seconds is not None:
                self._views.clear()


class _View:
    """One display of a job.

    Args:
        channel: of the cell that shows it.
        replaces: whether the front end replaces displays; where it does not, only the job's id and its end are news.
    """

    def __init__(self, channel: Channel, replaces: bool) -> None:
        self._channel = channel
        self._replaces = replaces
        self._display_id = os.urandom(8).hex()
        self._told = ("", False)

    def show(self, run: RemoteRun, *, again: bool = False) -> None:
        """Show the job as it is."""
        header = run.header
        self._told = (header.job_id, header.seconds is not None)
        metadata: dict[str, Any] = {"everest_job": True}
        if run.job is not None:
            metadata[PROVENANCE] = run.provenance()
        data = {"text/plain": header.text(), "text/html": _html(header)}
        self._channel.display(Display(data, metadata, {"display_id": self._display_id}, again and self._replaces))

    def change(self, run: RemoteRun) -> None:
        """The job has changed."""
        if self._replaces or self._told != (run.header.job_id, run.header.seconds is not None):
            self.show(run, again=True)


def _html(header: Header) -> str:
    rows = [[header.job_id or "not submitted yet", header.route, header.resource, header.state, *header.details()]]
    return table(["job", "route", "resource", "state", "time", "values and files"], rows)["text/html"]
