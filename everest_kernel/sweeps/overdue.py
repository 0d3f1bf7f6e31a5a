"""Which jobs are overdue at the end of a sweep, when slots are free that could do their points. No I/O, no clock."""

from __future__ import annotations

import math
from collections.abc import Collection

from .actions import Rules
from .flights import Flight
from .lanes import LaneState
from .sizing import Sizing

__all__ = ["Overdue"]

_GRACE = 0.5
"""Seconds beyond the rule: what a busy machine may add to the shortest of jobs."""


class Overdue:
    """Finds stragglers.

    A chunk returns by itself when its budget is used up, so one that has lasted a multiple of its expected time is
    stuck: in one long point, on a dead machine, in a queue that does not move.

    Args:
        rules: of the run.
        sizing: tells what is expected.
    """

    def __init__(self, rules: Rules, sizing: Sizing) -> None:
        self._rules = rules
        self._sizing = sizing

    def find(self, lanes: Collection[LaneState], now: float) -> tuple[list[Flight], float]:
        """Jobs that are overdue and whose points have a free slot elsewhere.

        Returns:
            The jobs, and when the next will be (`math.inf`: not at all).
        """
        free = [lane for lane in lanes if lane.ready(now) and len(lane.flights) < lane.slots]
        found: list[Flight] = []
        following = math.inf
        if not free:
            return found, following
        for lane in lanes:
            elsewhere = any(other is not lane for other in free)
            for flight, due in self._due(lane):
                if not elsewhere and not (lane in free and flight.heard):
                    continue  # one that may still queue in this lane would only meet its copy there
                if due <= now:
                    found.append(flight)
                else:
                    following = min(following, due)
        return found, following

    def _due(self, lane: LaneState) -> list[tuple[Flight, float]]:
        """The times from which on the lane's jobs count as overdue; a job that queues follows the first that runs."""
        pace = self._sizing.pace(lane)
        if pace is None:
            return []
        running, queued = [], []
        for flight in lane.flights.values():
            allowed = self._rules.overdue * lane.duration(flight, pace) + _GRACE
            if flight.began is None:
                queued.append((flight, allowed))
            else:
                running.append((flight, flight.began + allowed))
        first = min((due for _, due in running), default=math.inf)
        every = running + [(flight, first + allowed) for flight, allowed in queued]
        return [
            (flight, due) for flight, due in every if not flight.doubtful and flight.history.copies < self._rules.copies
        ]
