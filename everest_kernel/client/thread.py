"""A background thread with an event loop, on which the client lives: jobs go on while a plain cell computes."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

__all__ = ["ClientThread"]

_T = TypeVar("_T")
_CLEANUP_SECONDS = 10.0


class ClientThread:
    """Runs coroutines for callers on other threads. Started at once; ends with `stop` or with the process."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._main, name="everest-client", daemon=True)
        self._thread.start()

    def submit(self, work: Coroutine[Any, Any, _T]) -> concurrent.futures.Future[_T]:
        """Start a coroutine; cancelling the future cancels it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def run(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Run a coroutine and wait for it on this thread; an interrupt cancels it and waits for its clean-up."""
        done = threading.Event()
        future = self.submit(_signalling(work, done))
        try:
            return future.result()
        except KeyboardInterrupt:
            future.cancel()
            done.wait(_CLEANUP_SECONDS)
            raise

    async def wait(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Run a coroutine and wait for it on another event loop.

        Cancelling the wait cancels the work, and lets it clean up for a while: an interrupt reaches the far side
        before the cell is given back. A second cancellation ends the waiting.
        """
        task: asyncio.Task[_T] | None = None

        async def start() -> _T:
            nonlocal task
            task = asyncio.ensure_future(work)
            return await task

        inner = asyncio.wrap_future(self.submit(start()))
        try:
            return await asyncio.shield(inner)
        except asyncio.CancelledError:
            self._loop.call_soon_threadsafe(lambda: task.cancel() if task else None)
            await asyncio.wait([inner], timeout=_CLEANUP_SECONDS)
            if inner.done() and not inner.cancelled():
                inner.exception()  # it was seen; the caller is told of the cancellation
            raise

    def stop(self) -> None:
        """Cancel what runs and end the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _main(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            left = asyncio.all_tasks(self._loop)
            for task in left:
                task.cancel()
            self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
            self._loop.close()


async def _signalling(work: Coroutine[Any, Any, _T], done: threading.Event) -> _T:
    try:
        return await work
    finally:
        done.set()
