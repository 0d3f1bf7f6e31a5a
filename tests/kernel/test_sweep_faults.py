"""Sweeps in real kernels while something dies under them, and two kernels with one sweep."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from everest_kernel.local_hub import read_record
from tests.support.kernel import Cell, Kernel, running_kernel

from .test_sweeps import bar, computed, traced

BOUND = 90.0
"""Seconds within which a sweep must have ended or gone on, whatever died."""


def when(trace: Path, points: int, act: Any) -> Any:
    """Watches a cell: acts once, when so many points were computed."""
    acted = False

    def watch(cell: Cell, message: dict[str, Any]) -> None:
        nonlocal acted
        if not acted and sum(computed(trace).values()) >= points:
            acted = True
            act()

    return watch


def kill_hub(home: Path) -> None:
    record = read_record(home / "hub")
    assert record is not None
    os.kill(record.pid, signal.SIGKILL)


def test_a_hub_that_is_killed_under_a_sweep_loses_little_and_hangs_nothing(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    count, points = 200, "1:200:200"
    cell = f"%%sweep python x={points} --out y\n{traced(trace, 'import time; time.sleep(0.05)')}\ny = x * x"
    with running_kernel(tmp_path) as kernel:
        broken = kernel.run(cell, watch=when(trace, 60, lambda: kill_hub(tmp_path)), limit=BOUND)
        assert broken.seconds < BOUND
        assert broken.status == "ok" or "the same cell computes only what is missing" in broken.error
        before = sum(computed(trace).values())
        done = int(kernel.run("grid.done").result or 0)
        again = kernel.run(cell, limit=BOUND)
        assert again.status == "ok", again.error
        assert f"{done} points are known from before" in again.header
        assert kernel.run("int(grid.y.sum()) == sum(x * x for x in range(1, 201))").result == "True"
        assert sum(computed(trace).values()) - before <= count - done
    counted = computed(trace)
    assert len(counted) == count
    assert sum(counted.values()) <= 2 * count


def test_a_hub_that_does_not_come_back_ends_the_cell_with_its_cause(tmp_path: Path) -> None:
    trace, home = tmp_path / "trace", tmp_path / "hub"
    cell = f"%%sweep python x=1:400:400 --out y\n{traced(trace, 'import time; time.sleep(0.05)')}\ny = x"

    def destroy() -> None:
        kill_hub(tmp_path)
        home.rename(tmp_path / "gone")
        home.write_text("no folder")

    with running_kernel(tmp_path) as kernel:
        kernel.run("from everest_kernel.client import follow; follow.GIVE_UP = 2.0")  # two minutes otherwise
        broken = kernel.run(cell, watch=when(trace, 30, destroy), limit=BOUND)
        assert broken.status == "error"
        assert "the hub cannot be started" in broken.error
        assert "the same cell computes only what is missing" in broken.error
        assert broken.seconds < BOUND


def test_a_chunk_whose_processes_are_all_killed_is_computed_again(kernel: Kernel, tmp_path: Path) -> None:
    trace, where = tmp_path / "trace", tmp_path / "pid"
    body = traced(trace, f"import time; time.sleep(0.02)\nopen({str(where)!r}, 'w').write(str(os.getpid()))\ny = x")

    def kill() -> None:
        os.killpg(os.getpgid(int(where.read_text() or 0)), signal.SIGKILL)

    cell = kernel.run(f"%%sweep python x=1:200:200 --out y\n{body}", watch=when(trace, 40, kill))
    assert cell.status == "ok", cell.error
    assert kernel.run("grid.done, grid.failed").result == "(200, 0)"


def test_two_kernels_with_one_sweep_share_its_jobs(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    body = traced(trace, "import time; time.sleep(0.03)\ny = x * x")
    cell = f"%%sweep python x=1:200:200 --out y\n{body}"
    with (
        running_kernel(tmp_path) as first,
        running_kernel(tmp_path, name="python3", keep_hub=True) as second,
    ):
        second.run("%load_ext everest_kernel")
        begun: list[str] = []
        message = first.send_cell(cell)
        mine = first.collect(message, watch=when(trace, 20, lambda: begun.append(second.send_cell(cell))))
        other = second.collect(begun[0])
        for kernel, ended in ((first, mine), (second, other)):
            assert ended.status == "ok", ended.error
            assert kernel.run("int(grid.y.sum()) == sum(x * x for x in range(1, 201))").result == "True"
    counted = computed(trace)
    assert len(counted) == 200
    assert sum(counted.values()) < 2 * 200, "what the other has computed or is computing is not computed again"


def test_an_interrupt_in_one_kernel_does_not_end_the_others_sweep(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    cell = f"%%sweep python x=1:150:150 --out y\n{traced(trace, 'import time; time.sleep(0.03)')}\ny = x"
    with (
        running_kernel(tmp_path) as first,
        running_kernel(tmp_path, name="python3", keep_hub=True) as second,
    ):
        second.run("%load_ext everest_kernel")
        begun: list[str] = []
        message = first.send_cell(cell)

        def interrupt(ended: Cell, message: dict[str, Any]) -> None:
            if message["msg_type"] == "display_data":  # it has begun to follow the first one's jobs
                second.manager.interrupt_kernel()

        def start() -> None:
            begun.append(second.send_cell(cell))
            assert second.collect(begun[0], watch=interrupt).status == "error"

        mine = first.collect(message, watch=when(trace, 20, start), limit=BOUND)
        assert mine.status == "ok", mine.error
        assert first.run("grid.done, grid.failed").result == "(150, 0)"


ROUTES = """
[routes.one]
language = "python"

[routes.two]
language = "python"

[routes.absent]
language = "python"
program = "no-such-python"
"""


@pytest.fixture
def routes(kernel: Kernel, tmp_path: Path) -> Kernel:
    (tmp_path / "everest.toml").write_text(ROUTES)
    kernel.run(f"%cd -q {tmp_path}")
    yield kernel  # type: ignore[misc]
    kernel.run("%cd -q -")


def test_two_routes_of_one_language_share_the_points(routes: Kernel, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    body = traced(trace, "import time; time.sleep(0.02)\ny = x * 3")
    cell = routes.run(f"%%sweep one,two x=0:199:200 --out y\n{body}")
    assert cell.status == "ok", cell.error
    assert cell.header.count("one, two: sweep-") == 1
    assert routes.run("grid.y.tolist() == [3 * x for x in range(200)]").result == "True"
    routes.run("from everest_kernel.notebook.session import shared_session as _s")
    jobs = "_s().thread.run(next(iter(_s()._clients.values())).jobs())"
    sweep = cell.header.split("sweep-")[1][:8]
    took_part = f"sorted({{job.name.split()[0] for job in {jobs} if '{sweep}' in job.name and job.state == 'DONE'}})"
    assert routes.run(took_part).result == "['one', 'two']"
    again = routes.run(f"%%sweep two,one x=0:199:200 --out y\n{body}")
    assert "200 points are known from before" in again.header


def test_a_route_that_cannot_compute_costs_the_sweep_nothing(routes: Kernel) -> None:
    text = "import time; time.sleep(0.02)\ny = x - 1"
    cell = routes.run(f"%%sweep absent,one x=0:199:200 --out y --fresh\n{text}", limit=BOUND)
    assert cell.status == "ok", cell.error
    assert "200 of 200 points" in bar(cell)
    assert routes.run("grid.done, grid.failed").result == "(200, 0)"
    alone = routes.run(f"%%sweep absent x=0:199:200 --out y --fresh\n{text}", limit=BOUND)
    assert alone.status == "error"
    assert "no-such-python" in alone.error


def test_results_of_two_forms_from_two_sweeps_do_not_break_a_third(kernel: Kernel) -> None:
    text = "y = [1.0] if x == 2 else [1.0, 2.0]  # of two forms"
    for points in ("2", "1,3"):
        assert kernel.run(f"%%sweep python x={points}, --out y\n{text}").status == "ok"
    cell = kernel.run(f"%%sweep python x=1,2,3 --out y\n{text}")
    assert cell.status == "ok", cell.error
    assert kernel.run("grid.done + grid.failed, grid.failed > 0").result == "(3, True)"
    assert "shape" in (kernel.run("grid.failures[0].error").result or "")


def test_records_that_cannot_be_written_are_said_and_the_sweep_goes_on(tmp_path: Path) -> None:
    (tmp_path / "records").mkdir()
    (tmp_path / "records" / "points.sqlite").mkdir()  # whoever the tests run as, a folder is no file
    with running_kernel(tmp_path) as kernel:
        cell = kernel.run("%%sweep python x=1:50:50 --out y\ny = x")
        assert cell.status == "ok", cell.error
        assert "finished points are not kept" in cell.text("stderr")
        assert kernel.run("grid.done").result == "50"
