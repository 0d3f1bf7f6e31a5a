"""A sweep in the background: what `%%sweep --bg` and `everest_kernel.sweep(...)` give."""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from ..sweeps.progress import format_progress
from ..wire import JobCancelledError

if TYPE_CHECKING:
    from ..client import Running
    from ..sweeps import Grid
    from .sweep_run import SweepRun

__all__ = ["SweepJob"]


class SweepJob:
    """A sweep that runs. Await it, or call `result()`: both give the grid, which `grid` gives at any moment."""

    def __init__(self, run: SweepRun, running: Running[Grid]) -> None:
        self._run = run
        self._running = running

    def __repr__(self) -> str:
        progress = self._run.progress
        return f"<SweepJob {self.id}: {self.status}{f', {format_progress(progress)}' if progress.total else ''}>"

    @property
    def id(self) -> str:
        """Names the sweep for people."""
        return self._run.id

    @property
    def grid(self) -> Grid:
        """The results so far."""
        return self._run.grid

    @property
    def status(self) -> str:
        """What it does, in a word."""
        return self._run.state

    def done(self) -> bool:
        """Whether it is over."""
        return self._running.over.done()

    def cancel(self) -> None:
        """Cancel its jobs. Finished points are kept: the same sweep computes only what is missing."""
        self._running.cancel()

    def result(self, timeout: float | None = None) -> Grid:
        """Wait, at most `timeout` seconds, and give the grid. An interrupt ends the waiting, not the sweep.

        Raises:
            JobFailedError: it stopped before all points had an answer.
            JobCancelledError: it was cancelled.
            TimeoutError: it is not over yet.
        """
        try:
            return self._running.result(timeout)
        except concurrent.futures.CancelledError:
            raise self._cancelled() from None
        except TimeoutError:
            raise TimeoutError(f"{self.id} is not over after {timeout} s") from None

    def __await__(self) -> Generator[Any, None, Grid]:
        return self._wait().__await__()

    async def _wait(self) -> Grid:
        over = asyncio.wrap_future(self._running.over)
        try:
            return await asyncio.shield(over)
        except asyncio.CancelledError:
            if over.cancelled():
                raise self._cancelled() from None
            raise

    def _cancelled(self) -> JobCancelledError:
        return JobCancelledError("the sweep was cancelled", hint=self._run.hint())
