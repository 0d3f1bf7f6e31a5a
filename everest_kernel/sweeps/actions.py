"""The words of a sweep's run: its lanes and rules, the actions it asks for, what it tells about itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Action", "Cancel", "Counts", "Failed", "Lane", "Launch", "Numbers", "Rules", "Share", "Stop"]

Numbers: TypeAlias = NDArray[np.int64]
"""Numbers of points: flat indices in C order over a space's axes, shape (n,)."""


@dataclass(frozen=True)
class Lane:
    """A route and a set of resources that take jobs of their own.

    Args:
        name: what it is called in actions and shares; unique within a run.
        slots: how many of its jobs can compute at the same time, at least 1.
    """

    name: str
    slots: int


@dataclass(frozen=True)
class Rules:
    """How points become jobs, and when enough has failed.

    Args:
        retries: how many times a chunk that its points may have broken is sent again whole before it is split.
        chunk: a fixed number of points in each job, without a budget; None: by measured time.
        one_by_one: exactly one point in each job, for languages without a loop.
        target: seconds that a chunk should compute; up to twice as long where starting a job is dear.
        first_budget: seconds after which the first chunks, about which nothing is known, give back the rest.
        first_size: most points in the first chunks, where a chunk cannot stop by itself; None: `most_in_chunk`.
        most_in_chunk: most points in any chunk.
        stop_after: failures without one success after which the run stops, if they are alike; 0: never.
        losses: losses by infrastructure in a row, of jobs sent one after the other, that close a lane.
        drops: how often infrastructure may lose a chunk before its points are suspected of it.
        copies: how often points whose job is overdue at the end are given to another job as well.
        overdue: how many times its expected duration a job may last until it counts as overdue.
    """

    retries: int = 1
    chunk: int | None = None
    one_by_one: bool = False
    target: float = 3.0
    first_budget: float = 0.25
    first_size: int | None = None
    most_in_chunk: int = 20_000
    stop_after: int = 20
    losses: int = 5
    drops: int = 3
    copies: int = 1
    overdue: float = 2.0


@dataclass(frozen=True, eq=False)
class Launch:
    """Submit a job for these points.

    Args:
        flight: the job's number in all later events.
        lane: name of the lane to send it to.
        numbers: its points, shape (n,), n >= 1.
        budget: seconds of computing after which the chunk returns what it has; `math.inf`: without end.
    """

    flight: int
    lane: str
    numbers: Numbers
    budget: float


@dataclass(frozen=True)
class Cancel:
    """Cancel a job: nothing that it could still bring is wanted. Events about it are ignored from now on."""

    flight: int


@dataclass(frozen=True, eq=False)
class Failed:
    """Points that the run has given up, with one error text each; no event told of them as failed."""

    numbers: Numbers
    errors: tuple[str, ...]


@dataclass(frozen=True)
class Stop:
    """The run is over; always the last action.

    Args:
        reason: "" when every point has an answer, else why it ended before.
    """

    reason: str


Action: TypeAlias = Launch | Cancel | Failed | Stop


@dataclass(frozen=True)
class Counts:
    """Where the points are: `total` is the sum of the other four."""

    total: int
    done: int
    failed: int
    in_flight: int
    waiting: int


@dataclass(frozen=True)
class Share:
    """What one resource, or one lane, has computed.

    Args:
        points: points that it answered.
        seconds: seconds that it computed for them, summed over its slots.
    """

    points: int
    seconds: float

    @property
    def speed(self) -> float:
        """Points in a second of one slot; 0.0 when nothing is measured."""
        return self.points / self.seconds if self.seconds > 0 else 0.0
