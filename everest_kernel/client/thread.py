"""A background thread with an event loop, on which the client lives: jobs go on while a plain cell computes."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
import time
from collections.abc import Coroutine
from typing import Any, Generic, TypeVar

from ..interrupt_mask import interrupts_shut_out

__all__ = ["ClientThread", "Running"]

_T = TypeVar("_T")
_CLEANUP_SECONDS = 10.0
_LOOK_SECONDS = 1.0
"""How long an interrupt may go unseen that came between Python's last look and the system call that waits."""


class Running(Generic[_T]):
    """Work on the client's thread.

    Attributes:
        over: done when the work is, with all its clean-up; cancelling it does nothing to the work.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, _T]) -> None:
        self.over: concurrent.futures.Future[_T] = concurrent.futures.Future()
        self._loop = loop
        self._task: asyncio.Task[_T] | None = None
        loop.call_soon_threadsafe(self._begin, work)

    def cancel(self) -> None:
        """Cancel the work; it cleans up before it is over."""
        self._loop.call_soon_threadsafe(lambda: self._task and self._task.cancel())  # after `_begin`, whatever happens

    def result(self, timeout: float | None = None) -> _T:
        """Wait on this thread, at most `timeout` seconds; an interrupt ends the waiting alone.

        Raises:
            TimeoutError: the work is not over yet.
        """
        return _result(self.over, timeout)

    def _begin(self, work: Coroutine[Any, Any, _T]) -> None:
        self._task = self._loop.create_task(work)
        self._task.add_done_callback(self._end)

    def _end(self, task: asyncio.Task[_T]) -> None:
        if task.cancelled():
            self.over.cancel()
            self.over.set_running_or_notify_cancel()
        elif (error := task.exception()) is not None:
            self.over.set_exception(error)
        else:
            self.over.set_result(task.result())


class ClientThread:
    """Runs coroutines for callers on other threads. Started at once; ends with `stop` or with the process."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._main, name="everest-client", daemon=True)
        with interrupts_shut_out():
            self._thread.start()

    def submit(self, work: Coroutine[Any, Any, _T]) -> concurrent.futures.Future[_T]:
        """Start a coroutine; cancelling the future cancels it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def run(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Run a coroutine and wait for it on this thread; an interrupt cancels it and waits for its clean-up."""
        done = threading.Event()
        future = self.submit(_signalling(work, done))
        try:
            return _result(future)
        except KeyboardInterrupt:
            future.cancel()
            done.wait(_CLEANUP_SECONDS)
            raise

    def start(self, work: Coroutine[Any, Any, _T]) -> Running[_T]:
        """Start a coroutine whose clean-up can be waited for after it is cancelled."""
        return Running(self._loop, work)

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


def _result(over: concurrent.futures.Future[_T], timeout: float | None = None) -> _T:
    until = None if timeout is None else time.monotonic() + timeout
    while not over.done():
        left = _LOOK_SECONDS if until is None else min(_LOOK_SECONDS, until - time.monotonic())
        if left <= 0:
            raise TimeoutError(f"not over after {timeout} s")
        concurrent.futures.wait([over], left)
    return over.result()


async def _signalling(work: Coroutine[Any, Any, _T], done: threading.Event) -> _T:
    try:
        return await work
    finally:
        done.set()
