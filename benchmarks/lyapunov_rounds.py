"""Contestants that take turns, A B C A B C …, so that a busy machine is busy for all of them."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["FULL_TIME", "Contestant", "Run", "Taken", "one_core", "ratio", "take_turns", "timed"]

FULL_TIME = 500.0  # what a "point" is: a run of so many units of time


@dataclass(frozen=True)
class Run:
    """One contestant's part of one round.

    Attributes:
        cpu: seconds of processor time of its whole process.
        wall: seconds.
        exponents: shape (points, states).
    """

    cpu: float
    wall: float
    exponents: NDArray[np.float64]


@dataclass(frozen=True)
class Contestant:
    """One way to compute spectra.

    Attributes:
        name: for people.
        points: how many it computes in a round.
        T: length of each run; its rate is scaled to FULL_TIME, since each unit of time is the same work.
        run: takes points and T.
    """

    name: str
    points: int
    T: float
    run: Callable[[int, float], Run]


@dataclass(frozen=True)
class Taken:
    """What a contestant reached in each round.

    Attributes:
        per_core: points a second of processor time.
        per_second: points a second.
        last: its last run.
    """

    per_core: tuple[float, ...]
    per_second: tuple[float, ...]
    last: Run

    @property
    def rate(self) -> float:
        """Median of points a second and core."""
        return statistics.median(self.per_core)

    @property
    def detail(self) -> str:
        """How far the rounds lie apart, and the rate by the clock, which other programs on the core lower."""
        low, high, clock = min(self.per_core), max(self.per_core), statistics.median(self.per_second)
        return f"{low:.4g} to {high:.4g}, n={len(self.per_core)}; by the clock {clock:.4g}"


def timed(compute: Callable[[int, float], NDArray[np.float64]]) -> Callable[[int, float], Run]:
    """A contestant's `run` from a function of this process.

    Args:
        compute: takes points and T, gives exponents.
    """

    def run(points: int, T: float) -> Run:  # noqa: N803 (the length of a run is T)
        wall, cpu = time.perf_counter(), time.process_time()
        exponents = compute(points, T)
        return Run(time.process_time() - cpu, time.perf_counter() - wall, exponents)

    return run


def take_turns(contestants: Sequence[Contestant], rounds: int) -> dict[str, Taken]:
    """Each computes once to warm up, and then once in every round.

    Args:
        contestants: in the order of their turns; names differ.
        rounds: how many.
    """
    for one in contestants:
        one.run(one.points, one.T)
    runs: dict[str, list[Run]] = {one.name: [] for one in contestants}
    for _ in range(rounds):
        for one in contestants:
            runs[one.name].append(one.run(one.points, one.T))
    taken = {}
    for one in contestants:
        work = one.points * one.T / FULL_TIME
        mine = runs[one.name]
        taken[one.name] = Taken(tuple(work / run.cpu for run in mine), tuple(work / run.wall for run in mine), mine[-1])
    return taken


def ratio(ours: Taken, theirs: Taken) -> float:
    """Median over the rounds of ours to theirs in the same round, per core."""
    return statistics.median(a / b for a, b in zip(ours.per_core, theirs.per_core, strict=True))


@contextmanager
def one_core() -> Iterator[int]:
    """Keep this thread, and what it starts, on one core; the core's number."""
    before = os.sched_getaffinity(0)
    core = max(before)
    os.sched_setaffinity(0, {core})
    try:
        yield core
    finally:
        os.sched_setaffinity(0, before)
