"""Finished points on disk: what comes back, and what happens when there is no disk."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from everest_kernel.records import PointStore
from everest_kernel.sweeps import Keeper, parse_space
from everest_kernel.sweeps.keeper import Waiting
from everest_kernel.wire import ConfigurationError

from .memory_everest import MemoryEverest, Sweep, hurry

SPACE = parse_space(["x=0:9:10"], {})
LANES = {("here", "far"): "lane"}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[PointStore]:
    store = PointStore(tmp_path / "points.sqlite")
    yield store
    store.close()


@asynccontextmanager
async def keeping(store: PointStore | None, content: str = "ab" * 32, **how: bool) -> AsyncIterator[Keeper]:
    keeper = Keeper(store, content, "{}", SPACE)
    await keeper.open(**how)
    try:
        yield keeper
    finally:
        await keeper.settled()
        keeper.close()


def numbers(*which: int) -> np.ndarray[Any, Any]:
    return np.array(which, np.int64)


async def keep(keeper: Keeper, *which: int) -> None:
    values = {"y": np.array(which, np.float64) * 2}
    keeper.save(numbers(*which), values, np.full(len(which), 0.5), "far", "job")
    await keeper.settled()


async def waiting(keeper: Keeper, missing: np.ndarray[Any, Any] | None = None) -> list[Waiting]:
    return await keeper.waiting(np.arange(10) if missing is None else missing, LANES)


async def test_results_and_failures_come_back_to_the_next_sweep(store: PointStore) -> None:
    async with keeping(store) as keeper:
        await keep(keeper, 3, 1)
        keeper.save_failed(numbers(4), ["no"], "far", "job")
    async with keeping(store) as keeper:
        known = await keeper.known(np.arange(10))
        ((found, values, seconds),) = known.groups
        assert dict(zip(found.tolist(), values["y"].tolist(), strict=True)) == {1: 2.0, 3: 6.0}
        assert seconds.tolist() == [0.5, 0.5]
        assert (known.failed[0].tolist(), known.failed[1]) == ([4], ["no"])
        assert known.missing.tolist() == [0, 2, 5, 6, 7, 8, 9]
    async with keeping(store, retry_failed=True) as keeper:
        assert 4 in (await keeper.known(np.arange(10))).missing
    async with keeping(store, fresh=True) as keeper:
        assert (await keeper.known(np.arange(10))).missing.size == 10
    async with keeping(store, "cd" * 32) as keeper:
        assert (await keeper.known(np.arange(10))).missing.size == 10, "another program"


async def test_points_are_on_disk_in_the_order_in_which_they_came(store: PointStore) -> None:
    """A chunk is only said to be over when what it gave is kept."""
    async with keeping(store) as keeper:
        await keeper.fly("k", "here", "far", numbers(1, 2))
        order: list[str] = []
        write, landed = store.write, store.landed
        store.write = lambda *a: order.append("write") or write(*a)  # type: ignore[method-assign, func-returns-value]
        store.landed = lambda *a: order.append("landed") or landed(*a)  # type: ignore[method-assign, func-returns-value]
        keeper.save(numbers(1, 2), {"y": np.ones(2)}, np.ones(2), "", "")
        keeper.landed("k")
        await keeper.settled()
        assert order == ["write", "landed"]
        assert store.flights(keeper._program) == []


async def test_chunks_that_wait_are_those_with_points_that_are_missing(store: PointStore) -> None:
    async with keeping(store) as keeper:
        await keeper.fly("known", "here", "far", numbers(0, 1))
        await keeper.fly("partly", "here", "far", numbers(1, 2))
        keeper.acknowledged("partly", "job-2", "here", "far", numbers(1, 2))
        await keeper.fly("unanswered", "here", "far", numbers(3, 4))
        await keeper.fly("unanswered and partly known", "here", "far", numbers(0, 5))
        await keeper.fly("elsewhere", "there", "far", numbers(6, 7))
        found = await waiting(keeper, np.arange(2, 10))
        told = {chunk.key: (chunk.job_id, chunk.lane, chunk.numbers.tolist()) for chunk in found}
        assert told == {"partly": ("job-2", "lane", [-1, 2]), "unanswered": ("", "lane", [3, 4])}
        assert await waiting(keeper, numbers()) == []


async def test_of_two_chunks_with_one_point_the_newer_has_it(store: PointStore) -> None:
    async with keeping(store) as keeper:
        for key, which in (("old", (1, 2, 3)), ("new", (2, 3))):
            await keeper.fly(key, "here", "far", numbers(*which))
            keeper.acknowledged(key, f"job of {key}", "here", "far", numbers(*which))
        await keeper.settled()
        found = {chunk.key: chunk.numbers.tolist() for chunk in await waiting(keeper)}
        assert found == {"old": [1, -1, -1], "new": [2, 3]}


FAULTS: list[Callable[[], Exception]] = [
    lambda: ConfigurationError("the disk is full"),
    lambda: sqlite3.OperationalError("the disk is full"),
    lambda: OSError(28, "the disk is full"),
    lambda: KeyError("the disk is full"),
]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("method", ["program", "read", "write", "fly", "landed", "flights"])
async def test_a_disk_that_cannot_be_used_costs_the_keeping_and_not_the_sweep(
    store: PointStore, method: str, fault: Callable[[], Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    hurry(monkeypatch)

    def fail(*_: Any, **__: Any) -> None:
        raise fault()

    monkeypatch.setattr(store, method, fail)
    sweep = Sweep(40, {"far": MemoryEverest()}, store=store)
    assert await sweep.drive(await sweep.waiting()) == ""
    assert sweep.all_right()
    assert "finished points are not kept: " in sweep.keeper.problem
    assert "the disk is full" in sweep.keeper.problem


async def test_without_a_store_all_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)
    sweep = Sweep(20, {"far": MemoryEverest()}, store=None)
    assert await sweep.drive() == ""
    assert (sweep.all_right(), sweep.keeper.problem) == (True, "")


async def test_the_thread_ends_with_what_is_to_be_written(store: PointStore) -> None:
    before = set(threading.enumerate())
    async with keeping(store) as keeper:
        keeper.save(numbers(1), {"y": np.ones(1)}, np.ones(1), "", "")
        program = keeper._program
        (thread,) = {each for each in threading.enumerate() if each.name.startswith("everest-points")} - before
    thread.join(10)
    assert not thread.is_alive()
    assert sum(usage.points for usage in store.usage()) == 1
    assert program
