"""What the runs of a session leave on this machine and find there: the journal of jobs, and kept results.

Everything happens in order on one thread of its own, so that the disk never holds up the client's loop. A journal or
a cache that cannot be used costs its comforts, not the cell: what is wrong is said once.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import queue
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ..interrupt_mask import interrupts_shut_out
from ..routes import load_configuration
from ..wire import ConfigurationError, Job
from .remembered import close_records, result_cache, shared_journal

if TYPE_CHECKING:
    from ..records import CachedResult, JobRecord, ResultCache

__all__ = ["Memory", "NoMemory"]

log = logging.getLogger(__name__)

_T = TypeVar("_T")


class Memory:
    """The records of this user, opened when they are first needed. For the client's loop, but for `close`."""

    def __init__(self) -> None:
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._problem = ""
        self._told: set[str] = set()

    def take_problem(self) -> str:
        """What is wrong with the records, when that has not been said yet."""
        problem, self._problem = self._problem, ""
        return problem

    async def begin(self, record: JobRecord) -> None:
        """Note a job that is about to be submitted; it is on disk when this returns."""
        await self._do(lambda: shared_journal().begin(record), None)

    def acknowledged(self, key: str, job: Job) -> None:
        """The server has it."""
        self._later(lambda: shared_journal().acknowledged(key, job))

    def refused(self, key: str) -> None:
        """The server does not have it."""
        self._later(lambda: shared_journal().forget(key))

    def saw(self, job: Job) -> None:
        """The server said something new of a job."""
        self._later(lambda: shared_journal().saw(job))

    async def saw_all(self, jobs: list[Job]) -> None:
        """The server listed these; it is noted when this returns."""
        await self._do(lambda: shared_journal().saw_all(jobs), None)

    def collected(self, job_id: str) -> None:
        """This kernel has a job's result."""
        self._later(lambda: shared_journal().collected(job_id))

    def gone(self, job_id: str) -> None:
        """The server does not know this job any more."""
        self._later(lambda: shared_journal().gone(job_id))

    async def same(self, content: str, notebook: str, cell: str) -> list[JobRecord]:
        """Unfinished jobs of this very cell."""
        return await self._do(lambda: shared_journal().same(content, notebook, cell), [])

    def look_for_unfinished(self, notebook: str, found: Callable[[list[JobRecord]], None]) -> None:
        """Call `found`, on the records' thread, with jobs of a notebook of which no end was seen, if there are any.

        Nothing is made for this where there is no journal.
        """

        def look() -> None:
            from ..records import journal_path

            if not journal_path().exists():
                return
            records = shared_journal().unfinished(notebook)
            if records:
                found(records)

        self._later(look)

    async def find(self, job_id: str) -> JobRecord | None:
        """What is noted of a job."""
        return await self._do(lambda: shared_journal().find(job_id), None)

    async def recall(self, content: str, folder: Path) -> CachedResult | None:
        """The kept result of the same work."""

        def recall() -> CachedResult | None:
            cache = _cache(folder)
            return None if cache is None else cache.get(content)

        return await self._do(recall, None)

    def keep(self, content: str, result: CachedResult, folder: Path) -> None:
        """Keep a result, if there is room for it."""

        def keep() -> None:
            cache = _cache(folder)
            if cache is not None:
                cache.put(content, result)

        self._later(keep)

    def close(self) -> None:
        """Finish what is to be written, and close."""
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is not None:
            self._work.put(None)
            thread.join()

    def _main(self) -> None:
        while (call := self._work.get()) is not None:
            call()
        close_records()

    async def _do(self, call: Callable[[], _T], otherwise: _T) -> _T:
        done = self._submit(lambda: self._guarded(call, otherwise))
        return await asyncio.shield(asyncio.wrap_future(done))  # what is begun is done, whoever is interrupted

    def _later(self, call: Callable[[], None]) -> None:
        self._submit(lambda: self._guarded(call, None)).add_done_callback(_log_failure)

    def _submit(self, call: Callable[[], _T]) -> concurrent.futures.Future[_T]:
        done: concurrent.futures.Future[_T] = concurrent.futures.Future()

        def work() -> None:
            try:
                done.set_result(call())
            except Exception as error:  # noqa: BLE001 - it is the waiting one's
                done.set_exception(error)

        with self._lock:
            if self._thread is None:  # a daemon, as executors' threads are not: those end before a script's last words
                self._thread = threading.Thread(target=self._main, name="everest-records", daemon=True)
                with interrupts_shut_out():
                    self._thread.start()
            self._work.put(work)
        return done

    def _guarded(self, call: Callable[[], _T], otherwise: _T) -> _T:
        try:
            return call()
        except ConfigurationError as error:
            if error.message not in self._told:
                self._told.add(error.message)
                self._problem = f"jobs and results are not remembered: {error.message}"
                log.warning("%s", self._problem)
            return otherwise


def _cache(folder: Path) -> ResultCache | None:
    settings = load_configuration(folder).cache
    return result_cache(settings.limit_bytes) if settings.enabled else None


def _log_failure(done: concurrent.futures.Future[None]) -> None:
    if (error := done.exception()) is not None:
        log.error("a record could not be written", exc_info=error)


class NoMemory(Memory):
    """For work that is nobody's cell: nothing is noted, nothing is found."""

    async def _do(self, call: Callable[[], _T], otherwise: _T) -> _T:
        return otherwise

    def _later(self, call: Callable[[], None]) -> None:
        return
