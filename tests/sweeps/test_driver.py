"""The drive of a sweep, against an Everest that does what a real one does not do on demand."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import numpy as np
import pytest

from everest_kernel.records import PointStore
from everest_kernel.sweeps import overdue
from everest_kernel.sweeps.chunks import PointCell
from everest_kernel.sweeps.python_chunks import PythonChunks
from everest_kernel.sweeps.run import Rules
from everest_kernel.sweeps.single_chunks import SingleChunks
from everest_kernel.wire import AuthenticationError, CellError, EverestError

from .chunk_runner import PYTHON, language
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


async def test_every_point_gets_its_result_and_no_job_is_looked_up_before_it_is_followed(store: PointStore) -> None:
    far = MemoryEverest()
    sweep = Sweep(100, {"far": far}, store=store)
    assert await sweep.drive() == ""
    assert sweep.all_right()
    assert len(far.jobs) == 10
    assert far.calls["GET api/jobs"] == 10, "a job that is over when it is first asked for is asked for once"
    assert sweep.grid.resources().tolist() == ["far"] if hasattr(sweep.grid, "resources") else True
    assert store.flights(sweep.keeper._program) == []


# --- jobs that fail


@pytest.mark.parametrize(
    "garbage",
    [b"", b"\x00" * 50, b"PK\x03\x04 but no archive", b"<html>busy</html>", b"[1, 2", b'{"index": [99], "y": [1]}'],
)
@pytest.mark.parametrize("reader", ["plain", "python", "single"])
async def test_what_a_resource_returns_may_be_garbage_once(garbage: bytes, reader: str) -> None:
    cell = PointCell("y = 2 * x", {}, ("y",))
    true = {"python": PythonChunks(PYTHON, cell), "single": SingleChunks(language("shell"), cell)}

    class Sometimes(TwiceX):
        def read(self, values: Any, *rest: Any) -> Any:
            mine = values is not None and values.getvalue() != garbage
            return TwiceX.read(self, values, *rest) if mine else true.get(reader, TwiceX()).read(values, *rest)

    async def compute(job: JobInMemory) -> None:
        job.answer(garbage) if job.number % 2 == 0 else job.done()

    sweep = Sweep(40, {"far": MemoryEverest(compute)}, chunks={"far": Sometimes()}, rules=Rules(chunk=10, retries=9))
    assert await sweep.drive() == ""
    assert sweep.all_right()


async def test_a_resource_that_always_returns_garbage_is_left_to_itself() -> None:
    async def spoil(job: JobInMemory) -> None:
        job.answer(b"\xff\xfe")

    bad, good = MemoryEverest(spoil), MemoryEverest()
    sweep = Sweep(400, {"bad": bad, "good": good})
    assert await sweep.drive() == ""
    assert sweep.all_right()
    assert len(bad.jobs) <= 8


async def test_when_there_is_nothing_but_garbage_the_sweep_ends_and_says_so() -> None:
    async def spoil(job: JobInMemory) -> None:
        job.answer(b"\xff\xfe")

    sweep = Sweep(4000, {"bad": MemoryEverest(spoil)})
    reason = await sweep.drive()
    assert "a chunk's answer cannot be read" in reason
    assert sweep.grid.done == sweep.grid.failed == 0


async def test_a_job_that_fails_as_a_whole_is_split_down_to_the_point_at_fault() -> None:
    async def compute(job: JobInMemory) -> None:
        job.failed("no memory left") if 37 in job.points else job.done()

    far = MemoryEverest(compute)
    sweep = Sweep(100, {"far": far})
    assert await sweep.drive() == ""
    assert (sweep.grid.done, sweep.grid.failed) == (99, 1)
    assert sweep.grid.failures[0].params == {"x": 37}
    assert "no memory left" in sweep.grid.failures[0].error
    assert max(far.computed.values()) == 1


@pytest.mark.parametrize("reason", ["lost", "start"])
async def test_a_job_that_its_resource_lost_says_nothing_about_its_points(reason: str) -> None:
    async def compute(job: JobInMemory) -> None:
        job.failed("the resource is gone", reason) if job.number < 2 else job.done()

    far = MemoryEverest(compute)
    sweep = Sweep(40, {"far": far}, rules=Rules(chunk=40, retries=0), slots=1)
    assert await sweep.drive() == ""
    assert sweep.all_right()
    assert [len(job.points) for job in far.jobs.values()] == [40, 40, 40]


async def test_a_job_that_somebody_else_cancels_is_sent_again_and_no_point_is_blamed() -> None:
    async def compute(job: JobInMemory) -> None:
        if job.number < 3:
            job.fields = {"state": "CANCELLED"}
        else:
            job.done()

    far = MemoryEverest(compute)
    sweep = Sweep(1, {"far": far}, rules=Rules(chunk=1, retries=0), slots=1)
    assert await sweep.drive() == ""
    assert sweep.all_right()
    assert len(far.jobs) == 4


async def test_a_job_that_cannot_be_followed_is_cancelled_before_its_points_are_sent_again() -> None:
    async def lose(request: httpx.Request) -> httpx.Response | None:
        gone = request.method == "GET" and request.url.path == "/api/jobs/job0"
        return httpx.Response(403, json={"error": "not yours"}) if gone else None

    far = MemoryEverest(refuse=lose)
    sweep = Sweep(30, {"far": far}, slots=1)
    assert await sweep.drive() == ""
    assert sweep.all_right()
    assert far.jobs["job0"].state == "CANCELLED"
    assert not far.alive


async def test_a_connection_that_breaks_under_way_is_mended() -> None:
    broken: set[str] = set()

    async def cut(request: httpx.Request) -> httpx.Response | None:
        if request.url.path not in broken:
            broken.add(request.url.path)
            raise httpx.ReadError("cut", request=request)
        return None

    far = MemoryEverest(refuse=cut)
    sweep = Sweep(50, {"far": far})
    assert await sweep.drive() == ""
    assert sweep.all_right()
    assert max(far.computed.values()) == 1


async def test_a_server_that_is_never_there_ends_the_sweep_with_its_cause() -> None:
    async def cut(request: httpx.Request) -> httpx.Response | None:
        raise httpx.ConnectError("no route to host", request=request)

    sweep = Sweep(50, {"far": MemoryEverest(refuse=cut)})
    reason = await sweep.drive()
    assert "no resource is left (far: " in reason
    assert "no route to host" in reason


# --- refusals


@pytest.mark.parametrize("status", [429, 503])
async def test_a_server_that_is_busy_gets_each_job_once(status: int) -> None:
    refused: dict[str, int] = {}

    async def busy(request: httpx.Request) -> httpx.Response | None:
        key = request.headers.get("idempotency-key", "")
        if submission(request) and refused.setdefault(key, 0) < 4:
            refused[key] += 1
            return httpx.Response(status, json={"error": "later"})
        return None

    far = MemoryEverest(refuse=busy)
    sweep = Sweep(50, {"far": far})
    assert await sweep.drive() == ""
    assert sweep.all_right()
    assert len(far.jobs) == len(refused) == 5


async def test_a_server_that_stays_busy_ends_the_sweep_with_its_words() -> None:
    async def busy(request: httpx.Request) -> httpx.Response | None:
        return httpx.Response(503, json={"error": "under repair"}) if submission(request) else None

    sweep = Sweep(50, {"far": MemoryEverest(refuse=busy)})
    assert "refused (503): under repair" in await sweep.drive()


async def test_a_token_that_is_refused_under_way_ends_its_lane_and_the_other_goes_on() -> None:
    mine = MemoryEverest()

    async def refuse(request: httpx.Request) -> httpx.Response | None:
        return httpx.Response(401, json={"error": "expired"}) if len(mine.jobs) >= 2 else None

    mine.refuse = refuse
    sweep = Sweep(100, {"mine": mine, "other": MemoryEverest()})
    assert await sweep.drive() == ""
    assert sweep.all_right()
    alone = Sweep(100, {"mine": mine})
    reason = await alone.drive()
    assert "no resource is left (mine: " in reason
    assert "does not accept the token: expired" in reason


async def test_points_that_cannot_be_sent_end_the_sweep_and_its_jobs() -> None:
    class Picky(TwiceX):
        def render(self, columns: Any, count: int, budget: float) -> Any:
            if 25 in columns["x"]:
                raise CellError("25 cannot travel")
            return super().render(columns, count, budget)

    async def wait(job: JobInMemory) -> None:
        return None

    far = MemoryEverest(wait)
    sweep = Sweep(100, {"far": far}, chunks={"far": Picky()})
    with pytest.raises(CellError, match="25 cannot travel"):
        await sweep.drive()
    assert not far.alive


async def test_an_error_that_nobody_expected_ends_the_sweep_as_it_is() -> None:
    class Broken(TwiceX):
        def render(self, columns: Any, count: int, budget: float) -> Any:
            raise RuntimeError("a mistake of ours")

    far = MemoryEverest()
    with pytest.raises(RuntimeError, match="a mistake of ours"):
        await Sweep(100, {"far": far}, chunks={"far": Broken()}).drive()


async def test_results_that_no_disk_takes_end_the_sweep_with_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    far = MemoryEverest()
    sweep = Sweep(100, {"far": far})

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sweep.grid, "put", full)
    with pytest.raises(EverestError, match="No space left on device"):
        await sweep.drive()
    assert not far.alive


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
        for copy in copies:  # both at once, the straggler with other numbers
            copy.done(y=lambda x: 2 * x + (copy is copies[0] and copy is not job))

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
        from everest_kernel.sweeps.driver import _Flight
        from everest_kernel.sweeps.target import ChunkJob

        job = ChunkJob(driver._targets["far"], 1, leaves=lambda: False)
        flight = _Flight("far", np.array([0]), job, anyio.CancelScope())
        done, failed = (
            TwiceX().read(_stream(b'{"index": [0], "y": [0.0]}'), 1, "", {}),
            TwiceX().read(_stream(b'{"index": [], "y": [], "failed": {"0": "no"}}'), 1, "", {}),
        )
        answers = [done, failed] if first == "done" else [failed, done]
        for answer in answers:
            driver._take(number, flight, answer, 1.0)
    counts = sweep.run.counts
    assert (
        (counts.done, counts.failed) == (sweep.grid.done, sweep.grid.failed) == ((1, 0) if first == "done" else (0, 1))
    )


def _stream(content: bytes) -> Any:
    import io

    return io.BytesIO(content)


# --- interrupts


@pytest.mark.parametrize("phase", ["submit", "submitted", "follow", "download"])
async def test_an_interrupt_leaves_no_job_and_no_task(phase: str, store: PointStore) -> None:
    reached, never = anyio.Event(), anyio.Event()
    cancels = 0

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
    assert cancels == 0
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
        while len(far.alive) < 4:
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
    assert max(far.computed.values()) == 1
    assert len(far.jobs) > before
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
    assert max(far.computed.values()) == 1


# --- queues


async def test_chunks_that_queue_behind_their_own_are_not_withdrawn() -> None:
    far = MemoryEverest()
    ended = anyio.Event()

    async def compute(job: JobInMemory) -> None:
        running = next(other for other in far.jobs.values() if other.state != "DONE")
        if job is not running:
            job.fields = {"state": "READY"}
        elif len(far.jobs) > 2:
            job.done()

    async def queue(request: httpx.Request) -> httpx.Response | None:
        for job in far.jobs.values():
            if job.state == "READY":
                job.fields = {"state": "RUNNING"}
        return None

    far.compute, far.refuse = compute, queue
    sweep = Sweep(30, {"far": far}, slots=1, queue_limit=0.0)
    assert math.isfinite(LIMIT)
    assert await sweep.drive() in ("",) or ended.is_set()
