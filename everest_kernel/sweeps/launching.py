"""Which lane gets which points next, and which points are taken from a lane again. No I/O, no clock."""

from __future__ import annotations

import math

from .actions import Action, Rules
from .fleet import Fleet
from .flights import History
from .lanes import LaneState
from .overdue import Overdue
from .pending import Group
from .sizing import Sizing

__all__ = ["Launching"]

_LOOK_AGAIN = 1.0
"""Seconds after which lanes that were passed over, because faster ones had room soon, are looked at again."""


class Launching:
    """Keeps the lanes busy.

    Args:
        rules: of the run.
        fleet: of the run.
        sizing: of the run.
    """

    def __init__(self, rules: Rules, fleet: Fleet, sizing: Sizing) -> None:
        self._fleet = fleet
        self._sizing = sizing
        self._overdue = Overdue(rules, sizing)
        self._refused = False
        self._next_due = math.inf

    def go_on(self, now: float) -> list[Action]:
        """All that should be launched or taken back now."""
        fleet, pending = self._fleet, self._fleet.pending
        actions = fleet.give_up(self._sizing.too_late(len(pending), now), now)
        self._next_due = math.inf if len(pending) else self._doubt(now)
        self._refused = False
        self._launch(actions, now, choosy=len(fleet.open_lanes) > 1)
        if self._refused and not fleet.flights:  # nothing is in the air: whatever waits may go anywhere
            self._launch(actions, now, choosy=False)
        return actions

    def next_tick(self, now: float) -> float | None:
        """When something is to be done if nothing happens before; None: nothing."""
        times = [self._next_due]
        if len(self._fleet.pending):
            times += [lane.paused_until for lane in self._fleet.open_lanes]
            times += [now + _LOOK_AGAIN] if self._refused else []
        return min((time for time in times if now < time < math.inf), default=None)

    def _doubt(self, now: float) -> float:
        """Nothing waits: the points of overdue jobs wait again where slots are free; when to look next."""
        found, following = self._overdue.find(self._fleet.lanes.values(), now)
        for flight in found:
            flight.doubtful = True
            history = History(flight.history.tries, copies=flight.history.copies + 1, avoid=flight.lane)
            self._fleet.pending.hold(Group(flight.open, history))
        return following

    def _launch(self, actions: list[Action], now: float, *, choosy: bool) -> None:
        fleet, passed = self._fleet, set[str]()
        while waiting := len(fleet.pending):
            lane = self._next_lane(passed, now)
            if lane is None:
                return
            name, idle = lane.lane.name, len(lane.flights) < lane.slots
            order = self._sizing.order(lane, waiting, now)
            group = None
            if order.size:
                most = self._sizing.most
                group = fleet.pending.take(order.size, most=most, lane=name, idle=idle, choosy=choosy)
            if group is None:
                self._refused = True
                passed.add(name)
                continue
            whole = group.numbers.size > order.size
            budget = self._sizing.budget(lane, group.numbers.size) if whole else order.budget
            actions.append(fleet.add(name, group, budget, order.pace, now))

    def _next_lane(self, passed: set[str], now: float) -> LaneState | None:
        """The lane with room whose slots have the fewest jobs."""
        lanes = [
            lane
            for name, lane in self._fleet.lanes.items()
            if name not in passed and lane.ready(now) and len(lane.flights) < lane.most_flights
        ]
        return min(lanes, key=lambda lane: len(lane.flights) / lane.slots, default=None)
