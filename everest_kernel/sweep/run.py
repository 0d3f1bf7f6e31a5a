"""The run of a sweep, from the first job to the last answer. No I/O, no clock, no randomness.

Events and the time go in, actions come out. Points that wait are packed into jobs ("flights"), as many as a lane's
slots and a few that queue; answers say which points have results, which failed by themselves, which were not reached.

Every point has exactly one place: it waits (`Pending`), it is in one flight that owns it, or it has its answer. The
exception is at the end, when slots are free and a job is overdue: its points wait again, for another job, while it
stays in the air as *doubtful*. It owns nothing any more, but where it answers first its answer counts.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from .actions import Action, Cancel, Counts, Failed, Lane, Launch, Numbers, Rules, Share, Stop
from .flights import Flight, History, Split
from .lanes import LaneState
from .overdue import Overdue
from .pending import Group, Pending
from .sizing import Sizing
from .verdict import Verdict

__all__ = ["Action", "Cancel", "Counts", "Failed", "Lane", "Launch", "Numbers", "Rules", "Run", "Share", "Stop"]

_NONE: Numbers = np.empty(0, np.int64)
_LOOK_AGAIN = 1.0
"""Seconds after which lanes that were passed over, because faster ones had room soon, are looked at again."""
_MOST_FAULTS = 4
"""Chunks in a row that a lane without any result may spoil while other lanes have results."""


class Run:
    """The machine. Every method that takes the time is an event and returns actions, in the order to do them.

    Events about a flight that was cancelled or has ended are ignored: they may cross an action on the way.

    Args:
        numbers: blocks of numbers of points still to compute, each number once; read lazily.
        total: how many numbers the blocks will bring.
        lanes: where jobs can go.
        rules: sizes, retries, when to stop.

    Raises:
        ValueError: two lanes have one name, or a lane has no slot.
    """

    def __init__(self, numbers: Iterable[Numbers], total: int, lanes: Sequence[Lane], rules: Rules) -> None:
        if len({lane.name for lane in lanes}) < len(lanes) or any(lane.slots < 1 for lane in lanes):
            raise ValueError("lanes need different names and at least one slot each")
        self._rules = rules
        self._lanes = {lane.name: LaneState(lane) for lane in lanes}
        self._pending = Pending(numbers, total)
        self._sizing = Sizing(rules, self._lanes.values())
        self._overdue = Overdue(rules, self._sizing)
        self._verdict = Verdict(rules.stop_after)
        self._flights: dict[int, Flight] = {}
        self._resources: dict[str, Share] = {}
        self._last_flight = 0
        self._done = 0
        self._failed = 0
        self._refused = False
        self._started = False
        self._reason: str | None = None
        self.next_tick: float | None = None
        """When `tick` wants to be called next, if nothing happens before; None: not at all."""

    # --- what it tells

    @property
    def reason(self) -> str | None:
        """The reason of `Stop` once the run is over ("" when all is answered), None before."""
        return self._reason

    @property
    def counts(self) -> Counts:
        """Where the points are now."""
        flying = sum(flight.open.size for flight in self._flights.values() if not flight.doubtful)
        waiting = len(self._pending)
        return Counts(self._done + self._failed + flying + waiting, self._done, self._failed, flying, waiting)

    @property
    def shares(self) -> dict[str, Share]:
        """What each resource has computed; by the lane's name where the resource was never told."""
        return dict(self._resources)

    @property
    def lane_shares(self) -> dict[str, Share]:
        """What each lane has computed."""
        return {name: lane.total for name, lane in self._lanes.items()}

    @property
    def closed(self) -> dict[str, str]:
        """Lanes that take no jobs any more, with the error that closed them."""
        return {name: lane.error for name, lane in self._lanes.items() if lane.error is not None}

    @property
    def common_error(self) -> tuple[str, int] | None:
        """The most frequent first line among the failures, and its count."""
        return self._verdict.common

    def open(self, flight: int) -> Numbers:
        """Points of a flight without an answer yet; ask before `answered` to know which of its answers count."""
        known = self._flights.get(flight)
        return _NONE if known is None else known.open

    def seconds_left(self, now: float) -> float | None:
        """Seconds to the end by the measured speeds; None when nothing is measured."""
        return self._sizing.left(len(self._pending), now)

    # --- events

    def start(self, now: float) -> list[Action]:
        """Begin."""
        self._started = True
        self._sizing.share_out(len(self._pending))
        return self._go_on([], now)

    def adopt(self, flight_numbers: Numbers, lane: str, now: float) -> int:
        """A job that was sent before this run, and still runs, carries some of the points.

        Args:
            flight_numbers: its points; they must not be among those that the run was made with.
            lane: where it runs.
            now: the time.

        Returns:
            The flight's number, for events.

        Raises:
            ValueError: there is no such lane, or the run is over.
        """
        if lane not in self._lanes or self._reason is not None:
            raise ValueError(f"a job cannot be adopted in lane {lane!r}")
        return self._add_flight(lane, Group(np.unique(flight_numbers)), math.inf, None, now).number

    def more(self, numbers: Numbers, now: float) -> list[Action]:
        """New points, none of which the run has had; also after it ended with every point answered."""
        if self._reason:
            return []
        self._reason = None
        self._pending.append(np.asarray(numbers, np.int64))
        self._sizing.share_out(len(self._pending))
        return self._go_on([], now)

    def tick(self, now: float) -> list[Action]:
        """Time has passed."""
        return self._go_on([], now)

    def started(self, flight: int, now: float, resource: str) -> list[Action]:
        """A flight's job began to run."""
        known = self._flights.get(flight)
        if known is not None:
            known.resource = resource
            if not known.heard:  # a job that is started again keeps the time since which its points are on their way
                known.began, known.heard = now, True
        return self._go_on([], now)

    def answered(
        self,
        flight: int,
        now: float,
        done: Numbers,
        failed: Numbers,
        errors: Sequence[str],
        left: Numbers,
        seconds: float,
    ) -> list[Action]:
        """A flight's job succeeded.

        Args:
            flight: its number.
            now: the time.
            done: points that have results.
            failed: points that failed by themselves; this is final.
            errors: a text for each failed point.
            left: points that it did not get to. Points in none of the three count as left.
            seconds: that it computed; 0.0 when unknown.
        """
        known = self._flights.get(flight)
        if known is None:
            return self._go_on([], now)
        split = known.split(done, failed)
        if not (split.done.size or split.failed.size):
            return self.lost(flight, now, "the job ended without an answer for any of its points", points_at_fault=True)
        actions = self._count(known, split, errors, seconds, now)
        self._remove(known, now)
        if not known.doubtful:
            self._pending.hold(Group(split.left, known.history.forgiven()))
        return self._go_on(actions, now)

    def lost(
        self,
        flight: int,
        now: float,
        error: str,
        *,
        points_at_fault: bool,
        done: Numbers | None = None,
        at: int | None = None,
        seconds: float = 0.0,
    ) -> list[Action]:
        """A flight's job failed as a whole, or what it returned makes no sense.

        Args:
            flight: its number.
            now: the time.
            error: what is known of the reason.
            points_at_fault: whether its points may have caused it; otherwise infrastructure did.
            done: points whose results came before the end, where the chunk told them as it went.
            at: the point that it was computing when it ended, where that is known: only this one is suspected.
            seconds: that it computed for `done`; 0.0 when unknown.
        """
        known = self._flights.get(flight)
        if known is None:
            return self._go_on([], now)
        actions: list[Action] = []
        rest = known.open
        if done is not None and done.size:
            split = known.split(done, _NONE)
            actions, rest = self._count(known, split, (), seconds, now), split.left
        self._remove(known, now)
        blamed = points_at_fault
        if not points_at_fault:
            lane = self._lanes[known.lane]
            if lane.struck(known, now) >= self._rules.losses:
                actions += self._close(lane, error, now)
            blamed = known.history.drops >= self._rules.drops
        elif lane_error := self._spoiled(known, error):
            actions += self._close(self._lanes[known.lane], lane_error, now)
        if rest.size and not known.doubtful:
            actions += self._again(known, rest, error, now, blamed=blamed, at=at)
        return self._go_on(actions, now)

    def lane_closed(self, lane: str, now: float, error: str) -> list[Action]:
        """A lane takes no more jobs; those that it has are given up and their points wait again."""
        state = self._lanes.get(lane)
        return self._go_on([] if state is None else self._close(state, error, now), now)

    def lane_opened(self, lane: Lane, now: float) -> list[Action]:
        """A lane is new, or open again, or has another number of slots."""
        state = self._lanes.setdefault(lane.name, LaneState(lane))
        state.lane, state.error, state.strikes = lane, None, 0
        return self._go_on([], now)

    def interrupt(self, now: float) -> list[Action]:
        """The user has had enough: all jobs are cancelled, their points wait for ever."""
        return [] if self._reason is not None else self._stop("interrupted", now)

    # --- answers

    def _count(self, flight: Flight, split: Split, errors: Sequence[str], seconds: float, now: float) -> list[Action]:
        """Count what a flight answered, and learn from it."""
        done, failed = split.done.size, split.failed.size
        if not (done or failed):
            return []
        lane = self._lanes[flight.lane]
        seconds = lane.measure(flight, done + failed, seconds, now)
        name = flight.resource or flight.lane
        before = self._resources.get(name, Share(0, 0.0))
        self._resources[name] = Share(before.points + done + failed, before.seconds + seconds)
        self._done += done
        self._failed += failed
        lane.faults = 0
        if done:
            lane.succeeded = True
            self._verdict.success()
        if failed:
            self._verdict.failed(errors, failed)
        return self._settle(flight, np.concatenate([split.done, split.failed]), now) if flight.shared else []

    def _settle(self, flight: Flight, numbers: Numbers, now: float) -> list[Action]:
        """Points have their answers: whoever else has them need not go on."""
        self._pending.settle(numbers)
        actions: list[Action] = []
        for other in list(self._flights.values()):
            if other is not flight and other.shared and other.settle(numbers):
                self._remove(other, now)
                actions.append(Cancel(other.number))
        return actions

    def _again(
        self, flight: Flight, rest: Numbers, error: str, now: float, *, blamed: bool, at: int | None
    ) -> list[Action]:
        """What becomes of the points of a flight that was lost."""
        history, waits = flight.history, self._pending.hold
        if not blamed:
            waits(Group(rest, replace(history, drops=history.drops + 1, avoid=flight.lane)))
            return []
        suspect = History(history.tries + 1, copies=history.copies, avoid=flight.lane)
        if at is not None and rest.size > 1 and (rest == at).any():
            waits(Group(rest[rest != at], history.forgiven()))
            waits(Group(rest[rest == at], suspect))
        elif suspect.tries <= self._rules.retries:
            waits(Group(rest, suspect))
        elif rest.size > 1:
            half = (rest.size + 1) // 2
            waits(Group(rest[:half], suspect))
            waits(Group(rest[half:], suspect))
        else:
            self._failed += 1
            return [Failed(rest, (error,)), *(self._settle(flight, rest, now) if flight.shared else [])]
        return []

    def _spoiled(self, flight: Flight, error: str) -> str | None:
        """A chunk failed as a whole; the reason to close its lane, if it is the lane that spoils whatever it gets."""
        self._verdict.lost(error)
        lane = self._lanes[flight.lane]
        lane.faults += 1
        others = [other for other in self._lanes.values() if other is not lane and other.error is None]
        if lane.succeeded or lane.faults < _MOST_FAULTS or not any(other.succeeded for other in others):
            return None
        return f"its first {lane.faults} jobs failed while others succeed; the last with: {error}"

    # --- what follows from an event

    def _go_on(self, actions: list[Action], now: float) -> list[Action]:
        """Launch what can be launched, end what is over."""
        if not self._started or self._reason is not None:
            return actions
        hopeless = self._verdict.hopeless(sum(lane.slots for lane in self._lanes.values()))
        following = math.inf
        if not hopeless:
            following = self._doubt(now)
            self._launch(actions, now)
        reason = self._ending(hopeless)
        if reason is not None:
            return actions + self._stop(reason, now)
        self._plan_tick(following, now)
        return actions

    def _doubt(self, now: float) -> float:
        """Where nothing waits and slots are free, the points of overdue jobs wait again; when to look next."""
        if len(self._pending):
            return math.inf
        found, following = self._overdue.find(self._lanes.values(), now)
        for flight in found:
            flight.doubtful = True
            history = History(flight.history.tries, copies=flight.history.copies + 1, avoid=flight.lane)
            self._pending.hold(Group(flight.open, history))
        return following

    def _launch(self, actions: list[Action], now: float) -> None:
        """Give jobs to lanes with room; where nothing is in the air, whatever waits may go anywhere."""
        self._refused = False
        self._launch_round(actions, now, choosy=sum(lane.error is None for lane in self._lanes.values()) > 1)
        if not self._flights and self._refused:
            self._launch_round(actions, now, choosy=False)

    def _launch_round(self, actions: list[Action], now: float, *, choosy: bool) -> None:
        passed: set[str] = set()
        while waiting := len(self._pending):
            lane = self._next_lane(passed, now)
            if lane is None:
                return
            name, idle = lane.lane.name, len(lane.flights) < lane.slots
            order = self._sizing.order(lane, waiting, now)
            group = self._pending.take(order.size, lane=name, idle=idle, choosy=choosy) if order.size else None
            if group is None:
                self._refused = True
                passed.add(name)
                continue
            tried_whole = group.history.tries and group.numbers.size > order.size
            budget = self._sizing.budget(lane, group.numbers.size) if tried_whole else order.budget
            flight = self._add_flight(name, group, budget, order.pace, now)
            actions.append(Launch(flight.number, name, group.numbers, budget))

    def _next_lane(self, passed: set[str], now: float) -> LaneState | None:
        """The lane with room whose slots have the fewest jobs."""
        lanes = [
            lane
            for name, lane in self._lanes.items()
            if name not in passed and lane.ready(now) and len(lane.flights) < lane.most_flights
        ]
        return min(lanes, key=lambda lane: len(lane.flights) / lane.slots, default=None)

    def _add_flight(self, lane: str, group: Group, budget: float, pace: float | None, now: float) -> Flight:
        self._last_flight += 1
        flight = Flight(self._last_flight, lane, group.numbers, budget, now, group.history, pace)
        self._flights[flight.number] = flight
        self._lanes[lane].add(flight, now)
        return flight

    def _remove(self, flight: Flight, now: float) -> None:
        del self._flights[flight.number]
        self._lanes[flight.lane].remove(flight, now)

    def _give_up(self, flights: Iterable[Flight], now: float) -> list[Action]:
        """Cancel jobs; the points that they own wait again."""
        actions: list[Action] = []
        for flight in list(flights):
            self._remove(flight, now)
            actions.append(Cancel(flight.number))
            if not flight.doubtful:
                self._pending.hold(Group(flight.open, flight.history))
        return actions

    def _close(self, lane: LaneState, error: str, now: float) -> list[Action]:
        if lane.error is not None:
            return []
        lane.error = error
        return self._give_up(lane.flights.values(), now)

    def _ending(self, hopeless: bool) -> str | None:
        if not len(self._pending) and not self._flights:
            return ""
        if hopeless and not self._flights:  # what is in the air may still prove the opposite
            return self._verdict.reason()
        if all(lane.error is not None for lane in self._lanes.values()):
            errors = "; ".join(f"{name}: {error}" for name, error in self.closed.items())
            return f"no resource is left ({errors})" if errors else "there is no resource to run on"
        return None

    def _stop(self, reason: str, now: float) -> list[Action]:
        self._reason, self.next_tick = reason, None
        return [*self._give_up(self._flights.values(), now), Stop(reason)]

    def _plan_tick(self, following: float, now: float) -> None:
        times = [following]
        if len(self._pending):
            times += [lane.paused_until for lane in self._lanes.values() if lane.error is None]
            times += [now + _LOOK_AGAIN] if self._refused else []
        self.next_tick = min((time for time in times if now < time < math.inf), default=None)
