"""The run of a sweep, event by event."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from everest_kernel.sweeps.run import Action, Cancel, Counts, Failed, Lane, Launch, Numbers, Rules, Run, Stop

from .world import NONE, blocks


def run(total: int, *slots: int, **rules: Any) -> tuple[Run, list[Launch]]:
    lanes = [Lane(name, count) for name, count in zip("abc", slots or (1,), strict=False)]
    machine = Run(blocks(total), total, lanes, Rules(**rules))
    return machine, launches(machine.start(0.0))


def launches(actions: list[Action]) -> list[Launch]:
    return [action for action in actions if isinstance(action, Launch)]


def sizes(actions: list[Action]) -> list[int]:
    return [launch.numbers.size for launch in launches(actions)]


def done(machine: Run, launch: Launch, now: float, count: int | None = None, seconds: float = 1.0) -> list[Action]:
    numbers = launch.numbers
    count = numbers.size if count is None else count
    return machine.answered(launch.flight, now, numbers[:count], NONE, (), numbers[count:], seconds)


def numbers(*values: int) -> Numbers:
    return np.array(values, np.int64)


def test_nothing_to_do() -> None:
    machine = Run([], 0, [Lane("a", 1)], Rules())
    assert machine.start(0.0) == [Stop("")]
    assert machine.reason == ""


def test_nowhere_to_do_it() -> None:
    assert Run(blocks(3), 3, [], Rules()).start(0.0) == [Stop("there is no resource to run on")]


@pytest.mark.parametrize("lanes", [[Lane("a", 1), Lane("a", 2)], [Lane("a", 0)]])
def test_bad_lanes_are_refused(lanes: list[Lane]) -> None:
    with pytest.raises(ValueError, match="different names"):
        Run([], 0, lanes, Rules())


def test_the_first_chunks_are_fair_shares_with_a_short_budget() -> None:
    machine, first = run(1000, 2, 2)
    assert [(launch.lane, launch.numbers.size, launch.budget) for launch in first] == [
        ("a", 250, 0.25),
        ("b", 250, 0.25),
        ("a", 250, 0.25),
        ("b", 250, 0.25),
    ]
    assert machine.counts == Counts(1000, 0, 0, 1000, 0)


def test_then_chunks_are_as_long_as_the_target() -> None:
    machine, (first,) = run(10_000, 1)
    later = launches(done(machine, first, 0.25, count=25, seconds=0.25))
    assert [launch.numbers.size for launch in later] == [300, 300]  # 3 s each, at 10 ms; one computes, one queues
    assert later[0].budget == pytest.approx(3.9)
    assert later[0].numbers[0] == 25  # what was given back comes first


def test_more_points_may_come_than_were_announced() -> None:
    machine = Run(blocks(100), 10, [Lane("a", 1)], Rules())
    first = machine.start(0.0)
    while launched := launches(first):
        first = [action for launch in launched for action in done(machine, launch, 1.0)]
    assert first == [Stop("")]
    assert machine.counts == Counts(100, 100, 0, 0, 0)


def test_a_fixed_size_has_no_budget() -> None:
    _, first = run(10, 1, chunk=4)
    assert [(launch.numbers.size, launch.budget) for launch in first] == [(4, np.inf), (4, np.inf)]


def test_points_that_fail_by_themselves_are_final() -> None:
    machine, (first,) = run(3)
    told = machine.answered(first.flight, 1.0, numbers(0, 2), numbers(1), ["ValueError: no"], NONE, 0.1)
    assert told == [Stop("")]
    assert machine.counts == Counts(3, 2, 1, 0, 0)
    assert machine.common_error == ("ValueError: no", 1)


def test_a_chunk_that_fails_is_tried_again_whole_then_by_halves_then_given_up() -> None:
    machine, (first,) = run(4, copies=0)
    (again,) = launches(machine.lost(first.flight, 1.0, "dead", points_at_fault=True))
    assert again.numbers.tolist() == [0, 1, 2, 3]
    halves = launches(machine.lost(again.flight, 2.0, "dead", points_at_fault=True))
    assert [launch.numbers.tolist() for launch in halves] == [[0, 1], [2, 3]]
    done(machine, halves[1], 3.0)
    singles = launches(machine.lost(halves[0].flight, 4.0, "dead", points_at_fault=True))
    assert [launch.numbers.tolist() for launch in singles] == [[0], [1]]
    failed = machine.lost(singles[0].flight, 5.0, "dead", points_at_fault=True)
    assert [(action.numbers.tolist(), action.errors) for action in failed if isinstance(action, Failed)] == [
        ([0], ("dead",))
    ]
    assert done(machine, singles[1], 6.0) == [Stop("")]
    assert machine.counts == Counts(4, 3, 1, 0, 0)


def test_where_the_point_is_known_only_it_is_suspected() -> None:
    machine, (first,) = run(10, chunk=10)
    told = machine.lost(first.flight, 1.0, "dead", points_at_fault=True, done=numbers(0, 1, 2), at=3, seconds=0.1)
    assert sorted(launch.numbers.tolist() for launch in launches(told)) == [[3], [4, 5, 6, 7, 8, 9]]
    assert machine.counts.done == 3


def test_what_infrastructure_loses_is_sent_again_without_blame() -> None:
    machine, (first,) = run(10, losses=100, drops=100, retries=0)
    for turn in range(10):
        told = machine.lost(first.flight, float(100 * turn), "gone", points_at_fault=False)
        if not told:
            assert machine.next_tick is not None  # the lane rests
            told = machine.tick(machine.next_tick)
        (first,) = launches(told)
        assert first.numbers.size == 10


def test_points_that_infrastructure_loses_again_and_again_are_suspected() -> None:
    machine, (first,) = run(1, losses=100, drops=1, retries=0)
    (second,) = launches(machine.lost(first.flight, 1.0, "gone", points_at_fault=False))
    assert isinstance(machine.lost(second.flight, 2.0, "gone", points_at_fault=False)[0], Failed)


def test_jobs_lost_together_count_once() -> None:
    machine, first = run(100, 4, losses=2)
    for launch in first:
        machine.lost(launch.flight, 1.0, "gone", points_at_fault=False)
    assert machine.closed == {}


def test_an_answer_without_any_point_counts_as_a_failure() -> None:
    machine, (first,) = run(4, retries=0)
    told = machine.answered(first.flight, 1.0, numbers(77), NONE, (), first.numbers, 0.1)
    assert sizes(told) == [2, 2]
    assert machine.common_error == ("the job ended without an answer for any of its points", 1)


def test_a_closed_lane_gives_its_points_to_others() -> None:
    machine, first = run(100, 1, 1)
    told = machine.lane_closed("a", 1.0, "its server is gone")
    assert Cancel(first[0].flight) in told
    assert {launch.lane for launch in launches(told)} == {"b"}
    assert machine.closed == {"a": "its server is gone"}
    assert machine.lane_closed("b", 2.0, "gone, too")[-1] == Stop(
        "no resource is left (a: its server is gone; b: gone, too)"
    )


def test_a_new_lane_takes_part() -> None:
    machine, _ = run(100_000, 1)
    assert {launch.lane for launch in launches(machine.lane_opened(Lane("b", 2), 1.0))} == {"b"}


def test_an_interrupt_cancels_and_keeps_count() -> None:
    machine, (first,) = run(10)
    assert machine.interrupt(1.0) == [Cancel(first.flight), Stop("interrupted")]
    assert machine.counts == Counts(10, 0, 0, 0, 10)
    assert done(machine, first, 2.0) == []
    assert machine.interrupt(3.0) == machine.more(numbers(11), 3.0) == machine.tick(3.0) == []


def test_more_points_after_the_end() -> None:
    machine, (first,) = run(2)
    assert done(machine, first, 1.0) == [Stop("")]
    told = machine.more(numbers(7, 9), 2.0)
    assert sum(sizes(told)) == 2
    assert machine.reason is None
    assert machine.more(NONE, 2.0) == []


def test_an_adopted_job_is_waited_for() -> None:
    machine = Run([], 0, [Lane("a", 1)], Rules())
    flight = machine.adopt(numbers(5, 6), "a", 0.0)
    assert machine.start(0.0) == []
    assert machine.open(flight).tolist() == [5, 6]
    assert machine.answered(flight, 1.0, numbers(5, 6), NONE, (), NONE, 0.1) == [Stop("")]
    with pytest.raises(ValueError, match="adopted"):
        machine.adopt(numbers(8), "a", 2.0)


def test_an_overdue_job_is_copied_and_the_first_answer_counts() -> None:
    machine, (first, second) = run(20, 1, 1, chunk=10)
    machine.started(first.flight, 0.0, "vm-1")
    machine.started(second.flight, 0.0, "vm-2")
    assert launches(done(machine, first, 1.0, seconds=1.0)) == []
    assert machine.next_tick is not None
    (copy,) = launches(machine.tick(machine.next_tick))
    assert (copy.lane, copy.numbers.tolist()) == ("a", second.numbers.tolist())
    assert machine.counts == Counts(20, 10, 0, 10, 0)
    machine.answered(second.flight, 9.0, second.numbers[:4], NONE, (), second.numbers[4:], 1.0)
    assert machine.open(copy.flight).tolist() == second.numbers[4:].tolist()
    assert done(machine, copy, 10.0) == [Stop("")]
    assert machine.counts == Counts(20, 20, 0, 0, 0)


def test_the_loser_of_two_copies_is_cancelled() -> None:
    machine, (first, second) = run(20, 1, 1, chunk=10)
    machine.started(second.flight, 0.0, "vm-2")
    done(machine, first, 1.0, seconds=1.0)
    (copy,) = launches(machine.tick(machine.next_tick or 0.0))
    assert done(machine, copy, 10.0) == [Cancel(second.flight), Stop("")]


def test_shares_by_resource_and_by_lane() -> None:
    machine, (first,) = run(10)
    machine.started(first.flight, 0.0, "vm-1")
    done(machine, first, 2.0, seconds=2.0)
    share = machine.shares["vm-1"]
    assert (share.points, share.seconds, share.speed) == (10, 2.0, 5.0)
    assert machine.lane_shares["a"] == share


def test_the_time_left_is_told_once_something_is_measured() -> None:
    machine, (first,) = run(1000)
    assert machine.seconds_left(0.0) is None
    done(machine, first, 1.0, count=10, seconds=1.0)
    assert machine.seconds_left(1.0) == pytest.approx(99, rel=0.1)


def test_fewer_points_may_come_than_were_announced() -> None:
    machine = Run(blocks(5), 100, [Lane("a", 1)], Rules(chunk=5))
    (first,) = launches(machine.start(0.0))
    assert done(machine, first, 1.0) == [Stop("")]
    assert machine.counts == Counts(5, 5, 0, 0, 0)


def test_a_job_that_may_still_queue_is_not_copied_to_its_own_lane() -> None:
    machine, (first, _) = run(20, 2, chunk=10)
    done(machine, first, 1.0, seconds=1.0)
    assert machine.next_tick is None
    assert machine.tick(1000.0) == []


def test_a_doubtful_job_leaves_no_points_behind_when_its_lane_closes() -> None:
    machine, (first, second) = run(20, 1, 1, chunk=10)
    machine.started(second.flight, 0.0, "vm-2")
    done(machine, first, 1.0, seconds=1.0)
    (copy,) = launches(machine.tick(machine.next_tick or 0.0))
    assert machine.lane_closed("b", 10.0, "gone") == [Cancel(second.flight)]
    assert machine.counts == Counts(20, 10, 0, 10, 0)
    assert done(machine, copy, 11.0) == [Stop("")]
