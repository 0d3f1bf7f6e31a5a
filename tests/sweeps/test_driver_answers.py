"""The drive of a sweep: points that two jobs have, interrupts, jobs of an earlier kernel, and queues."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterator
from pathlib import Path

import anyio
import httpx
import numpy as np
import pytest

from everest_kernel.records import PointStore
from everest_kernel.sweeps import overdue
from everest_kernel.sweeps.driver import _Flight
from everest_kernel.sweeps.run import Rules
from everest_kernel.sweeps.target import ChunkJob

from .memory_everest import LIMIT, JobInMemory, MemoryEverest, Sweep, TwiceX, hurry


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[PointStore]:
    store = PointStore(tmp_path / "points.sqlite")
    yield store
    store.close()


def submission(request: httpx.Request) -> bool:
    return request.url.path.startswith("/api/apps/")


# --- the same points twice


async def test_a_straggler_is_copied_and_the_first_answer_counts_once(
    monkeypatch: pytest.MonkeyPatch, store: PointStore
) -> None:
    monkeypatch.setattr(overdue, "_GRACE", 0.0)
    far = MemoryEverest()

    async def compute(job: JobInMemory) -> None:
        copies = [other for other in far.jobs.values() if other.points == job.points]
        if len(copies) == 1 and 0 in job.points:
            return  # it goes on, until there is another
        for copy in copies:  # both at once
            copy.done()

    far.compute = compute
    sweep = Sweep(40, {"far": far}, store=store)
    assert await sweep.drive() == ""
    assert sweep.grid.done == sweep.run.counts.done == 40
    assert len([job for job in far.jobs.values() if 0 in job.points]) == 2
    known = await Sweep(40, {"far": far}, store=store).missing()
    assert known.size == 0
    assert not far.alive


@pytest.mark.parametrize("first", ["done", "failed"])
async def test_of_two_answers_for_a_point_only_the_first_is_in_the_grid(first: str) -> None:
    """Both are there before the machine hears of the first."""
    sweep = Sweep(1, {"far": MemoryEverest()}, rules=Rules(chunk=1, overdue=0.0))
    async with sweep.driver() as driver:
        actions = [a for a in sweep.run.start(0.0) if hasattr(a, "flight")]
        number = actions[0].flight
        job = ChunkJob(driver._targets["far"], 1, leaves=lambda: False)
        flight = _Flight("far", np.array([0]), job, anyio.CancelScope())
        done = TwiceX().read(io.BytesIO(b'{"index": [0], "y": [0.0]}'), 1, "", {})
        failed = TwiceX().read(io.BytesIO(b'{"index": [], "y": [], "failed": {"0": "no"}}'), 1, "", {})
        answers = [done, failed] if first == "done" else [failed, done]
        for answer in answers:
            driver._take(number, flight, answer, 1.0)
    counts = sweep.run.counts
    assert (
        (counts.done, counts.failed) == (sweep.grid.done, sweep.grid.failed) == ((1, 0) if first == "done" else (0, 1))
    )


# --- interrupts


@pytest.mark.parametrize("phase", ["submit", "submitted", "follow", "download"])
async def test_an_interrupt_leaves_no_job_and_no_task(phase: str, store: PointStore) -> None:
    reached, never = anyio.Event(), anyio.Event()

    async def hold(request: httpx.Request, *, before: bool) -> None:
        path = request.url.path
        here = {
            "submit": submission(request) and before,
            "submitted": submission(request) and not before,
            "follow": request.method == "GET" and path.startswith("/api/jobs") and before,
            "download": path.startswith("/files") and before,
        }[phase]
        if here and not reached.is_set() and len(far.jobs) >= 2:
            reached.set()
            if phase != "submitted":
                await never.wait()
            else:
                await anyio.sleep(0.05)  # its answer is on its way

    async def refuse(request: httpx.Request) -> None:
        await hold(request, before=True)

    async def after(request: httpx.Request) -> None:
        await hold(request, before=False)

    async def compute(job: JobInMemory) -> None:
        if phase == "download" or job.number == 0:
            job.done()

    far = MemoryEverest(compute, refuse=refuse, after=after)
    sweep = Sweep(100, {"far": far}, store=store)
    async with sweep.driver() as driver:
        before = asyncio.all_tasks()
        drive = asyncio.ensure_future(driver.drive())
        with anyio.fail_after(LIMIT):
            await reached.wait()
            drive.cancel()
            with pytest.raises(asyncio.CancelledError):
                await drive
        assert asyncio.all_tasks() == before
        await sweep.keeper.settled()
    assert not far.alive
    assert sweep.grid.done % 10 == 0


async def test_a_kernel_that_ends_leaves_its_jobs_to_the_next(store: PointStore) -> None:
    computing = anyio.Event()

    async def compute(job: JobInMemory) -> None:
        if job.number >= 2:
            computing.set()
        else:
            job.done()

    far = MemoryEverest(compute)
    sweep = Sweep(100, {"far": far}, store=store)
    async with sweep.driver() as driver:
        drive = asyncio.ensure_future(driver.drive())
        await computing.wait()
        while len(far.alive) < 4:  # noqa: ASYNC110 - the server has no event for it
            await asyncio.sleep(0)
        sweep.kernel_ends = True
        drive.cancel()
        await asyncio.wait([drive])
        await sweep.keeper.settled()
    left = len(far.alive)
    assert left >= 2
    before = len(far.jobs)
    for job in far.alive:
        job.done()
    far.compute = MemoryEverest().compute
    later = Sweep(100, {"far": far}, store=store)
    waiting = await later.waiting()
    assert len(waiting) >= left
    assert await later.drive(waiting) == ""
    assert later.all_right()
    assert len(far.jobs) > before
    adopted = np.concatenate([chunk.numbers for chunk in waiting])
    assert {far.computed[float(number)] for number in adopted} == {1}
    assert store.flights(later.keeper._program) == []


# --- chunks of an earlier kernel


async def earlier(sweep: Sweep, job: JobInMemory, numbers: list[int], key: str) -> None:
    await sweep.keeper.open()
    await sweep.keeper.fly(key, "far", "far", np.array(numbers))
    sweep.keeper.acknowledged(key, job.id, "far", "far", np.array(numbers))
    await sweep.keeper.settled()


async def test_a_chunk_of_an_earlier_kernel_whose_points_are_partly_known_gives_the_others(store: PointStore) -> None:
    old = JobInMemory("old", -1, "k1", [float(x) for x in range(10)])
    old.done(y=lambda x: 2 * x if x >= 4 else -1)
    far = MemoryEverest(jobs={"old": old})
    before = Sweep(4, {"far": far}, store=store)
    assert await before.drive() == ""
    sweep = Sweep(30, {"far": far}, store=store)
    await earlier(sweep, old, list(range(10)), "k1")
    (chunk,) = await sweep.waiting()
    assert chunk.numbers.tolist() == [-1] * 4 + list(range(4, 10))
    assert await sweep.drive([chunk]) == ""
    assert sweep.all_right(), "what was known is not replaced"
    assert far.computed[7.0] == 1


async def test_two_chunks_of_an_earlier_kernel_with_the_same_points_count_them_once(store: PointStore) -> None:
    old, copy = (JobInMemory(name, -1, name, [float(x) for x in range(10)]) for name in ("old", "copy"))
    copy.done()
    far = MemoryEverest(jobs={"old": old, "copy": copy})
    sweep = Sweep(30, {"far": far}, store=store)
    await earlier(sweep, old, list(range(10)), "k1")
    await earlier(sweep, copy, list(range(10)), "k2")
    waiting = await sweep.waiting()
    assert [chunk.job_id for chunk in waiting] == ["copy"]
    assert await sweep.drive(waiting) == ""
    assert sweep.all_right()
    assert sweep.run.counts.total == sweep.run.counts.done == 30


@pytest.mark.parametrize("left", ["gone", "cancelled", "failed"])
async def test_a_chunk_of_an_earlier_kernel_that_came_to_nothing_is_computed(left: str, store: PointStore) -> None:
    old = JobInMemory("old", -1, "k1", [float(x) for x in range(10)], {"state": "CANCELLED"})
    if left == "failed":
        old.failed("killed", "signal")
    far = MemoryEverest(jobs={} if left == "gone" else {"old": old})
    sweep = Sweep(30, {"far": far}, store=store)
    await earlier(sweep, old, list(range(10)), "k1")
    assert await sweep.drive(await sweep.waiting()) == ""
    assert sweep.all_right()
    assert store.flights(sweep.keeper._program) == []


async def test_a_chunk_whose_submission_was_not_answered_is_not_computed_twice(store: PointStore) -> None:
    old = JobInMemory("old", -1, "k1", [float(x) for x in range(10)])
    old.done()
    far = MemoryEverest(jobs={"old": old})
    sweep = Sweep(30, {"far": far}, store=store)
    await sweep.keeper.open()
    await sweep.keeper.fly("k1", "far", "far", np.arange(10))
    (chunk,) = await sweep.waiting()
    assert await sweep.drive([chunk]) == ""
    assert sweep.all_right()
    assert {far.computed[float(number)] for number in range(10)} == {1}


# --- queues


async def test_chunks_that_queue_behind_their_own_are_not_withdrawn() -> None:
    far, looks = MemoryEverest(), dict[str, int]()

    async def compute(job: JobInMemory) -> None:
        """One after the other; each takes a few times the queue limit."""
        if job is far.alive[0]:
            job.fields = {"state": "RUNNING"}
            looks[job.id] = looks.get(job.id, 0) + 1
            if looks[job.id] > 60:
                job.done()
        else:
            job.fields = {"state": "READY"}

    far.compute = compute
    sweep = Sweep(80, {"far": far}, slots=1, queue_limit=0.05)
    assert await sweep.drive() == ""
    assert sweep.all_right()
    assert len([job for job in far.jobs.values() if job.state == "CANCELLED"]) <= 2, "sent before any job ran"


async def test_where_no_job_ever_starts_the_queue_limit_ends_the_sweep() -> None:
    async def wait(job: JobInMemory) -> None:
        job.fields = {"state": "READY"}

    far = MemoryEverest(wait)
    reason = await Sweep(80, {"far": far}, queue_limit=0.01).drive()
    assert "no resource is left (far: " in reason
    assert not far.alive
