"""What a run knows of one lane: its jobs in the air, its measured speed, its losses. No I/O, no clock."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from heapq import heapify, heapreplace

from .actions import Lane, Share
from .flights import Flight

__all__ = ["LaneState"]

_SMOOTH = 0.3
"""Weight of the newest measurement in smoothed figures."""
_LEAST_PACE = 1e-9
_FIRST_DEVIATION = 0.25
_FIRST_PAUSE = 0.25
"""Seconds that a lane rests after the second loss in a row; doubled with each further one."""
_LONGEST_PAUSE = 30.0


@dataclass(eq=False)
class LaneState:
    """One lane during a run.

    Args:
        lane: what it is.
        flights: its jobs in the air, oldest first.
        error: why it is closed; None while it is open.
        paused_until: no launches before this time.
        overhead: seconds that a job takes beyond computing; None when unknown.
        deviation: how far a chunk's duration is from what was expected, relative, smoothed.
        strikes: losses by infrastructure in a row.
        faults: chunks in a row that failed as a whole, in a way that their points may have caused.
        tells: whether it has ever told that a job started.
        succeeded: whether it has ever brought a result.
        total: all that it has answered.
    """

    lane: Lane
    flights: dict[int, Flight] = field(default_factory=dict)
    error: str | None = None
    paused_until: float = -math.inf
    overhead: float | None = None
    deviation: float = _FIRST_DEVIATION
    strikes: int = 0
    faults: int = 0
    tells: bool = False
    succeeded: bool = False
    total: Share = field(default_factory=lambda: Share(0, 0.0))
    _seconds: float = 0.0
    _points: float = 0.0
    _last_loss: float = -math.inf

    @property
    def slots(self) -> int:
        """Jobs of it that compute at the same time."""
        return self.lane.slots

    @property
    def pace(self) -> float | None:
        """Seconds per point on one slot, of late; None when nothing is measured."""
        return max(self._seconds / self._points, _LEAST_PACE) if self._points else None

    @property
    def most_flights(self) -> int:
        """Jobs that it may have: one for each slot, and as many that queue as end within a round trip."""
        return self.slots + min(self.slots, 4 + self.slots // 4)

    @property
    def queued(self) -> list[Flight]:
        """Jobs of its own that have not begun, as far as is known, oldest first."""
        return [flight for flight in self.flights.values() if flight.began is None and not flight.doubtful]

    def ready(self, now: float) -> bool:
        """Whether it may be given jobs at all."""
        return self.error is None and now >= self.paused_until

    # --- jobs

    def add(self, flight: Flight, now: float) -> None:
        """A job of this lane is in the air; with a free slot it is presumed to begin at once."""
        self.flights[flight.number] = flight
        if sum(other.began is not None for other in self.flights.values()) < self.slots:
            flight.began = now

    def remove(self, flight: Flight, now: float) -> None:
        """A job is over; the oldest that queues is presumed to take its slot."""
        del self.flights[flight.number]
        if flight.began is not None:
            waiting = next((other for other in self.flights.values() if other.began is None), None)
            if waiting is not None:
                waiting.began = now

    # --- measurements

    def measure(self, flight: Flight, points: int, seconds: float, now: float, *, whole: bool = True) -> float:
        """Learn from an answer.

        Args:
            flight: the job.
            points: how many points it answered, at least 1.
            seconds: that it computed; zero or nonsense where this is unknown.
            now: the time.
            whole: whether it ended well, so that what it took beyond computing is what jobs take.

        Returns:
            The seconds that count.
        """
        elapsed = max(now - (flight.launched if flight.began is None else flight.began), 0.0)
        if not 0 < seconds < math.inf:
            seconds = elapsed
        elif whole:
            self._learn_overhead(max(elapsed - seconds, 0.0))
        if flight.pace is not None:
            off = min(abs(seconds / (points * flight.pace) - 1), 1.0)
            self.deviation += (off - self.deviation) / 2
        keep = 0.5 ** (1 / self.slots)  # one round of all slots halves the weight of what was before
        self._seconds = keep * self._seconds + seconds
        self._points = keep * self._points + points
        self.total = Share(self.total.points + points, self.total.seconds + seconds)
        self.strikes = 0
        return seconds

    def _learn_overhead(self, beyond: float) -> None:
        if self.overhead is None:
            self.overhead = beyond
        else:  # a laptop that slept for an hour is no reason to expect an hour from now on
            self.overhead += _SMOOTH * (min(beyond, 2 * self.overhead + 0.5) - self.overhead)

    def struck(self, flight: Flight, now: float) -> int:
        """Infrastructure lost a job. Jobs that are lost together count once.

        Returns:
            Losses in a row.
        """
        if flight.launched >= self._last_loss:
            self.strikes += 1
            self._last_loss = now
            if self.strikes > 1:
                self.paused_until = now + min(_FIRST_PAUSE * 2.0 ** (self.strikes - 2), _LONGEST_PAUSE)
        return self.strikes

    # --- expectations

    def duration(self, flight: Flight, pace: float) -> float:
        """Seconds from a job's beginning to its answer, as expected now."""
        return min(flight.numbers.size * pace, flight.budget + pace) + (self.overhead or 0.0)

    def free_times(self, now: float, pace: float, *, running_only: bool = False) -> list[float]:
        """Seconds until each slot is free of the jobs in the air, or only of those that run; zero for a free slot."""
        running, queued = [], []
        for flight in self.flights.values():
            expected = self.duration(flight, pace)
            if flight.began is None:
                queued.append(expected)
            else:
                elapsed = now - flight.began  # what has lasted longer than expected will last on
                running.append(expected - elapsed if elapsed < expected else 0.25 * elapsed)
        times = running[: self.slots] + [0.0] * (self.slots - len(running))
        heapify(times)
        for expected in running[self.slots :] + ([] if running_only else queued):
            heapreplace(times, times[0] + expected)
        return times

    def returning(self, pace: float) -> float:
        """Points in the air that are expected to come back unanswered, because of the budget."""
        return sum(max(flight.numbers.size - flight.budget / pace, 0.0) for flight in self.flights.values())
