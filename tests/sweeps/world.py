"""A simulated world for a sweep's run: lanes with slots, jobs that cost time to start, points that take time or kill.

Every event of the run is checked against what must always hold: each point has one place, and one answer at most.
"""

from __future__ import annotations

import heapq
import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from everest_kernel.sweeps.run import Action, Cancel, Failed, Lane, Launch, Numbers, Rules, Run, Stop

NONE: Numbers = np.empty(0, np.int64)


def blocks(total: int, size: int = 65536) -> Iterator[Numbers]:
    """Numbers from 0, as a space gives them."""
    for first in range(0, total, size):
        yield np.arange(first, min(first + size, total), dtype=np.int64)


@dataclass(frozen=True)
class Place:
    """One lane of the world.

    `speed` divides the time of each point; `startup` is spent on the slot before the first point, `trip` each way
    between the driver and the slot; `silent` lanes never tell that a job started; `dead` ones never answer.
    """

    name: str
    slots: int
    speed: float = 1.0
    startup: float = 0.15
    trip: float = 0.0
    silent: bool = False
    dead: bool = False
    garbage: bool = False
    tells_budget: bool = True


@dataclass
class World:
    """Runs a machine to its end.

    Args:
        seconds: of each point, by its number.
        places: the lanes.
        failing: points that fail by themselves.
        deadly: points that take their whole chunk down.
        drop: whether infrastructure loses this launch (counted from 1).
        keeps: whether a chunk that dies has told what it had, and where it was.
        stalls: launches (counted from 1) that take this many seconds longer, and do not notice their budget.
    """

    seconds: Callable[[Numbers], np.ndarray]
    places: tuple[Place, ...] = (Place("a", 2),)
    failing: frozenset[int] = frozenset()
    deadly: frozenset[int] = frozenset()
    drop: Callable[[int], bool] = lambda launch: False
    keeps: bool = False
    stalls: dict[int, float] = field(default_factory=dict)
    now: float = 0.0
    launches: list[Launch] = field(default_factory=list)
    computed: Counter[int] = field(default_factory=Counter)
    done: set[int] = field(default_factory=set)
    failed: dict[int, str] = field(default_factory=dict)
    reason: str | None = None
    _events: list[tuple[float, int, Callable[[], list[Action]]]] = field(default_factory=list)
    _serial: Iterator[int] = field(default_factory=itertools.count)
    _queues: dict[str, list[Launch]] = field(default_factory=dict)
    _busy: Counter[str] = field(default_factory=Counter)
    _lane_of: dict[int, str] = field(default_factory=dict)
    _over: set[int] = field(default_factory=set)
    _computing: set[int] = field(default_factory=set)
    _count: dict[int, int] = field(default_factory=dict)

    def run(self, total: int, rules: Rules | None = None, numbers: Iterable[Numbers] | None = None) -> Run:
        """From the start to `Stop`."""
        lanes = [Lane(place.name, place.slots) for place in self.places]
        self.machine = Run(blocks(total) if numbers is None else numbers, total, lanes, rules or Rules())
        self._do(self.machine.start(self.now))
        while self.reason is None:
            tick = self.machine.next_tick
            if tick is not None and (not self._events or tick < self._events[0][0]):
                assert tick > self.now, "a tick in the past"
                self.now = tick
                self._do(self.machine.tick(tick))
                continue
            assert self._events, f"nothing happens any more: {self.machine.counts}"
            self.now, _, event = heapq.heappop(self._events)
            self._do(event())
        return self.machine

    @property
    def makespan(self) -> float:
        return self.now

    def per_lane(self) -> Counter[str]:
        """Points computed in each lane by jobs whose answers came."""
        return Counter({name: share.points for name, share in self.machine.lane_shares.items()})

    # --- actions

    def _do(self, actions: list[Action]) -> None:
        for action in actions:
            assert self.reason is None, "an action after Stop"
            if isinstance(action, Launch):
                self._launch(action)
            elif isinstance(action, Cancel):
                self._cancel(action.flight)
            elif isinstance(action, Failed):
                assert len(action.errors) == action.numbers.size
                self._fail(action.numbers, action.errors)
            elif isinstance(action, Stop):
                self.reason = action.reason
        counts = self.machine.counts
        assert counts.done == len(self.done)
        assert counts.failed == len(self.failed)
        assert min(counts.in_flight, counts.waiting) >= 0

    def _launch(self, launch: Launch) -> None:
        assert launch.numbers.size > 0
        assert not self.done.intersection(launch.numbers.tolist()), "an answered point is launched again"
        self.launches.append(launch)
        self._lane_of[launch.flight] = launch.lane
        place = self._place(launch.lane)
        number = len(self.launches)
        self._at(place.trip, lambda: self._arrive(place, launch, number))

    def _arrive(self, place: Place, launch: Launch, number: int) -> list[Action]:
        self._queues.setdefault(place.name, []).append(launch)
        self._count[launch.flight] = number
        return self._next(place)

    def _next(self, place: Place) -> list[Action]:
        queue = self._queues.get(place.name, [])
        while queue and self._busy[place.name] < place.slots:
            launch = queue.pop(0)
            if launch.flight in self._over:
                continue
            self._busy[place.name] += 1
            self._computing.add(launch.flight)
            if not place.silent:
                self._at(place.trip, lambda launch=launch: self._started(place, launch))
            self._compute(place, launch)
        return []

    def _started(self, place: Place, launch: Launch) -> list[Action]:
        return self.machine.started(launch.flight, self.now, f"{place.name}-machine")

    def _compute(self, place: Place, launch: Launch) -> None:
        if place.dead:
            return
        number = self._count[launch.flight]
        if place.garbage or self.drop(number):
            kind = {"error": "garbage", "points_at_fault": True} if place.garbage else {"error": "connection lost"}
            self._end(place, launch, place.startup, lambda: self._lost(launch, **{"points_at_fault": False, **kind}))
            return
        times = np.cumsum(self.seconds(launch.numbers) / place.speed)
        stall = self.stalls.get(number, 0.0)
        reached = launch.numbers.size
        if place.tells_budget and not stall:
            reached = min(int(np.searchsorted(times, launch.budget)) + 1, reached)
        mine = launch.numbers[:reached]
        bad = [index for index, point in enumerate(mine.tolist()) if point in self.deadly] if self.deadly else []
        if bad:
            mine = mine[: bad[0] + 1]
        self.computed.update(mine.tolist())
        spent = float(times[mine.size - 1]) + stall
        if bad:
            self._end(place, launch, place.startup + spent, lambda: self._died(launch, mine, spent))
        else:
            self._end(place, launch, place.startup + spent, lambda: self._answer(launch, mine, spent))

    def _end(self, place: Place, launch: Launch, after: float, event: Callable[[], list[Action]]) -> None:
        def end() -> list[Action]:
            if launch.flight in self._computing:
                self._leave(launch.flight)
                self._at(place.trip, event)
            return self._next(place)

        self._at(after, end)

    def _leave(self, flight: int) -> None:
        self._computing.discard(flight)
        self._busy[self._lane_of[flight]] -= 1

    def _cancel(self, flight: int) -> None:
        self._over.add(flight)
        if flight in self._computing:
            self._leave(flight)
            self._at(0.0, lambda: self._next(self._place(self._lane_of[flight])))

    def _answer(self, launch: Launch, mine: Numbers, spent: float) -> list[Action]:
        open_ = set(self.machine.open(launch.flight).tolist())
        is_failed = np.isin(mine, list(self.failing)) if self.failing else np.zeros(mine.size, bool)
        done, failed = mine[~is_failed], mine[is_failed]
        for point in done.tolist():
            if point in open_:
                assert point not in self.done
                assert point not in self.failed
                self.done.add(point)
        errors = [f"ValueError: bad\n  at point {point}" for point in failed.tolist()]
        mine_failed = [(p, e) for p, e in zip(failed.tolist(), errors, strict=True) if p in open_]
        self._fail(np.array([p for p, _ in mine_failed], np.int64), [e for _, e in mine_failed])
        left = launch.numbers[mine.size :]
        return self.machine.answered(launch.flight, self.now, done, failed, errors, left, spent)

    def _died(self, launch: Launch, mine: Numbers, spent: float) -> list[Action]:
        if not self.keeps:
            return self._lost(launch, error="killed by signal 11", points_at_fault=True)
        done, at = mine[:-1], int(mine[-1])
        self.done |= set(done.tolist()) & set(self.machine.open(launch.flight).tolist())
        return self.machine.lost(
            launch.flight, self.now, "killed by signal 11", points_at_fault=True, done=done, at=at, seconds=spent
        )

    def _lost(self, launch: Launch, *, error: str, points_at_fault: bool) -> list[Action]:
        return self.machine.lost(launch.flight, self.now, error, points_at_fault=points_at_fault)

    def _fail(self, numbers: Numbers, errors: Iterable[str]) -> None:
        for point, error in zip(numbers.tolist(), errors, strict=True):
            assert point not in self.done
            assert point not in self.failed
            self.failed[point] = error

    def _at(self, after: float, event: Callable[[], list[Action]]) -> None:
        heapq.heappush(self._events, (self.now + after, next(self._serial), event))

    def _place(self, name: str) -> Place:
        return next(place for place in self.places if place.name == name)


def even(seconds: float) -> Callable[[Numbers], np.ndarray]:
    """Every point takes the same time."""
    return lambda numbers: np.full(numbers.size, seconds)
