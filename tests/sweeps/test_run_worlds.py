"""The run of a sweep in simulated worlds: how long it takes, how many jobs, how much work is done twice."""

from __future__ import annotations

import time

import numpy as np
import pytest

from everest_kernel.sweeps.run import Lane, Launch, Rules, Run

from .world import NONE, Place, World, blocks, even

ALL = frozenset(range(100_000))


@pytest.mark.parametrize("trip", [0.0, 0.05, 0.15])
@pytest.mark.parametrize("silent", [False, True])
def test_dear_points_cost_little_more_than_computing(trip: float, silent: bool) -> None:
    world = World(even(0.05), (Place("a", 2, startup=0.15, trip=trip, silent=silent),))
    world.run(2000)
    assert world.reason == ""
    assert world.makespan <= 1.06 * 2000 * 0.05 / 2
    assert sum(world.computed.values()) == 2000


def test_cheap_points_go_in_one_job_for_each_slot() -> None:
    world = World(even(1e-6))
    world.run(10_000)
    assert len(world.launches) == 2


def test_no_slot_has_one_job_more_than_others_of_many_cheap_points() -> None:
    world = World(even(1e-6))
    world.run(100_000)
    assert len(world.launches) == 6
    assert max(launch.numbers.size for launch in world.launches) <= 20_000


@pytest.mark.parametrize("shape", ["exponential", "rising", "falling", "lognormal"])
def test_uneven_points_are_balanced(shape: str) -> None:
    random = np.random.default_rng(1)
    times = {
        "exponential": random.exponential(0.05, 2000),
        "rising": np.linspace(0.001, 0.1, 2000),
        "falling": np.linspace(0.1, 0.001, 2000),
        "lognormal": random.lognormal(-4, 1.5, 2000),
    }[shape]
    world = World(lambda numbers: times[numbers], (Place("a", 2, trip=0.02),))
    world.run(2000)
    assert world.makespan <= 1.06 * times.sum() / 2 + 0.5
    assert sum(world.computed.values()) == 2000


def test_lanes_get_points_by_their_speed() -> None:
    world = World(even(0.05), (Place("fast", 1, speed=4, trip=0.02), Place("slow", 1, trip=0.02)))
    world.run(4000)
    shares = world.per_lane()
    assert 3.5 <= shares["fast"] / shares["slow"] <= 4.5
    assert world.makespan <= 1.06 * 4000 * 0.05 / 5


def test_a_very_slow_lane_does_not_hold_up_the_end() -> None:
    places = (Place("fast", 4, speed=10, trip=0.02), Place("slow", 4, trip=0.02))
    world = World(even(0.05), places)
    world.run(8000)
    assert world.makespan <= 1.15 * 8000 * 0.05 / 44


def test_points_longer_than_the_target_go_one_by_one() -> None:
    world = World(even(10.0), (Place("a", 4, trip=0.02),))
    world.run(7)
    assert world.makespan <= 20.5
    assert sum(world.computed.values()) == 7


def test_a_stuck_job_is_done_by_another_at_the_end() -> None:
    world = World(even(0.05), stalls={12: 1000.0})
    world.run(2000)
    assert world.reason == ""
    assert world.makespan < 90  # one of the two slots was lost for more than half of the time
    assert sum(world.computed.values()) <= 2000 + 2 * 60


def test_a_lane_that_never_answers_does_not_stop_the_others() -> None:
    world = World(even(0.01), (Place("a", 2), Place("dead", 2, dead=True)))
    world.run(2000)
    assert world.reason == ""
    assert world.makespan <= 1.25 * 2000 * 0.01 / 2


def test_a_lane_that_spoils_everything_is_closed_and_no_point_suffers() -> None:
    world = World(even(0.01), (Place("a", 2), Place("bad", 2, garbage=True)))
    machine = world.run(2000)
    assert len(world.done) == 2000
    assert "garbage" in machine.closed["bad"]


def test_one_point_that_fails_costs_nothing_more() -> None:
    world = World(even(1e-5), failing=frozenset([777]))
    world.run(10_000)
    assert (len(world.done), set(world.failed)) == (9999, {777})
    assert sum(world.computed.values()) == 10_000


@pytest.mark.parametrize("keeps", [False, True])
def test_one_deadly_point_is_found(keeps: bool) -> None:
    world = World(even(1e-5), deadly=frozenset([777]), keeps=keeps)
    world.run(10_000)
    assert (len(world.done), world.failed) == (9999, {777: "killed by signal 11"})
    assert sum(world.computed.values()) <= (10_100 if keeps else 20_000)
    assert world.computed[777] >= 2  # it had a second chance


def test_all_points_failing_stops_early() -> None:
    world = World(even(0.01), failing=ALL)
    machine = world.run(10_000)
    assert world.reason == "all that was tried has failed (50 points), each with: ValueError: bad"
    assert machine.counts.waiting == 9950
    assert machine.common_error == ("ValueError: bad", 50)


def test_all_chunks_failing_stops_early() -> None:
    world = World(even(0.01), deadly=ALL)
    world.run(10_000)
    assert "jobs as a whole), each with: killed by signal 11" in (world.reason or "")
    assert len(world.launches) <= 30


def test_a_first_part_that_fails_does_not_stop_a_sweep_that_has_results() -> None:
    world = World(even(0.01), failing=frozenset(range(1000)))
    world.run(10_000)
    assert (world.reason, len(world.done), len(world.failed)) == ("", 9000, 1000)


def test_lost_jobs_are_sent_again() -> None:
    world = World(even(0.01), drop=lambda launch: launch % 3 == 0)
    world.run(2000)
    assert (world.reason, len(world.done)) == ("", 2000)


def test_a_lane_that_loses_everything_is_closed_after_pauses() -> None:
    world = World(even(0.01), drop=lambda launch: True)
    world.run(2000)
    assert world.reason == "no resource is left (a: connection lost)"
    assert world.makespan > 2
    assert len(world.launches) <= 20


def test_languages_without_a_loop() -> None:
    world = World(even(0.01), (Place("a", 2, startup=0.05, trip=0.01),))
    world.run(200, Rules(one_by_one=True))
    assert len(world.launches) == 200
    assert world.makespan <= 1.02 * 200 * 0.06 / 2


@pytest.mark.parametrize(("pace", "most_jobs"), [(1e-6, 10), (1e-3, 80)])
def test_the_machine_costs_next_to_nothing(pace: float, most_jobs: int) -> None:
    """100,000 points in less than 30 ms (typically 1 to 7): the best of a few, as the machine may be busy."""
    took = []
    for _ in range(5):
        began = time.process_time()
        machine = Run(blocks(100_000), 100_000, [Lane("a", 2)], Rules())
        actions, now, jobs = machine.start(0.0), 0.0, 0
        while actions:
            action = actions.pop(0)
            if isinstance(action, Launch):
                jobs, now = jobs + 1, now + 0.2
                reached = min(action.numbers.size, int(action.budget / pace) + 1)
                done, left = action.numbers[:reached], action.numbers[reached:]
                actions += machine.answered(action.flight, now, done, NONE, (), left, reached * pace)
        took.append(time.process_time() - began)
        assert machine.reason == ""
        assert jobs <= most_jobs
    assert min(took) < 0.03


def test_the_last_points_do_not_go_to_a_lane_that_would_end_late() -> None:
    world = World(even(1.0), (Place("fast", 1), Place("slow", 1, speed=0.1)))
    world.run(25, Rules(one_by_one=True))
    assert world.makespan < 28  # a third point of the slow lane would end after 30 s


def test_a_deadly_point_in_the_chunk_of_every_slot_is_no_pattern() -> None:
    deadly = frozenset(range(0, 800, 100))
    world = World(even(0.001), (Place("a", 8),), deadly=deadly)
    world.run(800)
    assert (world.reason, len(world.done), set(world.failed)) == ("", 792, set(deadly))
