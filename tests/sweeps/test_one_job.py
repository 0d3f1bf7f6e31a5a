"""A sweep as one job: what its archive of results may lack, or have too much of."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import everest_kernel.client
from everest_kernel.client import SweepOutcome
from everest_kernel.sweeps import Grid, Keeper, Taker, parse_space, run_as_one_job
from everest_kernel.sweeps.target import LaneTarget
from everest_kernel.wire import EverestError, JobState, ProtocolError

from .chunk_runner import PYTHON
from .memory_everest import TwiceX

COUNT, SLOTS = 32, 2
VALUES = PYTHON.values_file
TASK = 2
"""Points in each of the 16 tasks."""


def answer_of(task: int) -> bytes:
    return f'{{"index": [0, 1], "y": [{task * 4}.0, {task * 4 + 2}.0]}}'.encode()


async def sweep(
    monkeypatch: pytest.MonkeyPatch,
    make: Callable[[zipfile.ZipFile], None],
    spoil: Callable[[Path], None] | None = None,
) -> tuple[Grid, list[int]]:
    """The grid, and the points that were not answered."""

    async def run_sweep(client: Any, plan: str, files: Any, target: Path, **_: Any) -> SweepOutcome:
        assert len(files) == COUNT // TASK
        assert f"parameter chunk from 0 to {COUNT // TASK - 1} step 1" in plan
        with zipfile.ZipFile(target, "w") as archive:
            make(archive)
        if spoil is not None:
            spoil(target)
        return SweepOutcome(JobState.FAILED, "application", target, "some failed", "job")

    monkeypatch.setattr(everest_kernel.client, "run_sweep", run_sweep)
    space = parse_space([f"x=0:{COUNT - 1}:{COUNT}"], {})
    grid = Grid(space, ("y",))
    keeper = Keeper(None, "ab" * 32, "{}", space)
    route: Any = SimpleNamespace(name="far", language=PYTHON, command=PYTHON.command)
    target = LaneTarget(route, "far", None, "app", TwiceX())  # type: ignore[arg-type]
    try:
        left, _ = await run_as_one_job(
            target, space, np.arange(COUNT), SLOTS, Taker(grid, keeper), lambda progress: None
        )
    finally:
        keeper.close()
    done = np.flatnonzero(grid.status == 1)
    assert sorted([*done.tolist(), *left.tolist()]) == list(range(COUNT))
    assert [float(grid.y[place]) for place in done] == [2.0 * place for place in done]
    return grid, left.tolist()


def fill(archive: zipfile.ZipFile, *, without: int = -1) -> None:
    for task in range(COUNT // TASK):
        if task != without:
            archive.writestr(f"{task}/{VALUES}", answer_of(task))


async def test_all_tasks_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    grid, left = await sweep(monkeypatch, fill)
    assert (grid.done, left) == (COUNT, [])


@pytest.mark.parametrize("content", [None, b"", b"\xff\x00", b"[]", b'{"index": [7], "y": [1.0]}', b"1" * 10_000])
async def test_a_task_without_an_answer_leaves_its_points_and_costs_no_others(
    monkeypatch: pytest.MonkeyPatch, content: bytes | None
) -> None:
    def make(archive: zipfile.ZipFile) -> None:
        fill(archive, without=3)
        archive.writestr("3/failure.txt", b"killed \xff")
        archive.writestr("99/of-no-task", b"")
        if content is not None:
            archive.writestr(f"3/{VALUES}", content)

    grid, left = await sweep(monkeypatch, make)
    assert (grid.done, grid.failed, left) == (COUNT - TASK, 0, [6, 7])


async def test_a_member_that_is_damaged_costs_its_task_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def spoil(path: Path) -> None:
        content = path.read_bytes()
        assert content.count(answer_of(5)) == 1
        path.write_bytes(content.replace(answer_of(5), answer_of(5).replace(b"2", b"3")))

    grid, left = await sweep(monkeypatch, fill, spoil)
    assert (grid.done, left) == (COUNT - TASK, [10, 11])


async def test_results_that_are_no_archive_are_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ProtocolError, match="the sweep's results are no archive"):
        await sweep(monkeypatch, fill, lambda path: path.write_bytes(b"<html>"))  # type: ignore[arg-type, return-value]


async def test_a_job_without_results_is_an_error_with_its_words(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run_sweep(*_: Any, **__: Any) -> SweepOutcome:
        return SweepOutcome(JobState.FAILED, "application", None, "the resource is gone", "job-7")

    monkeypatch.setattr(everest_kernel.client, "run_sweep", run_sweep)
    space = parse_space(["x=0:3:4"], {})
    keeper = Keeper(None, "ab" * 32, "{}", space)
    route: Any = SimpleNamespace(name="far", language=PYTHON, command=PYTHON.command)
    target = LaneTarget(route, "far", None, "app", TwiceX())  # type: ignore[arg-type]
    taker = Taker(Grid(space, ("y",)), keeper)
    with pytest.raises(EverestError, match="the resource is gone") as caught:
        await run_as_one_job(target, space, np.arange(4), 2, taker, lambda progress: None)
    keeper.close()
    assert caught.value.job_id == "job-7"
