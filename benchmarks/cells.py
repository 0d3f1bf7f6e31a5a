"""What a notebook feels: plain cells, kernel start, remote cells, first output."""

from __future__ import annotations

import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from .figures import Figure, median_of
from .kernels import KernelDriver, running_kernel

__all__ = ["first_output", "kernel_start", "plain_cells", "remote_cells"]

PLAIN = ("1 + 1", "x = 3", "print('a')", "def f(n):\n    return [i ** 2 for i in range(n)]\nsum(f(100))")


def plain_cells(rounds: int = 300) -> list[Figure]:
    """The same cells in both kernels, in turn."""
    with running_kernel("everest") as ours, running_kernel("python3") as stock:
        times: dict[KernelDriver, list[float]] = {ours: [], stock: []}
        for number in range(rounds + 20):
            pair = (ours, stock) if number % 2 else (stock, ours)
            for kernel in pair:
                took = sum(kernel.run(code)[0] for code in PLAIN) / len(PLAIN)
                if number >= 20:
                    times[kernel].append(took)
    ratio = statistics.median(times[ours]) / statistics.median(times[stock])
    detail = f"ours {median_of(times[ours])}, stock {median_of(times[stock])}"
    return [Figure("plain cell, request to idle / stock ipykernel", ratio, "x", 1.1, detail=detail)]


def kernel_start(rounds: int = 10) -> list[Figure]:
    """From spawning the process to the answer of its first request."""
    times: dict[str, list[float]] = {"everest": [], "python3": []}
    for number in range(rounds + 1):
        for name in ("everest", "python3") if number % 2 else ("python3", "everest"):
            began = time.perf_counter()
            with running_kernel(name):
                took = time.perf_counter() - began
            if number:  # the first one fills the disk cache
                times[name].append(took)
    more = statistics.median(times["everest"]) - statistics.median(times["python3"])
    detail = f"ours {median_of(times['everest'])}, stock {median_of(times['python3'])}"
    return [Figure("kernel start to ready, more than stock ipykernel", more, "s", 0.2, detail=detail)]


def remote_cells(rounds: int = 200) -> list[Figure]:
    """`true` on a warm hub, beside the bare process in the same run."""
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "program.sh"
        program.write_text("true\n")
        bare, cells = [], []
        with running_kernel("everest") as kernel:
            for number in range(rounds + 10):
                began = time.perf_counter()
                subprocess.run(["sh", str(program)], check=True)
                bare_took = time.perf_counter() - began
                took, _ = kernel.run("%%remote shell\ntrue")
                if number >= 10:
                    bare.append(bare_took)
                    cells.append(took)
    value = statistics.median(cells) * 1e3
    detail = f"{median_of(cells)}; the bare process {median_of(bare)}"
    return [Figure("%%remote shell running true, request to idle", value, "ms", 25, detail=detail)]


def first_output(rounds: int = 100) -> list[Figure]:
    """The task writes the time of day; the front end compares it with the time at which that line arrives."""
    delays = []
    with running_kernel("everest") as kernel:
        for _ in range(rounds):
            _, messages = kernel.run("%%remote shell\ndate +%s.%N\nsleep 0.03")
            wall, content = next((wall, c) for wall, kind, c in messages if kind == "stream")
            delays.append(wall - float(content["text"]))
    value = statistics.median(delays) * 1e3
    return [Figure("first line of remote output, written to shown", value, "ms", 15, detail=median_of(delays))]
