"""`%%sweep` in a kernel: tiny points beside the peers, pure computing, a killed kernel, a bad point, a border."""

from __future__ import annotations

import os
import signal
import statistics
import tempfile
import time
from collections import Counter
from pathlib import Path

import psutil

from .figures import Figure
from .kernels import KernelDriver, running_kernel
from .sweep_peers import floor_cpu, peer_runs

__all__ = ["bad_point", "refined", "resumed", "sweep_of_computing", "tiny_points"]

_REPEATS = 5
_BURN = """\
from time import thread_time
_end = thread_time() + {seconds}
while thread_time() < _end:
    pass
y = x
"""
"""Pure computing for so many seconds of a core, whoever else is on it."""


def _timed_sweep(kernel: KernelDriver, points: int) -> float:
    """Seconds from the cell's request to the full grid: to the last state of the bar, which tells of it."""
    began = time.time()
    _, seen = kernel.run(f"%%sweep python x=0:{points - 1}:{points} --out y --fresh\ny = x * x")
    kernel.run(f"assert grid.done == {points} and int(grid.y[-1]) == {points - 1} ** 2")
    ends = [at for at, kind, content in seen if kind == "update_display_data" and "took" in str(content["data"])]
    return ends[-1] - began


def _median_of_sweeps(kernel: KernelDriver, points: int, repeats: int) -> tuple[float, str]:
    taken = [_timed_sweep(kernel, points) for _ in range(repeats)]
    return statistics.median(taken), f"{min(taken):.3f} to {max(taken):.3f} s, n={repeats}"


def tiny_points() -> list[Figure]:
    """10,000 and 100,000 points of `y = x * x`; the peers, which are started before, do the same."""
    with running_kernel("everest") as kernel:
        _timed_sweep(kernel, 100)  # the hub starts
        few, detail = _median_of_sweeps(kernel, 10_000, _REPEATS)
        process = psutil.Process(kernel.manager.provisioner.pid)  # type: ignore[union-attr]
        before = process.memory_info().rss
        many, more = _median_of_sweeps(kernel, 100_000, 3)
        grown = (process.memory_info().rss - before) / 1e6
    figures = [
        Figure("10,000 tiny points by %%sweep", few, "s", detail=detail),
        Figure("100,000 tiny points / 10,000 of them", many / few, "x", 12, True, f"{many:.3f} s: {more}"),
        Figure("growth of the kernel's memory by 100,000 points", grown, "MB", 200, True),
    ]
    for way, runs in peer_runs(10_000).items():
        if isinstance(runs, str):
            print(f"{way} {runs}", flush=True)
            continue
        best = statistics.median(runs.seconds)
        detail = f"{few:.3f} s, {way} {best:.3f} s (best {min(runs.seconds):.3f}), version {runs.version}"
        figures.append(Figure(f"%%sweep / {way}", few / best, "x", 1, True, detail))
    return figures


def sweep_of_computing(points: int = 2000, seconds: float = 0.05) -> list[Figure]:
    """Points of pure computing: what the sweep adds to the least time that they take on two cores."""
    with running_kernel("everest") as kernel:
        _timed_sweep(kernel, 100)
        cell = f"%%sweep python x=1:{points}:{points} --out y --fresh\n{_BURN.format(seconds=seconds)}"
        took, _ = kernel.run(cell)
        kernel.run(f"assert grid.done == {points}")
    floor = floor_cpu(points, seconds, 2)
    detail = f"{took:.2f} s, {points} points of {seconds * 1e3:g} ms on 2 cores: {floor:.2f} s"
    return [Figure("points of computing / their least time", took / floor, "x", 1.08, True, detail)]


def _traced(trace: Path, text: str) -> str:
    return f"with open({str(trace)!r}, 'a') as _trace: _trace.write(f'{{x}}\\n')\n{text}"


def resumed(points: int = 2000, seconds: float = 0.01) -> list[Figure]:
    """The kernel is killed in the middle; another one takes the same cell."""
    with tempfile.TemporaryDirectory() as folder, running_kernel("everest") as kernel:
        trace = Path(folder) / "trace"
        cell = f"%%sweep python x=1:{points}:{points} --out y\n{_traced(trace, _BURN.format(seconds=seconds))}"
        kernel.run("%%sweep python x=1,2 --out y\ny = x")

        def kill(kind: str, content: dict[str, object]) -> None:
            if trace.exists() and trace.read_text().count("\n") >= points // 2:
                os.kill(kernel.manager.provisioner.pid, signal.SIGKILL)  # type: ignore[union-attr]
                raise InterruptedError

        try:
            kernel.run(cell, watch=kill)
            raise RuntimeError("the sweep was over before half of it was computed")
        except InterruptedError:
            pass
        kernel.restart()
        kernel.run(cell)
        kernel.run(f"assert grid.done == {points}")
        counted = Counter(trace.read_text().split())
    if len(counted) != points:
        raise RuntimeError(f"{len(counted)} of {points} points were computed")
    computed = sum(counted.values())
    return [Figure("points computed, with a kernel killed / points", computed / points, "x", 1.02, True, f"{computed}")]


def bad_point(points: int = 10_000) -> list[Figure]:
    """One point that raises, and one that ends its process: how many others are computed again."""
    figures = []
    with tempfile.TemporaryDirectory() as folder, running_kernel("everest") as kernel:
        for name, fault in (("raises", "1 / 0"), ("ends its process", "import os; os._exit(3)")):
            trace = Path(folder) / name.split()[0]
            text = _traced(trace, f"if x == 7000:\n    {fault}\ny = x\n")
            kernel.run(f"%%sweep python x=1:{points}:{points} --out y\n{text}")
            kernel.run(
                f"assert grid.done == {points - 1} and grid.failed == 1 and grid.failures[0].params['x'] == 7000"
            )
            extra = trace.read_text().count("\n") - points
            detail = f"{points - 1} results, {extra} points computed again"
            figures.append(
                Figure(f"one point of {points} {name}: extra work", 100 * extra / points, "%", 1, True, detail)
            )
    return figures


def refined(side: int = 512) -> list[Figure]:
    """The border of a 512 × 512 grid by refinement, against the full grid: the same pixels, and how many points."""
    text = "import numpy as np\nL1 = np.sin(3 * a) * np.cos(2 * b) + 0.3 * a - 0.1\n"
    line = f"%%sweep python a=-3:3:{side} b=-3:3:{side} --out L1 --vectorized"
    with running_kernel("everest") as kernel:
        began = time.perf_counter()
        kernel.run(f"{line} --into full\n{text}")
        whole = time.perf_counter() - began
        took, _ = kernel.run(f"{line} --refine L1=0 --into border --fresh\n{text}")
        check = (
            "from everest_kernel.sweeps.refine import Refinement, zero_pixels\n"
            "_fill = Refinement(border.shape, level=0.0).fill(border.L1)\n"
            "_wrong = int((zero_pixels(_fill) != zero_pixels(full.L1)).sum())\n"
            "print(border.done, _wrong)"
        )
        _, seen = kernel.run(check)
        done, wrong = map(int, "".join(c["text"] for _, kind, c in seen if kind == "stream").split())
    detail = f"{done} of {side * side} points in {took:.2f} s (all: {whole:.2f} s), {wrong} pixels of the line differ"
    return [
        Figure(f"points of a refined {side} x {side} border", 100 * done / side**2, "%", 10, True, detail),
        Figure("pixels of the border that differ", wrong, "", 0, True),
    ]
