"""How far a sweep is: the counts at one moment, the rate they grow at, and the line that tells it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

__all__ = [
    "Counts",
    "Meter",
    "Progress",
    "format_count_rate",
    "format_progress",
    "format_shares",
    "format_time_left",
    "progress_parts",
]

_MEMORY = 20.0
"""Seconds after which what a rate was measured from counts a third."""
_START = 2.0
"""Seconds that the first interval counts at most: queueing and start-up are in it."""
_SHORTEST = 0.2
"""Seconds of the shortest interval: chunks of several slots that end together are one arrival."""
_CELLS = 10
_MOST_SHARES = 4


class Counts(Protocol):
    """Points that are to be computed, by what became of them; those whose results were on disk are not among them."""

    @property
    def total(self) -> int:
        """All of them."""

    @property
    def done(self) -> int:
        """Those that have results."""

    @property
    def failed(self) -> int:
        """Those that have an error instead."""

    @property
    def in_flight(self) -> int:
        """Those in jobs that have not answered."""

    @property
    def waiting(self) -> int:
        """Those in no job yet."""


@dataclass(frozen=True)
class Progress:
    """A sweep at one moment.

    Attributes:
        total: points of the sweep, the kept ones included.
        kept: points whose results were on disk already.
        done: points that were computed, without the kept ones.
        failed: points that have an error instead of results.
        running: points in jobs that have not answered.
        waiting: points that are in no job yet.
        rate: points per second that get an answer, smoothed; 0 when not known.
        left: seconds until the last point is answered; None when not known.
        elapsed: seconds since the sweep began.
        shares: resource to the points it answered and the points per second it computes.
        note: anything else to be told in a few words.
        ended: whether nothing more will come.
    """

    total: int
    kept: int = 0
    done: int = 0
    failed: int = 0
    running: int = 0
    waiting: int = 0
    rate: float = 0.0
    left: float | None = None
    elapsed: float = 0.0
    shares: Mapping[str, tuple[int, float]] = field(default_factory=dict)
    note: str = ""
    ended: bool = False

    @property
    def answered(self) -> int:
        """Points that have results or an error."""
        return self.kept + self.done + self.failed

    @property
    def part(self) -> float:
        """The answered part of all points, 0 to 1; 1 when there are none."""
        return min(self.answered / self.total, 1.0) if self.total > 0 else 1.0


class Meter:
    """Turns counts and times into a rate and the time left.

    Answers come in bursts, one chunk at a time. The rate is therefore measured from arrival to arrival, and the past
    counts the less the longer ago it is (an exponential average over time). Between arrivals it stays as it is until
    the next burst is overdue; from then on it falls.

    Args:
        now: when the sweep began, in seconds of any clock that does not go back.
        kept: points whose results were on disk already.
    """

    def __init__(self, now: float, *, kept: int = 0) -> None:
        self._began = self._arrived = now
        self._kept = kept
        self._answered = 0
        self._burst = 0.0
        self._points = 0.0  # weighted by age, as the seconds are
        self._seconds = 0.0

    def read(
        self,
        now: float,
        counts: Counts,
        *,
        shares: Mapping[str, tuple[int, float]] | None = None,
        note: str = "",
        ended: bool = False,
    ) -> Progress:
        """The progress now.

        Args:
            now: seconds, of the same clock as ever.
            counts: of the points to be computed.
            shares: resource to the points it answered and the points per second it computes.
            note: anything else to be told.
            ended: whether nothing more will come; the rate is then that of the whole sweep.
        """
        answered = counts.done + counts.failed
        self._take(now, answered)
        elapsed = max(now - self._began, 0.0)
        rate = answered / elapsed if ended and elapsed > 0 else self._rate(now)
        missing = max(counts.total - answered, 0)
        left = None
        if not ended:
            left = 0.0 if not missing else missing / rate if rate > 0 else None
        return Progress(
            total=counts.total + self._kept,
            kept=self._kept,
            done=counts.done,
            failed=counts.failed,
            running=counts.in_flight,
            waiting=counts.waiting,
            rate=rate,
            left=left,
            elapsed=elapsed,
            shares=dict(shares or {}),
            note=note,
            ended=ended,
        )

    def _take(self, now: float, answered: int) -> None:
        """Count what has arrived since the last arrival."""
        came, took = answered - self._answered, now - self._arrived
        if came <= 0 or took < _SHORTEST:
            return  # what came too soon is counted with the next
        first = self._seconds == 0
        faded = math.exp(-took / _MEMORY)
        weight = _MEMORY * (1 - faded)
        if first:
            weight = min(weight, _START)
        self._points = self._points * faded + weight * came / took
        self._seconds = self._seconds * faded + weight
        self._answered, self._arrived, self._burst = answered, now, float(came)

    def _rate(self, now: float) -> float:
        if self._seconds == 0:
            return 0.0
        since = max(now - self._arrived, 0.0)
        return min(self._points / self._seconds, (self._points + self._burst) / (self._seconds + since))


def format_progress(progress: Progress, *, width: int | None = None) -> str:
    """One line for consoles: `[#####.....] 4,512 of 10,000 points, 3 failed, 812/s, 7 s left (vm-1 60 %, vm-2 40 %)`.

    Args:
        progress: what to tell.
        width: characters that the line may have; shares are left out where they do not fit.
    """
    filled = int(progress.part * _CELLS)
    line = f"[{'#' * filled}{'.' * (_CELLS - filled)}] {', '.join(progress_parts(progress))}"
    for most in range(_MOST_SHARES, 0, -1):
        shares = format_shares(progress, most=most)
        if shares and (width is None or len(line) + len(shares) + 3 <= width):
            return f"{line} ({shares})"
    return line


def progress_parts(progress: Progress) -> list[str]:
    """What there is to tell of a progress, but for the shares: counts, rate, time left, note."""
    points = "point" if progress.total == 1 else "points"
    parts = [f"{progress.answered:,} of {progress.total:,} {points}"]
    if progress.kept:
        parts.append(f"{progress.kept:,} kept from before")
    if progress.failed:
        parts.append(f"{progress.failed:,} failed")
    if progress.ended:
        parts.append(f"took {_seconds(progress.elapsed)}")
    if progress.rate > 0:
        parts.append(format_count_rate(progress.rate))
    if progress.left is not None and progress.answered < progress.total:
        parts.append(f"{format_time_left(progress.left)} left")
    elif not progress.ended:
        parts.append(f"{int(progress.elapsed)} s" if progress.elapsed < 120 else _seconds(progress.elapsed))
    if progress.note:
        parts.append(" ".join(progress.note.split()))
    return parts


def format_shares(progress: Progress, *, most: int = _MOST_SHARES) -> str:
    """How the computed points were shared: `vm-1 60 %, vm-2 40 %`; empty when no resource has answered yet."""
    points = {name: share[0] for name, share in progress.shares.items()}
    whole = sum(points.values())
    if whole <= 0:
        return ""
    largest = sorted(points, key=lambda name: (-points[name], name))
    parts = [f"{name} {100 * points[name] / whole:.0f} %" for name in largest[:most]]
    if len(largest) > most:
        parts.append(f"{len(largest) - most} more")
    return ", ".join(parts)


def format_count_rate(rate: float) -> str:
    """Points per second, or per minute or hour where there is less than one: `812/s`, `4.1/s`, `12/min`."""
    for factor, unit in ((1, "s"), (60, "min"), (3600, "h")):
        if rate * factor >= 0.95 or unit == "h":
            break
    value = rate * factor
    return f"{value:,.0f}/{unit}" if value >= 9.95 else f"{value:.1f}/{unit}"


def format_time_left(seconds: float) -> str:
    """A time that is not known exactly, so without small units: `7 s`, `4 min`, `2 h 10 min`, `3 d`."""
    if seconds < 90:
        return f"{math.ceil(max(seconds, 0))} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{round(minutes / 1440):,} d"


def _seconds(seconds: float) -> str:
    """A time that was measured."""
    if seconds < 9.95:
        return f"{max(seconds, 0):.2f} s"
    return f"{round(seconds)} s" if seconds < 120 else format_time_left(seconds)
