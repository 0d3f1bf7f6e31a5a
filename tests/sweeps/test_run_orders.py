"""The run of a sweep under any order of events: every point has one place, and ends with one answer."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from everest_kernel.sweeps.run import Action, Cancel, Failed, Lane, Launch, Numbers, Rules, Run, Stop

NAMES = ("a", "b", "c")


def array(numbers: Any) -> Numbers:
    return np.array(sorted(numbers), np.int64)


@dataclass
class Model:
    """What a driver would see, with every promise of the machine checked after each event."""

    machine: Run
    rules: Rules
    known: set[int]
    now: float = 0.0
    done: set[int] = field(default_factory=set)
    failed: set[int] = field(default_factory=set)
    air: dict[int, Launch] = field(default_factory=dict)
    dead: list[int] = field(default_factory=list)
    closed: set[str] = field(default_factory=set)
    reason: str | None = None

    @property
    def answered(self) -> set[int]:
        return self.done | self.failed

    def take(self, actions: list[Action]) -> None:
        for action in actions:
            assert self.reason is None, "an action after Stop"
            match action:
                case Launch():
                    self._launched(action)
                case Cancel(flight):
                    assert flight in self.air
                    self.land(flight)
                case Failed(numbers, errors):
                    assert len(errors) == numbers.size
                    self.fail(set(numbers.tolist()))
                case Stop(reason):
                    self.reason = reason
        self.check()

    def _launched(self, launch: Launch) -> None:
        numbers = launch.numbers.tolist()
        assert numbers
        assert len(set(numbers)) == len(numbers)
        assert set(numbers) <= self.known
        assert not set(numbers) & self.answered, "an answered point is launched"
        assert launch.lane not in self.closed
        assert launch.flight not in self.air
        assert launch.flight not in self.dead
        assert launch.budget > 0
        for number in numbers:
            holders = sum(number in other.numbers for other in self.air.values())
            assert holders <= self.rules.copies, "too many jobs with one point"
        if self.rules.one_by_one:
            assert len(numbers) == 1
        assert len(numbers) <= self.rules.most_in_chunk
        self.air[launch.flight] = launch

    def land(self, flight: int) -> None:
        del self.air[flight]
        self.dead.append(flight)

    def fail(self, numbers: set[int]) -> None:
        assert not numbers & self.answered, "a second answer"
        self.failed |= numbers

    def check(self) -> None:
        counts = self.machine.counts
        assert (counts.done, counts.failed) == (len(self.done), len(self.failed))
        assert counts.total == len(self.known)
        assert counts.done + counts.failed + counts.in_flight + counts.waiting == counts.total
        held: set[int] = set()
        for flight, launch in self.air.items():
            mine = set(launch.numbers.tolist()) - self.answered
            assert mine == set(self.machine.open(flight).tolist())
            assert mine, "a job that nobody needs is not cancelled"
            held |= mine
        assert counts.in_flight <= len(held)
        assert counts.waiting >= len(self.known - self.answered - held)
        if self.reason is not None:
            assert not self.air
            assert (self.reason == "") == (self.answered == self.known)
            assert self.machine.next_tick is None
        elif not self.air:
            assert self.machine.next_tick is not None, "nothing will ever happen"
        assert self.machine.next_tick is None or self.machine.next_tick > self.now

    # --- events

    def answer(self, flight: int, done: set[int], failed: set[int], left: set[int], seconds: float) -> None:
        open_ = set(self.machine.open(flight).tolist())
        assert not open_ & self.answered
        self.done |= done & open_
        self.failed |= (failed - done) & open_
        if flight in self.air:
            self.land(flight)
        errors = [f"ValueError: {number % 2}" for number in sorted(failed)]
        event = self.machine.answered
        self.take(event(flight, self.now, array(done), array(failed), errors, array(left), seconds))

    def lose(self, flight: int, *, fault: bool, done: set[int] | None = None, at: int | None = None) -> None:
        if done is not None:
            self.done |= done & set(self.machine.open(flight).tolist())
        if flight in self.air:
            self.land(flight)
        told = None if done is None else array(done)
        self.take(self.machine.lost(flight, self.now, "it broke", points_at_fault=fault, done=told, at=at))

    def finish(self) -> None:
        """From now on all goes well."""
        for _ in range(10_000):
            if self.reason is not None:
                return
            tick = self.machine.next_tick
            if self.air and (tick is None or self.now < tick):
                flight, launch = next(iter(self.air.items()))
                self.now += 0.01
                self.answer(flight, set(launch.numbers.tolist()), set(), set(), 0.01)
            else:
                assert tick is not None
                self.now = max(tick, self.now)
                self.take(self.machine.tick(self.now))
        raise AssertionError("it never ends")


rules = st.builds(
    Rules,
    retries=st.integers(0, 2),
    chunk=st.none() | st.integers(1, 9),
    one_by_one=st.booleans(),
    first_size=st.none() | st.integers(1, 9),
    most_in_chunk=st.integers(5, 50),
    stop_after=st.sampled_from([0, 3, 20]),
    losses=st.integers(1, 4),
    drops=st.integers(0, 3),
    copies=st.integers(0, 2),
).filter(lambda rules: (rules.chunk or 1) <= rules.most_in_chunk)
lanes = st.lists(st.integers(1, 3), min_size=1, max_size=3).map(
    lambda slots: [Lane(name, count) for name, count in zip(NAMES, slots, strict=False)]
)


def begin(data: st.DataObject) -> Model:
    total = data.draw(st.integers(0, 40))
    cuts = sorted(data.draw(st.lists(st.integers(0, total), max_size=4)))
    blocks = np.split(np.arange(total, dtype=np.int64), cuts)  # some of them are empty
    chosen = data.draw(rules)
    machine = Run(blocks, total, data.draw(lanes), chosen)
    model = Model(machine, chosen, set(range(total)))
    if data.draw(st.booleans()):
        adopted = set(range(100, 100 + data.draw(st.integers(1, 5))))
        flight = machine.adopt(array(adopted), "a", 0.0)
        model.known |= adopted
        model.air[flight] = Launch(flight, "a", array(adopted), math.inf)
    model.take(machine.start(0.0))
    return model


def some(data: st.DataObject, numbers: set[int]) -> set[int]:
    return data.draw(st.sets(st.sampled_from(sorted(numbers)))) if numbers else set()


def step(data: st.DataObject, model: Model) -> None:
    """One event, of any kind, also ones that come too late."""
    machine = model.machine
    flights = [*model.air, *model.dead[-3:], 999]
    flight = data.draw(st.sampled_from(flights))
    carried = set(model.air[flight].numbers.tolist()) if flight in model.air else set()
    model.now += data.draw(st.sampled_from([0.0, 0.001, 0.2, 3.0, 100.0]))
    kind = data.draw(st.sampled_from(["answer", "all", "lost", "dropped", "told", "started", "tick", "rare"]))
    if kind == "all":
        model.answer(flight, carried, set(), set(), 0.1)
    elif kind == "answer":
        foreign = data.draw(st.sets(st.integers(0, 60), max_size=2))
        done, failed = some(data, carried), some(data, carried)
        seconds = data.draw(st.sampled_from([0.0, 1e-6, 0.3, 60.0, math.nan, -1.0]))
        model.answer(flight, done | (foreign - model.known), failed - done, carried - done - failed, seconds)
    elif kind in ("lost", "dropped"):
        model.lose(flight, fault=kind == "lost")
    elif kind == "told":
        at = data.draw(st.none() | st.integers(0, 60))
        model.lose(flight, fault=True, done=some(data, carried) - {at}, at=at)
    elif kind == "started":
        model.take(machine.started(flight, model.now, data.draw(st.sampled_from(["vm-1", "vm-2"]))))
    elif kind == "tick":
        if machine.next_tick is not None:
            model.now = max(model.now, machine.next_tick)
        model.take(machine.tick(model.now))
    else:
        rare(data, model)


def rare(data: st.DataObject, model: Model) -> None:
    kind = data.draw(st.sampled_from(["close", "open", "more", "more", "interrupt"]))
    name = data.draw(st.sampled_from(NAMES))
    if kind == "close":
        if name in model.machine.lane_shares:
            model.closed.add(name)
        model.take(model.machine.lane_closed(name, model.now, "its server is gone"))
    elif kind == "open":
        model.closed.discard(name)
        model.take(model.machine.lane_opened(Lane(name, data.draw(st.integers(1, 4))), model.now))
    elif kind == "interrupt":
        model.take(model.machine.interrupt(model.now))
    elif not model.reason:
        first = 1000 + len(model.known)
        new = set(range(first, first + data.draw(st.integers(0, 6))))
        model.known |= new
        model.reason = None
        model.take(model.machine.more(array(new), model.now))


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_every_point_has_one_place_and_one_answer(data: st.DataObject) -> None:
    model = begin(data)
    for _ in range(data.draw(st.integers(0, 40))):
        if model.reason:
            break
        step(data, model)
    model.finish()
    assert model.reason is not None
    if model.reason == "":
        assert model.done | model.failed == model.known


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_without_bad_luck_all_points_are_done_in_one_go(data: st.DataObject) -> None:
    model = begin(data)
    launched = list(model.air.values())
    while model.reason is None:
        flight = data.draw(st.sampled_from(sorted(model.air)))
        before = set(model.air)
        model.now += 0.1
        model.answer(flight, set(model.air[flight].numbers.tolist()), set(), set(), 0.1)
        launched += [launch for number, launch in model.air.items() if number not in before]
    assert model.done == model.known
    assert sum(launch.numbers.size for launch in launched) >= len(model.known)


@pytest.mark.parametrize("fault", [True, False])
def test_losing_everything_for_ever_ends(fault: bool) -> None:
    machine = Run([np.arange(30)], 30, [Lane("a", 2), Lane("b", 1)], Rules(stop_after=0))
    model = Model(machine, Rules(), set(range(30)))
    model.take(machine.start(0.0))
    for _ in range(2000):
        if model.reason is not None:
            break
        model.now += 0.1
        if model.air:
            model.lose(next(iter(model.air)), fault=fault)
        else:
            model.now = max(model.now, machine.next_tick or 0.0)
            model.take(machine.tick(model.now))
    assert model.reason is not None
    assert model.reason.startswith("no resource is left") != fault
    assert len(model.failed) == (30 if fault else 0)
