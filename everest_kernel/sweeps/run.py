"""The run of a sweep, from the first job to the last answer. No I/O, no clock, no randomness.

Events and the time go in, actions come out. Points that wait are packed into jobs ("flights"), as many as a lane's
slots and a few that queue; answers say which points have results, which failed by themselves, which were not reached.

Every point has exactly one place: it waits (`Pending`), it is in one flight that owns it, or it has its answer. The
exception is at the end, when slots are free and a job is overdue: its points wait again, for another job, while it
stays in the air as *doubtful*. It owns nothing any more, but where it answers first its answer counts.

The parts: `pending` (the queue), `flights`, `lanes` and `fleet` (who owns which point, what is measured), `sizing` (how
many points next), `launching` and `overdue` (who gets them), `blame` (what follows a loss), `verdict` (all hopeless?).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from .actions import Action, Cancel, Counts, Failed, Lane, Launch, Numbers, Rules, Share, Stop
from .blame import after_drop, after_failure
from .fleet import Fleet
from .flights import Flight, Split
from .launching import Launching
from .pending import Group, Pending
from .sizing import Sizing
from .verdict import Verdict

__all__ = ["Action", "Cancel", "Counts", "Failed", "Lane", "Launch", "Numbers", "Rules", "Run", "Share", "Stop"]

_NONE: Numbers = np.empty(0, np.int64)


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
        self._fleet = Fleet(Pending(numbers, total), lanes)
        self._sizing = Sizing(rules, self._fleet.lanes.values())
        self._launching = Launching(rules, self._fleet, self._sizing)
        self._verdict = Verdict(rules.stop_after)
        self._done = 0
        self._failed = 0
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
        flying, waiting = self._fleet.flying, len(self._fleet.pending)
        return Counts(self._done + self._failed + flying + waiting, self._done, self._failed, flying, waiting)

    @property
    def shares(self) -> dict[str, Share]:
        """What each resource has computed; by the lane's name where the resource was never told."""
        return dict(self._fleet.shares)

    @property
    def lane_shares(self) -> dict[str, Share]:
        """What each lane has computed."""
        return {name: lane.total for name, lane in self._fleet.lanes.items()}

    @property
    def closed(self) -> dict[str, str]:
        """Lanes that take no jobs any more, with the error that closed them."""
        return {name: lane.error for name, lane in self._fleet.lanes.items() if lane.error is not None}

    @property
    def common_error(self) -> tuple[str, int] | None:
        """The most frequent first line among the failures, and its count."""
        return self._verdict.common

    def open(self, flight: int) -> Numbers:
        """Points of a flight without an answer yet; ask before `answered` to know which of its answers count."""
        return self._fleet.flights[flight].open if flight in self._fleet.flights else _NONE

    def seconds_left(self, now: float) -> float | None:
        """Seconds to the end by the measured speeds; None when nothing is measured."""
        return self._sizing.left(len(self._fleet.pending), now)

    # --- events

    def start(self, now: float) -> list[Action]:
        """Begin."""
        self._started = True
        self._sizing.share_out(len(self._fleet.pending))
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
        if lane not in self._fleet.lanes or self._reason is not None:
            raise ValueError(f"a job cannot be adopted in lane {lane!r}")
        return self._fleet.add(lane, Group(np.unique(flight_numbers)), math.inf, None, now).flight

    def more(self, numbers: Numbers, now: float) -> list[Action]:
        """New points, none of which the run has had; also after it ended with every point answered."""
        if self._reason:
            return []
        self._reason = None
        self._fleet.pending.append(np.asarray(numbers, np.int64))
        self._sizing.share_out(len(self._fleet.pending))
        return self._go_on([], now)

    def tick(self, now: float) -> list[Action]:
        """Time has passed."""
        return self._go_on([], now)

    def started(self, flight: int, now: float, resource: str) -> list[Action]:
        """A flight's job began to run."""
        known = self._fleet.flights.get(flight)
        if known is not None:
            known.resource = resource
            self._fleet.lanes[known.lane].tells = True
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
            left: points that it did not get to; those that are nowhere named count as such.
            seconds: that it computed; 0.0 when unknown.
        """
        known = self._fleet.flights.get(flight)
        if known is None:
            return self._go_on([], now)
        split = known.split(done, failed)
        if not (split.done.size or split.failed.size):
            return self.lost(flight, now, "the job ended without an answer for any of its points", points_at_fault=True)
        actions = self._count(known, split, errors, seconds, now, whole=True)
        self._fleet.remove(known, now)
        if not known.doubtful:
            self._fleet.pending.hold(Group(split.left, known.history.forgiven()))
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
            error: the reason, as far as it is known.
            points_at_fault: whether its points may have caused it; otherwise infrastructure did.
            done: points whose results came before the end.
            at: the point at which it ended, where that is known: only this one is suspected.
            seconds: that it computed for `done`; 0.0 when unknown.
        """
        known = self._fleet.flights.get(flight)
        if known is None:
            return self._go_on([], now)
        actions: list[Action] = []
        rest = known.open
        if done is not None and done.size:
            split = known.split(done, _NONE)
            actions, rest = self._count(known, split, (), seconds, now, whole=False), split.left
        self._fleet.remove(known, now)
        blamed = points_at_fault or known.history.drops >= self._rules.drops
        if points_at_fault:
            self._verdict.lost(error)
            actions += self._fleet.failed_whole(known, error, now)
        else:
            actions += self._fleet.dropped(known, error, self._rules.losses, now)
        if rest.size and not known.doubtful:
            actions += self._again(known, rest, error, now, blamed=blamed, at=at)
        return self._go_on(actions, now)

    def lane_closed(self, lane: str, now: float, error: str) -> list[Action]:
        """A lane takes no more jobs; those that it has are given up and their points wait again."""
        known = lane in self._fleet.lanes
        return self._go_on(self._fleet.close(self._fleet.lanes[lane], error, now) if known else [], now)

    def lane_opened(self, lane: Lane, now: float) -> list[Action]:
        """A lane is new, or open again, or has another number of slots."""
        self._fleet.open(lane)
        return self._go_on([], now)

    def interrupt(self, now: float) -> list[Action]:
        """The user has had enough: all jobs are cancelled, their points wait for ever."""
        return [] if self._reason is not None else self._stop("interrupted", now)

    # --- answers

    def _count(
        self, flight: Flight, split: Split, errors: Sequence[str], seconds: float, now: float, *, whole: bool
    ) -> list[Action]:
        """Count what a flight answered, and learn from it."""
        done, failed = split.done.size, split.failed.size
        if not (done or failed):
            return []
        self._done += done
        self._failed += failed
        self._fleet.measure(flight, done, failed, seconds, now, whole=whole)
        if done:
            self._verdict.success()
        if failed:
            self._verdict.failed(errors, failed)
        return self._fleet.settle(flight, np.concatenate([split.done, split.failed]), now)

    def _again(
        self, flight: Flight, rest: Numbers, error: str, now: float, *, blamed: bool, at: int | None
    ) -> list[Action]:
        """The points of a flight that was lost wait again, or are given up."""
        drop = ([after_drop(flight, rest)], None)
        groups, failed = after_failure(flight, rest, error, self._rules, at=at) if blamed else drop
        for group in groups:
            self._fleet.pending.hold(group)
        if failed is None:
            return []
        self._failed += failed.numbers.size
        return [failed, *self._fleet.settle(flight, failed.numbers, now)]

    # --- what follows from an event

    def _go_on(self, actions: list[Action], now: float) -> list[Action]:
        """Launch what can be launched, end what is over."""
        if not self._started or self._reason is not None:
            return actions
        hopeless = self._verdict.hopeless(self._fleet.slots)
        if not hopeless:
            actions += self._launching.go_on(now)
        reason = self._ending(hopeless)
        if reason is not None:
            return actions + self._stop(reason, now)
        self.next_tick = None if hopeless else self._launching.next_tick(now)
        return actions

    def _ending(self, hopeless: bool) -> str | None:
        """The reason to end now; None: go on."""
        if not self._fleet.flights and not len(self._fleet.pending):
            return ""
        if not self._fleet.flights and hopeless:  # what is in the air may still prove the opposite
            return self._verdict.reason()
        if not self._fleet.open_lanes:
            errors = "; ".join(f"{name}: {error}" for name, error in self.closed.items())
            return f"no resource is left ({errors})" if errors else "there is no resource to run on"
        return None

    def _stop(self, reason: str, now: float) -> list[Action]:
        self._reason, self.next_tick = reason, None
        return [*self._fleet.give_up(self._fleet.flights.values(), now), Stop(reason)]
