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
    assert await thread.wait(where()) == "everest-client"


async def test_cancelling_the_wait_cancels_the_work_and_lets_it_clean_up(thread: ClientThread) -> None:
    started, cleaned = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    async def work() -> None:
        loop.call_soon_threadsafe(started.set)
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            cleaned.set()

    waiting = asyncio.create_task(thread.wait(work()))
    await started.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert cleaned.is_set()


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
