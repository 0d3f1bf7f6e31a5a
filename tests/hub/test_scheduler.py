from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from everest_kernel.hub.actions import Action, Cancel, Delete, End, Over, Resume, Send
from everest_kernel.hub.scheduled import UnfinishedJob
from everest_kernel.hub.scheduler import Scheduler
from everest_kernel.hub.task_queue import TaskKey
from everest_kernel.wire import TaskId, TaskState


def sent(actions: list[Action]) -> list[str]:
    return [f"{action.resource}:{action.task}" for action in actions if isinstance(action, Send)]


def unfinished(job_id: str, *started: TaskId, numbers: Iterable[int] = ()) -> UnfinishedJob:
    rest = list(numbers)
    return UnfinishedJob(job_id, "u", (), started, iter(rest), lambda number: number in rest, 1 if rest else 0)


def test_a_task_waits_for_an_agent_and_then_goes() -> None:
    scheduler = Scheduler()
    assert scheduler.submit("j", "u", ()) == []
    assert sent(scheduler.connected("r", 1, [], 0)) == ["r:j-0-0"]


def test_no_more_tasks_than_slots_and_the_next_when_one_ends() -> None:
    scheduler = Scheduler()
    scheduler.connected("r", 2, [], 0)
    assert [len(sent(scheduler.submit(f"j{i}", "u", ()))) for i in range(3)] == [1, 1, 0]
    counts, actions = scheduler.ended("r", TaskId("j0", 0, 0))
    assert counts
    assert sent(actions) == ["r:j2-0-0"]


def test_users_and_jobs_take_turns() -> None:
    scheduler = Scheduler()
    scheduler.submit("big", "anna", (), iter(range(3)))
    scheduler.submit("small", "anna", ())
    scheduler.submit("other", "boris", ())
    order = sent(scheduler.connected("r", 5, [], 0))
    assert order == ["r:big-0-0", "r:other-0-0", "r:small-0-0", "r:big-1-0", "r:big-2-0"]


def test_a_task_goes_only_to_a_resource_that_it_names() -> None:
    scheduler = Scheduler()
    scheduler.connected("wrong", 4, [], 0)
    assert scheduler.submit("j", "u", ("right",)) == []
    assert sent(scheduler.connected("right", 1, [], 0)) == ["right:j-0-0"]


def test_an_agent_back_in_time_goes_on() -> None:
    scheduler = Scheduler(grace=30)
    scheduler.connected("r", 1, [], 0)
    scheduler.submit("j", "u", ())
    scheduler.disconnected("r", 10)
    assert scheduler.wake_at() == 40
    assert scheduler.tick(39) == []
    assert scheduler.connected("r", 1, [TaskId("j", 0, 0)], 39) == [Resume("r", TaskId("j", 0, 0))]
    assert scheduler.wake_at() is None


def test_an_agent_back_without_the_task_gets_its_next_attempt() -> None:
    scheduler = Scheduler()
    scheduler.connected("r", 1, [], 0)
    scheduler.submit("j", "u", ())
    scheduler.disconnected("r", 1)
    assert sent(scheduler.connected("r", 1, [], 2)) == ["r:j-0-1"]


def test_a_lost_task_goes_elsewhere_and_the_old_attempt_no_longer_counts() -> None:
    scheduler = Scheduler(grace=30)
    scheduler.connected("a", 1, [], 0)
    scheduler.submit("j", "u", ())
    scheduler.disconnected("a", 0)
    scheduler.connected("b", 1, [], 1)
    assert sent(scheduler.tick(30)) == ["b:j-0-1"]
    old = TaskId("j", 0, 0)
    assert scheduler.connected("a", 1, [old], 31) == [Delete("a", old)]
    assert scheduler.ended("a", old) == (False, [Delete("a", old)])
    assert scheduler.ended("b", TaskId("j", 0, 1))[0]


def test_a_task_that_is_lost_too_often_fails() -> None:
    scheduler = Scheduler(grace=1, max_attempts=2)
    scheduler.connected("r", 1, [], 0)
    scheduler.submit("j", "u", ())
    scheduler.disconnected("r", 0)
    assert sent(scheduler.connected("r", 1, [], 0)) == ["r:j-0-1"]
    scheduler.disconnected("r", 5)
    end, over = scheduler.tick(6)
    assert over == Over("j")
    assert isinstance(end, End)
    assert end.state is TaskState.FAILED
    assert scheduler.unfinished == 0


@pytest.mark.parametrize("place", ["queued", "sent", "lost"])
def test_cancel(place: str) -> None:
    scheduler = Scheduler()
    if place != "queued":
        scheduler.connected("r", 1, [], 0)
    scheduler.submit("j", "u", ())
    if place == "lost":
        scheduler.disconnected("r", 0)
    actions = scheduler.cancel("j")
    if place == "sent":
        assert actions == [Cancel("r", TaskId("j", 0, 0))]
        assert scheduler.cancel("j") == []
        assert scheduler.ended("r", TaskId("j", 0, 0))[0]
    else:
        assert [type(action) for action in actions] == [End, Over][place == "queued" :]
    assert scheduler.unfinished == 0
    assert sent(scheduler.connected("r", 1, [], 1)) == []


def test_a_cancelled_task_whose_agent_never_returns_ends() -> None:
    scheduler = Scheduler(grace=5)
    scheduler.connected("r", 1, [], 0)
    scheduler.submit("j", "u", ())
    scheduler.cancel("j")
    scheduler.disconnected("r", 0)
    end, over = scheduler.tick(5)
    assert over == Over("j")
    assert isinstance(end, End)
    assert end.state is TaskState.CANCELED


def test_after_a_restart_tasks_wait_for_the_agents_that_may_have_them() -> None:
    scheduler = Scheduler(grace=30)
    first, second = TaskId("a", 0, 0), TaskId("b", 0, 1)
    scheduler.recover([unfinished("a", first), unfinished("b", second)], ["r", "s"], 0)
    assert scheduler.connected("r", 2, [first], 1) == [Resume("r", first)]
    assert sent(scheduler.connected("s", 2, [], 2)) == ["r:b-0-2"]


def test_after_a_restart_without_any_known_agent_grace_decides() -> None:
    scheduler = Scheduler(grace=30)
    scheduler.recover([unfinished("a", TaskId("a", 0, 0))], ["never-back"], 0)
    assert scheduler.connected("new", 1, [], 1) == []
    assert sent(scheduler.tick(30)) == ["new:a-0-1"]


def test_the_same_task_twice_is_a_mistake() -> None:
    scheduler = Scheduler()
    scheduler.submit("j", "u", ())
    with pytest.raises(ValueError, match="already"):
        scheduler.submit("j", "u", ())


def test_a_job_of_many_tasks_costs_nothing_before_they_are_sent() -> None:
    scheduler = Scheduler()
    drawn = []

    def source() -> Iterator[int]:
        for number in range(1_000_000):
            drawn.append(number)
            yield number

    scheduler.submit("j", "u", (), source())
    assert sent(scheduler.connected("r", 2, [], 0)) == ["r:j-0-0", "r:j-1-0"]
    assert len(drawn) <= 3
    _, actions = scheduler.ended("r", TaskId("j", 1, 0))
    assert sent(actions) == ["r:j-2-0"]


def test_a_job_is_over_when_its_last_task_is_and_not_before() -> None:
    scheduler = Scheduler()
    scheduler.connected("r", 2, [], 0)
    scheduler.submit("j", "u", (), iter(range(3)))
    assert Over("j") not in scheduler.ended("r", TaskId("j", 0, 0))[1]
    assert Over("j") not in scheduler.ended("r", TaskId("j", 1, 0))[1]
    assert scheduler.ended("r", TaskId("j", 2, 0)) == (True, [Over("j")])
    assert scheduler.unfinished == 0


def test_a_source_that_looks_for_long_is_asked_again_and_holds_up_nobody() -> None:
    scheduler = Scheduler()
    scheduler.connected("r", 1, [], 0)
    assert scheduler.wake_at() is None
    assert scheduler.submit("rare", "u", (), iter([None, None, 7, None])) == []
    assert scheduler.wake_at() == 0
    assert sent(scheduler.submit("plain", "u", ())) == ["r:plain-0-0"]
    assert scheduler.tick(1) == []
    assert scheduler.tick(2) == []
    assert sent(scheduler.ended("r", TaskId("plain", 0, 0))[1]) == ["r:rare-7-0"]
    assert scheduler.ended("r", TaskId("rare", 7, 0)) == (True, [])  # there might be one more
    assert scheduler.tick(3) == [Over("rare")]
    assert scheduler.wake_at() is None


def test_a_source_without_any_task_is_over_at_once() -> None:
    assert Scheduler().submit("j", "u", (), iter(())) == [Over("j")]


def test_after_a_restart_nothing_of_many_is_sent_twice() -> None:
    scheduler = Scheduler(grace=30)
    scheduler.recover([unfinished("j", numbers=[1, 2, 4, 5])], ["r", "s"], 0)
    claimed, ended = TaskId("j", 2, 0), TaskId("j", 0, 0)
    assert scheduler.connected("r", 2, [claimed, ended], 1) == [Resume("r", claimed), Delete("r", ended)]
    assert sent(scheduler.connected("s", 2, [TaskId("j", 1, 0)], 2)) == ["r:j-4-1", "s:j-5-1"]


def test_after_a_restart_a_later_attempt_of_one_of_many_goes_on() -> None:
    scheduler = Scheduler(grace=30)
    again = TaskId("j", 3, 1)
    scheduler.recover([unfinished("j", again, numbers=[4])], ["r"], 0)
    assert scheduler.connected("r", 1, [TaskId("j", 3, 0)], 1)[0] == Delete("r", TaskId("j", 3, 0))
    assert scheduler.running("r") == 1  # number 3 again, as attempt 2
    assert scheduler.is_current("r", TaskId("j", 3, 2))


def test_after_a_restart_an_agent_that_stays_away_delays_the_rest_by_the_grace() -> None:
    scheduler = Scheduler(grace=30)
    scheduler.recover([unfinished("j", numbers=[0, 1])], ["r", "away"], 0)
    assert scheduler.connected("r", 1, [], 1) == []
    assert scheduler.wake_at() == 30
    assert sent(scheduler.tick(30)) == ["r:j-0-1"]
    late = TaskId("j", 1, 0)
    assert scheduler.connected("away", 1, [late], 31) == [Delete("away", late), Send("away", TaskId("j", 1, 1))]


def test_cancelling_one_of_many_ends_what_runs_and_draws_no_more() -> None:
    scheduler = Scheduler()
    scheduler.connected("r", 2, [], 0)
    scheduler.submit("j", "u", (), iter(range(100)))
    first, second = TaskId("j", 0, 0), TaskId("j", 1, 0)
    assert scheduler.cancel("j") == [Cancel("r", first), Cancel("r", second)]
    assert scheduler.ended("r", first) == (True, [])
    assert scheduler.ended("r", second) == (True, [Over("j")])


# --- agents that cannot say what they have


def test_a_task_of_an_agent_that_cannot_say_stays_lost_for_the_grace() -> None:
    scheduler = Scheduler(grace=30)
    scheduler.connected("r", 1, None, 0)
    scheduler.submit("j", "u", ())
    scheduler.disconnected("r", 10)
    assert scheduler.connected("r", 1, None, 12) == []
    assert not scheduler.is_current("r", TaskId("j", 0, 0))
    assert sent(scheduler.tick(40)) == ["r:j-0-1"]
    assert scheduler.reported("r", TaskId("j", 0, 0)) == []
    assert not scheduler.is_current("r", TaskId("j", 0, 0))


def test_a_task_that_it_reports_is_found_again() -> None:
    scheduler = Scheduler(grace=30)
    scheduler.connected("r", 1, None, 0)
    scheduler.submit("j", "u", ())
    scheduler.submit("next", "u", ())
    scheduler.disconnected("r", 10)
    assert scheduler.connected("r", 1, None, 12) == [], "its slot may still be taken"
    assert scheduler.reported("other", TaskId("j", 0, 0)) == []
    assert scheduler.reported("r", TaskId("j", 0, 0)) == []
    assert scheduler.is_current("r", TaskId("j", 0, 0))
    assert scheduler.tick(100) == []
    assert sent(scheduler.ended("r", TaskId("j", 0, 0))[1]) == ["r:next-0-0"]


def test_a_cancelled_task_that_it_reports_is_cancelled_there() -> None:
    scheduler = Scheduler(grace=30)
    scheduler.recover([unfinished("j", numbers=[3])], ["r"], 0)
    scheduler.connected("r", 1, None, 1)
    task = TaskId("j", 3, 0)
    assert scheduler.reported("r", task) == []
    assert scheduler.is_current("r", task)
    assert scheduler.cancel("j") == [Cancel("r", task)]


class SchedulerMachine(RuleBasedStateMachine):
    """A world of agents that do as they are told, come, go and forget."""

    @initialize(attempts=st.integers(1, 4))
    def begin(self, attempts: int) -> None:
        self.scheduler = Scheduler(grace=10, max_attempts=attempts)
        self.attempts = attempts
        self.now = 0.0
        self.count = self.tasks = 0
        self.has: dict[str, set[TaskId]] = {"a": set(), "b": set(), "c": set()}
        self.slots = {"a": 1, "b": 2, "c": 0}
        self.actions: deque[Action] = deque()
        self.acting = False
        self.up: set[str] = set()
        self.plain: set[str] = set()
        self.open: dict[str, set[int]] = {}
        self.cancelled: set[str] = set()
        self.started: dict[TaskKey, set[int]] = {}

    def do(self, actions: list[Action]) -> None:
        self.actions.extend(actions)
        if self.acting:  # as the hub does: an action of an action waits its turn
            return
        self.acting = True
        while self.actions:
            action = self.actions.popleft()
            if isinstance(action, Send):
                assert action.resource in self.up
                task = TaskKey(action.task.job_id, action.task.number)
                assert task.number in self.open[task.job_id], "an ended task was sent"
                assert task.job_id not in self.cancelled, "a task of a cancelled job was sent"
                assert action.task.attempt not in self.started.setdefault(task, set()), "an attempt ran twice"
                self.started[task].add(action.task.attempt)
                assert action.task.attempt < self.attempts
                self.has[action.resource].add(action.task)
            elif isinstance(action, End):
                self.open[action.key.job_id].discard(action.key.number)
            elif isinstance(action, Over):
                assert not self.open[action.job_id] or action.job_id in self.cancelled, "over before its tasks"
                del self.open[action.job_id]
            elif isinstance(action, Delete):
                self.has[action.resource].discard(action.task)
            elif isinstance(action, Cancel):
                self.report(action.resource, action.task)
        self.acting = False

    def report(self, resource: str, task: TaskId) -> None:
        if resource in self.plain:
            self.do(self.scheduler.reported(resource, task))
        if task not in self.has[resource]:
            return  # it was cancelled by that
        counts, actions = self.scheduler.ended(resource, task)
        self.has[resource].discard(task)
        if counts:
            self.open[task.job_id].remove(task.number)
        self.do(actions)

    @rule(
        user=st.sampled_from("xy"),
        resources=st.sampled_from([(), ("a",), ("b", "c")]),
        pauses=st.lists(st.booleans(), max_size=8),
    )
    def submit(self, user: str, resources: tuple[str, ...], pauses: list[bool]) -> None:
        self.count += 1
        source = [None if pause else number for number, pause in enumerate(pauses)]
        self.open[f"j{self.count}"] = {number for number in source if number is not None}
        self.tasks += len(source)
        self.do(self.scheduler.submit(f"j{self.count}", user, resources, iter(source)))

    @rule(resource=st.sampled_from("abc"), forgets=st.booleans(), plain=st.booleans())
    def connect(self, resource: str, forgets: bool, plain: bool) -> None:
        if resource in self.up:
            return
        self.up.add(resource)
        (self.plain.add if plain else self.plain.discard)(resource)
        if forgets:
            self.has[resource].clear()
        has = None if plain else list(self.has[resource])  # a plain agent cannot say what it has
        self.do(self.scheduler.connected(resource, self.slots[resource], has, self.now))

    @rule(resource=st.sampled_from("abc"))
    def disconnect(self, resource: str) -> None:
        if resource in self.up:
            self.up.remove(resource)
            self.do(self.scheduler.disconnected(resource, self.now))

    @rule(seconds=st.floats(0, 20))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.do(self.scheduler.tick(self.now))

    @precondition(lambda self: any(self.has[r] for r in self.up))
    @rule(data=st.data())
    def finish(self, data: st.DataObject) -> None:
        resource, task = data.draw(st.sampled_from(sorted((r, t) for r in self.up for t in self.has[r])))
        self.report(resource, task)

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        job_id = data.draw(st.sampled_from(sorted(self.open)))
        self.cancelled.add(job_id)
        self.do(self.scheduler.cancel(job_id))

    @invariant()
    def bounds(self) -> None:
        for resource in self.up:
            assert self.scheduler.running(resource) <= max(self.slots[resource], len(self.has[resource]))
        assert self.scheduler.unfinished == len(self.open)
        current = [t for r in self.up for t in self.has[r] if self.scheduler.is_current(r, t)]
        assert len({(t.job_id, t.number) for t in current}) == len(current), "one task, two live attempts"
        sent = {task.job_id for task in current}
        for job_id in self.open:
            waiting = self.scheduler.waiting(job_id)
            assert (waiting is None) == (job_id in sent), "it waits when none of its tasks is with an agent"
            assert waiting is None or waiting.position is None or waiting.position > 0

    def teardown(self) -> None:
        """With all agents there, everything that was accepted comes to an end."""
        if not hasattr(self, "scheduler"):
            return
        self.slots["c"] = 1
        for resource in "abc":
            self.disconnect(resource)
        self.wait(50)
        for resource in "abc":
            self.connect(resource, True, False)
        for _ in range(10 * (self.tasks + self.count) + 10):
            self.wait(0)
            for resource in "abc":
                for task in list(self.has[resource]):
                    self.report(resource, task)
        assert not self.open


TestSchedulerProperties = SchedulerMachine.TestCase
