"""How many points the next job of a lane gets, and for how long. No I/O, no clock.

The rule in three steps. While nothing is measured, the points are shared out over all slots and each job gives back
what it does not reach within a short budget: cheap points are then done in one round, dear ones have cost little.
From then on a chunk is as long as the target says. Near the end, the time at which everything would end if no slot
ever idled is computed from the speed of each lane and the work that each slot has (as water fills a vessel of uneven
ground); the time that a slot has until then is divided into equal chunks. A slot that has work beyond that time gets
nothing, which keeps the last points from slow lanes. Where durations cannot be foretold, the last chunks are halved
again and again (guided self-scheduling, as in OpenMP loops), but never below what starting a job costs.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from heapq import heapify, heapreplace

import numpy as np

from .actions import Rules
from .flights import Flight
from .lanes import LaneState

__all__ = ["Order", "Sizing"]

OVERHEAD_SHARE = 0.03
"""Chunks grow beyond the target until starting a job costs no more than this."""
_MOST_GROWTH = 2.0
_SLACK = 1.3
"""A chunk's budget, over the time that it is expected to take."""
_FAR = 4
"""Targets that must lie ahead for the end to be of no concern."""
_NEAR = 1 + 1e-9
_LATE = 1.1
"""How far beyond the end of all a job that queues may end, as a factor on the time until then..."""
_LEAST_GAIN = 0.25
"""...and in seconds."""


@dataclass(frozen=True)
class Order:
    """The next job of a lane.

    Args:
        size: most points; 0: the lane should get none for now.
        budget: seconds, as in `Launch`.
        pace: seconds per point that this rests on; None when nothing is measured.
    """

    size: int
    budget: float
    pace: float | None


class Sizing:
    """Sizes for one run.

    Args:
        rules: of the run.
        lanes: all of them; what they measure is read when it is needed.
    """

    def __init__(self, rules: Rules, lanes: Collection[LaneState]) -> None:
        self._rules = rules
        self._lanes = lanes
        self._share = 1
        self._fixed = 1 if rules.one_by_one else rules.chunk

    def share_out(self, waiting: int) -> None:
        """Fix the size of the first chunks: rounds of equal chunks over all open slots."""
        most = min(self._rules.most_in_chunk, self._rules.first_size or self._rules.most_in_chunk)
        slots = sum(lane.slots for lane in self._lanes if lane.error is None) or 1
        rounds = math.ceil(waiting / (slots * most)) or 1
        self._share = max(math.ceil(waiting / (slots * rounds)), 1)

    @property
    def most(self) -> int:
        """Most points in any job."""
        return self._fixed or self._rules.most_in_chunk

    def pace(self, lane: LaneState) -> float | None:
        """Seconds per point on a slot of the lane; as on the others where nothing is measured yet."""
        if lane.pace is not None:
            return lane.pace
        known = [other.pace for other in self._lanes if other.pace is not None]
        return sum(known) / len(known) if known else None

    def order(self, lane: LaneState, waiting: int, now: float) -> Order:
        """The next job of a lane that has room, where `waiting` points (at least one) have no job."""
        rules = self._rules
        pace = self.pace(lane)
        fixed = self._fixed
        if pace is None:
            return Order(fixed or self._share, math.inf if fixed else rules.first_budget, None)
        seconds = self._seconds(lane, waiting, now)
        if not seconds:
            return Order(0, 0.0, pace)
        if fixed:
            return Order(fixed, math.inf, pace)
        size = max(min(round(seconds / pace), rules.most_in_chunk), 1)
        if lane.pace is None:
            return Order(min(size, self._share), rules.first_budget, pace)
        return Order(size, max(_SLACK * size * pace, rules.first_budget), pace)

    def budget(self, lane: LaneState, size: int) -> float:
        """The budget of a chunk whose size is given: one that is tried again."""
        if self._fixed:
            return math.inf
        pace = self.pace(lane)
        expected = self._rules.first_budget if pace is None else _SLACK * size * pace
        return max(expected, self._rules.first_budget) if pace is None else max(expected, self._target(lane))

    def too_late(self, waiting: int, now: float) -> list[Flight]:
        """Jobs that queue in lanes where they would end long after everything could have ended.

        Their points belong to slots that are free before: a lane has turned out slower than it looked, or a slot is
        stuck. Only lanes that tell when a job starts are looked at, since in others a job may not queue any more.
        """
        lanes = self._open(now)
        if not any(lane.tells and lane.queued for lane in lanes) or self._is_far(lanes, waiting):
            return []
        queues = {id(lane): lane.queued for lane in lanes if lane.tells}
        ahead = waiting + sum(flight.open.size for queue in queues.values() for flight in queue)
        free = {id(lane): self._free(lane, now, running_only=lane.tells) for lane in lanes}
        horizon = self._horizon(lanes, free, ahead)
        late: list[Flight] = []
        for lane in lanes:
            times, pace, overhead = free[id(lane)], self._known(lane), lane.overhead or 0.0
            heapify(times)
            for flight in queues.get(id(lane), ()):
                end = times[0] + lane.duration(flight, pace) - overhead
                if end > _LATE * horizon + max(overhead, _LEAST_GAIN):
                    late.append(flight)
                else:
                    heapreplace(times, end + overhead)
        return late

    def left(self, waiting: int, now: float) -> float | None:
        """Seconds until all ends, if no slot ever idles; None when nothing is measured or no lane is open."""
        lanes = self._open(now, paused=True)
        if all(self.pace(lane) is None for lane in lanes):
            return None
        free = {id(lane): self._free(lane, now) for lane in lanes}
        busy = [max(lane.free_times(now, self._known(lane))) for lane in lanes if lane.flights]
        return max([self._horizon(lanes, free, waiting) if waiting else 0.0, *busy])

    def _seconds(self, lane: LaneState, waiting: int, now: float) -> float:
        """How long the lane's next chunk should compute; 0.0: it should get none."""
        lanes = self._open(now)
        target = self._target(lane)
        if self._is_far(lanes, waiting):
            return target
        free = {id(other): self._free(other, now) for other in lanes}
        horizon = self._horizon(lanes, free, waiting)
        mine, pace = min(free[id(lane)]), self._known(lane)
        soonest = min(min(free[id(other)]) + self._known(other) for other in lanes)
        if mine + pace > max(horizon, soonest) * _NEAR:
            return 0.0
        return self._part(lane, max(horizon - mine, 0.0), target, pace)

    def _part(self, lane: LaneState, time: float, target: float, pace: float) -> float:
        """The seconds of the next chunk of a slot that has some time until the end of all."""
        overhead = lane.overhead or 0.0
        rounds = math.ceil(time / target)
        seconds = time / max(rounds, 1)
        if rounds <= 1 and lane.deviation * time > overhead and time > 4 * overhead:
            seconds = time / 2  # what can go wrong costs more than another job
        return max(seconds, overhead, pace)

    def _horizon(self, lanes: list[LaneState], free: dict[int, list[float]], waiting: float) -> float:
        """Seconds until all waiting points are computed if every slot works on, from when it is free, to the end."""
        waiting += sum(lane.returning(self._known(lane)) for lane in lanes)
        times = np.concatenate([free[id(lane)] for lane in lanes])
        rates = np.concatenate([np.full(lane.slots, 1 / self._known(lane)) for lane in lanes])
        order = np.argsort(times, kind="stable")
        times, rates = times[order], rates[order]
        # with the first k slots alone it would end at (waiting + sum(rate * time)) / sum(rate); one more slot makes
        # that earlier exactly if it is free before
        return float(np.min((waiting + np.cumsum(rates * times)) / np.cumsum(rates)))

    def _open(self, now: float, *, paused: bool = False) -> list[LaneState]:
        return [lane for lane in self._lanes if lane.ready(now) or (paused and lane.error is None)]

    def _is_far(self, lanes: list[LaneState], waiting: int) -> bool:
        """Whether so much waits that the end is of no concern."""
        reach = sum(self._target(lane) * lane.slots / self._known(lane) for lane in lanes)
        return waiting > _FAR * reach

    def _free(self, lane: LaneState, now: float, *, running_only: bool = False) -> list[float]:
        """Seconds until each slot could compute the first of more points."""
        overhead = lane.overhead or 0.0
        return [time + overhead for time in lane.free_times(now, self._known(lane), running_only=running_only)]

    def _known(self, lane: LaneState) -> float:
        return self.pace(lane) or 1.0

    def _target(self, lane: LaneState) -> float:
        return min(max(self._rules.target, (lane.overhead or 0.0) / OVERHEAD_SHARE), _MOST_GROWTH * self._rules.target)
