"""What a benchmark gives: figures with their goals, as a table."""

from __future__ import annotations

import statistics
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import psutil

__all__ = ["Figure", "median_of", "peak_memory", "table"]


@dataclass(frozen=True)
class Figure:
    """One measured figure.

    Attributes:
        what: what was measured.
        value: the figure that the goal is about.
        unit: `x` for a ratio, else ms, s, jobs/s.
        goal: the bound; None where there is none.
        at_most: whether the goal is an upper bound.
        detail: the numbers behind it.
    """

    what: str
    value: float
    unit: str
    goal: float | None = None
    at_most: bool = True
    detail: str = ""

    @property
    def reached(self) -> bool | None:
        """Whether the goal is reached; None where there is none."""
        if self.goal is None:
            return None
        return self.value <= self.goal if self.at_most else self.value >= self.goal


def median_of(samples: Sequence[float]) -> str:
    """The median with the tenth and the ninetieth percentile, of seconds, in milliseconds."""
    low, *_, high = statistics.quantiles(samples, n=10)
    return f"{statistics.median(samples) * 1e3:.2f} ms ({low * 1e3:.2f} to {high * 1e3:.2f}, n={len(samples)})"


def table(figures: Sequence[Figure]) -> str:
    """The figures, one a line."""
    lines = []
    for figure in figures:
        goal = "" if figure.goal is None else f"{'<=' if figure.at_most else '>='} {figure.goal:g} {figure.unit}"
        verdict = {True: "reached", False: "MISSED", None: ""}[figure.reached]
        lines.append(f"{figure.what:<52} {figure.value:9.3f} {figure.unit:<7} {goal:<12} {verdict:<8} {figure.detail}")
    return "\n".join(lines)


@contextmanager
def peak_memory(pid: int) -> Iterator[list[int]]:
    """Follow a process's resident memory; afterwards the list has how much it grew at most, in bytes."""
    process, stop, grown = psutil.Process(pid), threading.Event(), [0]
    before = process.memory_info().rss

    def watch() -> None:
        while not stop.wait(0.02):
            grown[0] = max(grown[0], process.memory_info().rss - before)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield grown
    finally:
        stop.set()
        thread.join()
