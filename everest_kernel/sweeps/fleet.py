"""Where the points of a run are: in the queue, or in the air in one of the lanes. No I/O, no clock.

Every unanswered point has one owner: the queue or a flight that is not doubtful. All changes of owner are made here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .actions import Action, Cancel, Lane, Launch, Numbers, Share
from .flights import Flight
from .lanes import LaneState
from .pending import Group, Pending

__all__ = ["Fleet"]

_MOST_FAULTS = 4
"""Chunks in a row that a lane without any result may spoil while other lanes have results."""


class Fleet:
    """The lanes, their flights and the queue.

    Args:
        pending: the queue.
        lanes: where jobs can go.
    """

    def __init__(self, pending: Pending, lanes: Sequence[Lane]) -> None:
        self.pending = pending
        self.lanes = {lane.name: LaneState(lane) for lane in lanes}
        self.flights: dict[int, Flight] = {}
        self.shares: dict[str, Share] = {}
        self._last = 0

    @property
    def slots(self) -> int:
        """Of all lanes together."""
        return sum(lane.slots for lane in self.lanes.values())

    @property
    def open_lanes(self) -> list[LaneState]:
        """Lanes that are not closed."""
        return [lane for lane in self.lanes.values() if lane.error is None]

    @property
    def flying(self) -> int:
        """Points that flights own."""
        return sum(flight.open.size for flight in self.flights.values() if not flight.doubtful)

    def add(self, lane: str, group: Group, budget: float, pace: float | None, now: float) -> Launch:
        """A job for these points is in the air."""
        self._last += 1
        flight = Flight(self._last, lane, group.numbers, budget, now, group.history, pace)
        self.flights[flight.number] = flight
        self.lanes[lane].add(flight, now)
        return Launch(flight.number, lane, group.numbers, budget)

    def remove(self, flight: Flight, now: float) -> None:
        """A job is over; who owns its points is the caller's to say."""
        del self.flights[flight.number]
        self.lanes[flight.lane].remove(flight, now)

    def settle(self, flight: Flight, numbers: Numbers, now: float) -> list[Action]:
        """A flight's points have their answers: whoever else has them need not go on."""
        if not flight.shared:
            return []
        self.pending.settle(numbers)
        actions: list[Action] = []
        for other in list(self.flights.values()):
            if other is not flight and other.shared and other.settle(numbers):
                self.remove(other, now)
                actions.append(Cancel(other.number))
        return actions

    def give_up(self, flights: Iterable[Flight], now: float) -> list[Action]:
        """Cancel jobs; the points that they own wait again, as they did before."""
        actions: list[Action] = []
        for flight in list(flights):
            self.remove(flight, now)
            actions.append(Cancel(flight.number))
            if not flight.doubtful:
                self.pending.hold(Group(flight.open, flight.history))
        return actions

    def measure(self, flight: Flight, done: int, failed: int, seconds: float, now: float, *, whole: bool) -> None:
        """A flight has answered so many points in some seconds of computing (0.0: unknown); `whole`: and ended well."""
        lane = self.lanes[flight.lane]
        seconds = lane.measure(flight, done + failed, seconds, now, whole=whole)
        lane.faults = 0
        lane.succeeded = lane.succeeded or done > 0
        name = flight.resource or flight.lane
        before = self.shares.get(name, Share(0, 0.0))
        self.shares[name] = Share(before.points + done + failed, before.seconds + seconds)

    # --- lanes

    def dropped(self, flight: Flight, error: str, most: int, now: float) -> list[Action]:
        """Infrastructure lost a job, which closes its lane when that happens `most` times in a row."""
        lane = self.lanes[flight.lane]
        return self.close(lane, error, now) if lane.struck(flight, now) >= most else []

    def failed_whole(self, flight: Flight, error: str, now: float) -> list[Action]:
        """A chunk failed as a whole, which closes a lane that spoils whatever it gets while others have results."""
        lane = self.lanes[flight.lane]
        lane.faults += 1
        others = any(other.succeeded for other in self.open_lanes if other is not lane)
        if lane.succeeded or lane.faults < _MOST_FAULTS or not others:
            return []
        return self.close(lane, f"its {lane.faults} jobs failed while others succeed, the last with: {error}", now)

    def open(self, lane: Lane) -> None:
        """A lane is new, or open again, or has another number of slots."""
        state = self.lanes.setdefault(lane.name, LaneState(lane))
        state.lane, state.error, state.strikes, state.faults = lane, None, 0, 0

    def close(self, lane: LaneState, error: str, now: float) -> list[Action]:
        """A lane takes no more jobs, and those that it has are given up."""
        if lane.error is not None:
            return []
        lane.error = error
        return self.give_up(lane.flights.values(), now)
