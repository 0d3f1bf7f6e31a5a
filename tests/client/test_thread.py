"""The client's thread: work for callers elsewhere, and what a cancellation does."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import Iterator

import pytest

from everest_kernel.client import ClientThread


@pytest.fixture
def thread() -> Iterator[ClientThread]:
    thread = ClientThread()
    yield thread
    thread.stop()


async def where() -> str:
    return threading.current_thread().name


def test_work_runs_on_the_clients_thread(thread: ClientThread) -> None:
    assert thread.run(where()) == "everest-client"


def test_errors_come_back(thread: ClientThread) -> None:
    async def fail() -> None:
        raise ValueError("there")

    with pytest.raises(ValueError, match="there"):
        thread.run(fail())


async def test_another_loop_can_wait(thread: ClientThread) -> None:
    assert await asyncio.wrap_future(thread.start(where()).over) == "everest-client"

    async def fail() -> None:
        raise ValueError("there")

    with pytest.raises(ValueError, match="there"):
        thread.start(fail()).over.result(5)


def test_cancelled_work_is_over_when_it_has_cleaned_up(thread: ClientThread) -> None:
    started, gate, cleaned = threading.Event(), asyncio.Event(), threading.Event()

    async def work() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            await gate.wait()
            cleaned.set()

    running = thread.start(work())
    assert started.wait(5)
    running.cancel()
    thread.run(where())  # the cancellation has been delivered
    assert not running.over.done()

    async def open_gate() -> None:
        gate.set()

    thread.run(open_gate())
    with pytest.raises(concurrent.futures.CancelledError):
        running.over.result(5)
    assert cleaned.is_set()


def test_work_that_is_cancelled_at_once_never_begins(thread: ClientThread) -> None:
    begun = threading.Event()

    async def work() -> None:
        begun.set()

    async def busy() -> None:
        running = thread.start(work())  # on the loop's own thread, so that both calls wait for it
        running.cancel()
        overs.append(running.over)

    overs: list[concurrent.futures.Future[None]] = []
    thread.run(busy())
    with pytest.raises(concurrent.futures.CancelledError):
        overs[0].result(5)
    assert not begun.is_set()


def test_a_future_can_be_cancelled(thread: ClientThread) -> None:
    ended = threading.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    future = thread.submit(work())
    thread.run(where())  # the work has begun
    future.cancel()
    assert ended.wait(5)
    with pytest.raises(concurrent.futures.CancelledError):
        future.result()


def test_stopping_ends_what_still_runs(thread: ClientThread) -> None:
    ended = threading.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    other = ClientThread()
    other.submit(work())
    other.run(where())
    other.stop()
    assert ended.is_set()
