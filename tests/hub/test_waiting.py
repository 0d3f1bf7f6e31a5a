"""Places in the queue, and reasons in words: tables, and what the scheduler then really does."""

from __future__ import annotations

import time
from collections import OrderedDict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everest_kernel.hub.actions import Send
from everest_kernel.hub.scheduled import Slots, UnfinishedJob
from everest_kernel.hub.scheduler import Scheduler
from everest_kernel.hub.turns import Turns
from everest_kernel.hub.waiting import Waiting, reason
from everest_kernel.wire import TaskId
from tests.hub.support import ECHO, memory_hub, scripted_agent, served_hub

NAMES = {"1": "win7", "2": "win10", "3": "lab"}


@pytest.mark.parametrize(
    ("waiting", "connected", "said"),
    [
        (Waiting(("1",), 1), {}, "the resource win7 is offline"),
        (Waiting(("1", "2"), 1), {}, "the resources win7 and win10 are offline"),
        (Waiting(("1", "2"), 1), {"2": 1}, "the resource win10 is busy"),
        (Waiting(("1", "2"), 1), {"1": 0, "2": 1}, "the resource win10 is busy"),
        (Waiting(("1", "2"), 1), {"1": 0, "2": 0}, "the resources win7 and win10 take no tasks"),
        (Waiting(("9",), 1), {"1": 1}, "the resource 9 does not exist any more"),
        (Waiting(("9", "1"), 1), {}, "the resource win7 is offline"),
        (Waiting((), 1), {}, "the resources win7 and win10 are offline"),
        (Waiting((), 1), {"1": 2, "3": 2}, "the resource win7 is busy"),
        (Waiting(("1",), None), {"1": 2}, "its next task is being looked for"),
        (Waiting(("1",), 1, cancelling=True), {}, "it is being cancelled"),
        (Waiting(("1",), None, lost=True, last_resource="3"), {}, "the agent of lab is away, and is waited for"),
        (
            Waiting(("1",), None, lost=True, held=True),
            {},
            "the hub was started again and waits for the agents that may still run it",
        ),
        (Waiting(("1",), None, held=True), {}, "the hub was started again and waits for its agents"),
    ],
)
def test_reasons(waiting: Waiting, connected: dict[str, int], said: str) -> None:
    slots = {resource: Slots(number) for resource, number in connected.items()}
    assert reason(waiting, NAMES, ["1", "2"], slots) == said


def test_reasons_where_there_are_none_or_many() -> None:
    assert reason(Waiting((), 1), {}, [], {}) == "no resource is attached"
    assert reason(Waiting((), 1), NAMES, [], {}) == "no resource is attached"
    many = {str(number): f"r{number}" for number in range(5)}
    assert reason(Waiting((), 1), many, list(many), {}) == "all 5 resources are offline"


# --- positions


def test_a_job_that_runs_has_no_place_in_the_queue() -> None:
    scheduler = Scheduler()
    scheduler.submit("j", "u", ())
    assert scheduler.waiting("j") == Waiting((), 1)
    scheduler.connected("r", 1, [], 0)
    assert scheduler.waiting("j") is None
    assert scheduler.waiting("unknown") is None


def test_one_that_lost_its_resource_waits_for_it_and_then_in_the_queue() -> None:
    scheduler = Scheduler(grace=10)
    scheduler.connected("r", 1, [], 0)
    scheduler.submit("j", "u", ())
    scheduler.disconnected("r", 0)
    assert scheduler.waiting("j") == Waiting((), None, lost=True, last_resource="r")
    scheduler.tick(10)
    assert scheduler.waiting("j") == Waiting((), 1)


def test_after_a_restart_it_waits_for_the_agents() -> None:
    scheduler = Scheduler(grace=10)
    single = UnfinishedJob("a", "u", (), (TaskId("a", 0, 0),), iter(()), lambda number: False)
    sweep = UnfinishedJob("b", "u", (), (), iter((0, 1)), lambda number: True, 1)
    scheduler.recover([single, sweep], ["r"], 0)
    assert scheduler.waiting("a") == Waiting((), None, lost=True, held=True)
    assert scheduler.waiting("b") == Waiting((), None, held=True)
    scheduler.tick(10)
    assert [scheduler.waiting(job) for job in "ab"] == [Waiting((), 1), Waiting((), 2)]


def test_a_sweep_of_which_a_task_runs_does_not_wait() -> None:
    scheduler = Scheduler()
    scheduler.connected("r", 1, [], 0)
    scheduler.submit("j", "u", (), iter(range(3)))
    assert scheduler.waiting("j") is None


def test_a_cancelled_job_is_in_nobodys_way() -> None:
    scheduler = Scheduler()
    for job in "abc":
        scheduler.submit(job, "u", ())
    scheduler.cancel("b")
    assert scheduler.waiting("b") is None
    assert scheduler.waiting("c") == Waiting((), 2)


_jobs = st.lists(
    st.tuples(st.sampled_from("xyz"), st.sampled_from([(), ("r",), ("r", "s"), ("s",)]), st.booleans()), max_size=12
)


@given(jobs=_jobs, drawn=st.integers(0, 6), cancelled=st.sets(st.integers(0, 11), max_size=3))
def test_positions_are_what_then_happens(
    jobs: list[tuple[str, tuple[str, ...], bool]], drawn: int, cancelled: set[int]
) -> None:
    scheduler = Scheduler()
    scheduler.connected("r", 0, [], 0)
    for number, (user, resources, many) in enumerate(jobs):
        scheduler.submit(f"j{number}", user, resources, iter(range(40)) if many else None)
    running: list[TaskId] = []

    def let_run(tasks: int) -> list[str]:
        scheduler.disconnected("r", 0)
        actions = scheduler.connected("r", len(running) + tasks, running, 0)
        sent = [action.task for action in actions if isinstance(action, Send)]
        running.extend(sent)
        return [task.job_id for task in sent]

    # a resource that takes one task after the other: their order is the order of the queue
    let_run(drawn)
    for number in sorted(cancelled & set(range(len(jobs)))):
        scheduler.cancel(f"j{number}")
        running = [task for task in running if task.job_id != f"j{number}"]
    positions = {
        job: waiting.position
        for job in (f"j{number}" for number in range(len(jobs)))
        if (waiting := scheduler.waiting(job)) is not None
    }
    order = let_run(10_000)
    for number, (_, resources, _) in enumerate(jobs):
        job, position = f"j{number}", positions.get(f"j{number}")
        if position is not None and (not resources or "r" in resources):
            assert position == order.index(job) + 1


@given(st.lists(st.tuples(st.sampled_from(["add", "remove", "end"]), st.integers(0, 200)), max_size=400))
def test_turns_are_an_ordered_dictionary_that_can_count(steps: list[tuple[str, int]]) -> None:
    turns, model = Turns(), OrderedDict[str, None]()
    for step, number in steps:
        name = str(number)
        if step == "add":
            turns.add(name)
            model.setdefault(name)
        elif step == "remove":
            turns.remove(name)
            model.pop(name, None)
        elif name in model:
            turns.to_end(name)
            model.move_to_end(name)
        assert list(turns) == list(model)
        assert len(turns) == len(model)
    assert [turns.before(name) for name in model] == list(range(len(model)))


def test_many_that_leave_from_the_front_leave_nothing_behind() -> None:
    turns = Turns()
    for number in range(1000):
        turns.add(str(number))
    for number in range(900):
        turns.remove(str(number))
    assert turns.before("950") == 50
    assert len(turns._order) < 400


def test_a_place_among_a_hundred_thousand_is_told_at_once() -> None:
    scheduler = Scheduler()
    for number in range(100_000):
        scheduler.submit(f"j{number}", "u", ())
    began = time.perf_counter()
    for number in range(0, 100_000, 100):
        assert scheduler.waiting(f"j{number}") == Waiting((), number + 1)
    assert time.perf_counter() - began < 1, "a thousand questions; each would be 3 ms if it looked at every job"


# --- as a client sees it


async def test_a_job_that_waits_says_for_what_and_lists_do_not(tmp_path: Path) -> None:
    async with memory_hub(tmp_path) as (_, client):
        await client.post("/api/apps", json=ECHO)

        async def submit(*resources: str) -> str:
            body = {"inputs": {"text": "hi"}, "resources": resources}
            answer = (await client.post("/api/apps/local/echo", json=body)).json()
            assert answer["queuePosition"] is None
            job_id: str = answer["id"]
            return job_id

        async def queue(job_id: str) -> tuple[int | None, str]:
            job = (await client.get(f"/api/jobs/{job_id}")).json()
            return job["queuePosition"], job["waitingFor"]

        anywhere = await submit()
        assert await queue(anywhere) == (1, "no resource is attached")
        resource = (await client.post("/api/resources", json={"name": "win7"})).json()["id"]
        assert await queue(anywhere) == (1, "the resource win7 is offline")
        there = [await submit(resource) for _ in range(2)]
        assert [await queue(job_id) for job_id in there] == [(n, "the resource win7 is offline") for n in (2, 3)]
        await client.delete(f"/api/resources/{resource}")
        assert await queue(there[1]) == (3, f"the resource {resource} does not exist any more")
        listed = (await client.get("/api/jobs")).json()
        assert {(job["queuePosition"], job["waitingFor"]) for job in listed} == {(None, "")}
        await client.post(f"/api/jobs/{there[0]}/cancel")
        assert await queue(there[0]) == (None, "")
        assert (await queue(there[1]))[0] == 2


async def test_a_job_waits_for_a_busy_resource_until_it_is_sent(tmp_path: Path) -> None:
    async with served_hub(tmp_path) as (hub, client), scripted_agent(hub, "lab") as agent:
        await agent.hello(slots=1)
        await client.post("/api/apps", json=ECHO)
        first, second = [
            (await client.post("/api/apps/local/echo", json={"inputs": {"text": "hi"}})).json()["id"] for _ in range(2)
        ]
        task = await agent.expect_task()
        assert (await client.get(f"/api/jobs/{first}")).json()["waitingFor"] == ""
        job = (await client.get(f"/api/jobs/{second}")).json()
        assert (job["queuePosition"], job["waitingFor"]) == (1, "the resource scripted is busy")
        await agent.state(task.task_id, "FAILED")
        await agent.expect_task()
        job = (await client.get(f"/api/jobs/{second}")).json()
        assert (job["state"], job["queuePosition"], job["waitingFor"]) == ("SCHEDULED", None, "")
