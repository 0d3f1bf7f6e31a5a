"""The first point of a new process, whose kernel was compiled before or must be compiled."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time

from .figures import Figure
from .lyapunov_cases import FIRST_POINT

__all__ = ["first_point"]


def _seconds(program: str, cache: str) -> float:
    """Seconds from the start of a Python process until it prints a line."""
    homes = {"HOME": cache, "XDG_CACHE_HOME": cache}  # where per-user caches are
    kept = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    began = time.perf_counter()
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env=kept | homes) as run:
        assert run.stdout is not None
        line = run.stdout.readline()
        took = time.perf_counter() - began
        run.stdout.read()
    if run.returncode or not line:
        raise RuntimeError(f"the first point failed with exit status {run.returncode}")
    return took


def first_point(rounds: int = 7, cold_rounds: int = 3) -> list[Figure]:
    """One point of Lorenz's system at T = 500 by numba, from the start of the process to the printed exponents.

    Args:
        rounds: with a warm cache, each beside a process that imports numba and no more.
        cold_rounds: each with an empty cache.
    """
    cold, warm, imports = [], [], []
    for _ in range(cold_rounds):
        with tempfile.TemporaryDirectory() as cache:
            cold.append(_seconds(FIRST_POINT, cache))
    with tempfile.TemporaryDirectory() as cache:
        _seconds(FIRST_POINT, cache)
        for _ in range(rounds):
            warm.append(_seconds(FIRST_POINT, cache))
            imports.append(_seconds("import numpy, numba\nprint(flush=True)", cache))
    detail = f"{min(warm):.2f} to {max(warm):.2f}, n={rounds}; importing numba alone {statistics.median(imports):.2f} s"
    more = f"{min(cold):.2f} to {max(cold):.2f}, n={cold_rounds}"
    return [
        Figure("Lorenz, first point of a new process, warm cache", statistics.median(warm), "s", 0.6, True, detail),
        Figure("Lorenz, first point of a new process, empty cache", statistics.median(cold), "s", 4, True, more),
    ]
