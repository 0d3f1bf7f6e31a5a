"""The first point of a new process, whose kernel was compiled before or must be compiled."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass

from .figures import Figure
from .lyapunov_cases import FIRST_POINT

__all__ = ["first_point"]


@dataclass(frozen=True)
class _Start:
    clock: float  # seconds until the process printed a line
    cpu: float  # seconds of processor time until its end


def _start(program: str, cache: str) -> _Start:
    """Start a Python process that prints a line, with per-user caches in a folder of its own."""
    homes = {"HOME": cache, "XDG_CACHE_HOME": cache}
    kept = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env=kept | homes) as run:
        assert run.stdout is not None
        line = run.stdout.readline()
        clock = time.perf_counter() - began
        run.stdout.read()
    if run.returncode or not line:
        raise RuntimeError(f"the process ended with status {run.returncode} and printed {line!r}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return _Start(clock, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def _figure(what: str, starts: list[_Start], goal: float, beside: str = "") -> Figure:
    clocks = [start.clock for start in starts]
    cpu = statistics.median(start.cpu for start in starts)
    detail = f"{min(clocks):.2f} to {max(clocks):.2f}, n={len(clocks)}; {cpu:.2f} s of processor time{beside}"
    return Figure(f"Lorenz, first point of a new process, {what}", statistics.median(clocks), "s", goal, True, detail)


def first_point(rounds: int = 7, cold_rounds: int = 3) -> list[Figure]:
    """One point of Lorenz's system at T = 500 by numba, from the start of the process to the printed exponents.

    Args:
        rounds: with a warm cache, each beside a process that imports numba and no more.
        cold_rounds: each with an empty cache.
    """
    cold, warm, imports = [], [], []
    for _ in range(cold_rounds):
        with tempfile.TemporaryDirectory() as cache:
            cold.append(_start(FIRST_POINT, cache))
    with tempfile.TemporaryDirectory() as cache:
        _start(FIRST_POINT, cache)
        for _ in range(rounds):
            warm.append(_start(FIRST_POINT, cache))
            imports.append(_start("import numpy, numba\nprint(flush=True)", cache))
    numba = f"; importing numba alone {statistics.median(start.clock for start in imports):.2f} s"
    return [_figure("warm cache", warm, 0.6, numba), _figure("empty cache", cold, 4)]
