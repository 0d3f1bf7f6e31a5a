"""The drive of a sweep, against an Everest that does what a real one does not do on demand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from everest_kernel.records import PointStore
from everest_kernel.sweeps.chunks import PointCell
from everest_kernel.sweeps.python_chunks import PythonChunks
from everest_kernel.sweeps.run import Rules
from everest_kernel.sweeps.single_chunks import SingleChunks
from everest_kernel.wire import CellError, EverestError

from .chunk_runner import PYTHON, language
from .memory_everest import JobInMemory, MemoryEverest, Sweep, TwiceX, hurry


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
    assert set(sweep.run.shares) == {"far"}
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
