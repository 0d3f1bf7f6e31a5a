"""The life of a followed job: tables, and a simulated server with every kind of bad luck."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everest_kernel.client.follow import (
    FIRST_PAUSE,
    GIVE_UP,
    LOG_PAUSE,
    LONGEST_PAUSE,
    Action,
    Changed,
    Deliver,
    Fail,
    FetchLog,
    FetchOutput,
    Finish,
    Follow,
    Poll,
    Restarted,
    SendCancel,
    SendSubscribe,
)
from everest_kernel.client.queue_limit import WITHDRAWAL_WAIT
from everest_kernel.wire import (
    AuthenticationError,
    EverestError,
    EverestTimeoutError,
    Job,
    JobOutput,
    JobState,
    QueueLimitError,
    RefusedError,
    TransportError,
)


def job(state: str = "RUNNING", attempt: int = 0, **fields: Any) -> Job:
    return Job(id="j", state=JobState(state), attempt=attempt, **fields)


def follow(state: str = "SUBMITTED", **options: Any) -> Follow:
    return Follow(job(state), 0.0, **options)


def out(offset: int, data: bytes, *, attempt: int = 0, stream: str = "stdout") -> JobOutput:
    return JobOutput("j", attempt, stream, offset, data)


# --- events


def test_with_the_stream_it_subscribes_and_does_not_poll() -> None:
    machine = follow()
    assert machine.start(connected=True) == [SendSubscribe(0, {})]
    assert machine.wake_at() is None


def test_states_are_told_once() -> None:
    machine = follow()
    machine.start(connected=True)
    running = job("RUNNING")
    assert machine.state(running, 1) == [Changed(running)]
    assert machine.state(running, 2) == []


@pytest.mark.parametrize("state", ["DONE", "FAILED", "CANCELLED"])
def test_a_final_state_on_the_stream_ends_it(state: str) -> None:
    machine = follow()
    machine.start(connected=True)
    end = job(state)
    assert machine.state(end, 1) == [Changed(end), Finish(end)]
    assert machine.state(end, 2) == []
    assert machine.output(out(0, b"late"), 3) == []
    assert machine.tick(100) == []
    assert machine.wake_at() is None


def test_output_is_delivered_once_and_in_order() -> None:
    machine = follow()
    machine.start(connected=True)
    assert machine.output(out(0, b"abc"), 1) == [Deliver("stdout", b"abc")]
    assert machine.output(out(0, b"abc"), 1) == []
    assert machine.output(out(1, b"bcde"), 1) == [Deliver("stdout", b"de")]
    assert machine.output(out(0, b"E", stream="stderr"), 1) == [Deliver("stderr", b"E")]


def test_a_gap_is_asked_for_again() -> None:
    machine = follow()
    machine.start(connected=True)
    machine.output(out(0, b"ab"), 1)
    assert machine.output(out(5, b"x"), 1) == [SendSubscribe(0, {"stdout": 2})]


def test_a_new_attempt_starts_its_output_again() -> None:
    machine = follow()
    machine.start(connected=True)
    machine.output(out(0, b"ab"), 1)
    assert machine.output(out(0, b"AB", attempt=1), 1) == [Restarted(1), Deliver("stdout", b"AB")]
    assert machine.output(out(2, b"late"), 1) == []
    assert machine.state(job("RUNNING", 0), 1) == []


def test_after_a_reconnection_it_goes_on_from_what_it_has() -> None:
    machine = follow()
    machine.start(connected=True)
    machine.output(out(0, b"abc"), 1)
    assert machine.disconnected(2) == []
    assert machine.wake_at() == 2 + FIRST_PAUSE
    assert machine.connected() == [SendSubscribe(0, {"stdout": 3})]
    assert machine.wake_at() is None


def test_a_deleted_job_is_an_error() -> None:
    machine = follow()
    machine.start(connected=True)
    (action,) = machine.unknown()
    assert isinstance(action, Fail)
    assert isinstance(action.error, RefusedError)


# --- polling


def test_without_the_stream_it_polls_with_growing_pauses() -> None:
    machine = follow("RUNNING")
    assert machine.start(connected=False) == []
    now, pauses = 0.0, []
    for _ in range(12):
        wake = machine.wake_at()
        assert wake is not None
        pauses.append(wake - now)
        now = wake
        assert machine.tick(now) == [Poll()]
        assert machine.tick(now) == [], "one poll at a time"
        assert machine.polled(job("RUNNING"), now) == []
    assert pauses[0] == pytest.approx(FIRST_PAUSE)
    assert pauses == sorted(pauses)
    assert pauses[-1] == pytest.approx(LONGEST_PAUSE)


def test_a_change_makes_it_poll_eagerly_again() -> None:
    machine = follow("SUBMITTED")
    machine.start(connected=False)
    for now in (1.0, 2.0, 3.0):
        machine.tick(now)
        machine.polled(job("SUBMITTED"), now)
    machine.tick(10)
    assert machine.polled(job("RUNNING"), 10) == [Changed(job("RUNNING"))]
    assert machine.wake_at() == 10 + FIRST_PAUSE


def test_a_job_found_over_has_the_rest_of_its_output_fetched() -> None:
    machine = follow("RUNNING")
    machine.start(connected=True)
    machine.output(out(0, b"ab"), 1)
    machine.disconnected(2)
    machine.tick(2 + FIRST_PAUSE)
    end = job("DONE", result={"stdout": "/o", "stderr": "/e", "values": "/v"})
    actions = machine.polled(end, 3)
    assert actions == [Changed(end), FetchOutput("stdout", "/o", 2), FetchOutput("stderr", "/e", 0)]
    assert machine.fetched("stdout", 2, b"cd") == [Deliver("stdout", b"cd")]
    assert machine.fetched("stderr", 0, b"") == [Finish(end)]


def test_one_that_is_over_already_is_fetched_at_once() -> None:
    end = job("FAILED", result={"stdout": "/o"})
    machine = Follow(end, 0.0)
    assert machine.start(connected=True) == [FetchOutput("stdout", "/o", 0)]
    assert machine.fetched("stdout", 0, b"x") == [Deliver("stdout", b"x"), Finish(end)]


def test_without_output_nothing_is_delivered_or_fetched() -> None:
    end = job("DONE", result={"stdout": "/o"})
    machine = Follow(job("RUNNING"), 0.0, wants_output=False)
    machine.start(connected=False)
    assert machine.output(out(0, b"x"), 1) == []
    assert machine.polled(end, 1) == [Changed(end), Finish(end)]


@pytest.mark.parametrize(
    ("error", "ends"),
    [
        (TransportError("gone"), False),
        (EverestTimeoutError("slow"), False),
        (RefusedError("busy", status=503), False),
        (RefusedError("slower, please", status=429), False),
        (RefusedError("no such job", status=404), True),
        (AuthenticationError("token"), True),
    ],
)
def test_a_failed_poll_is_repeated_when_it_may_pass(error: EverestError, ends: bool) -> None:
    machine = follow()
    machine.start(connected=False)
    machine.tick(1)
    actions = machine.poll_failed(error, 1)
    assert actions == ([Fail(error)] if ends else [])
    assert (machine.wake_at() is None) == ends


def test_it_gives_up_when_nothing_answers_for_long() -> None:
    machine, error, now = follow(), TransportError("gone"), 0.0
    machine.start(connected=False)
    actions: list[Action] = []
    while not actions:
        wake = machine.wake_at()
        assert wake is not None
        now = wake
        machine.tick(now)
        actions = machine.poll_failed(error, now)
    assert actions == [Fail(error)]
    assert GIVE_UP <= now <= GIVE_UP + LONGEST_PAUSE


def test_a_server_that_wants_fewer_requests_gets_the_fewest() -> None:
    machine = follow()
    machine.start(connected=False)
    machine.tick(1)
    machine.poll_failed(RefusedError("slower, please", status=429), 1)
    assert machine.wake_at() == 1 + LONGEST_PAUSE


def test_a_text_output_needs_no_fetching() -> None:
    end = job("DONE", result={"stdout": "a\n", "stderr": "/api/files/e"})
    machine = Follow(end, 0.0)
    assert machine.start(connected=False) == [Deliver("stdout", b"a\n"), FetchOutput("stderr", "/api/files/e", 0)]
    assert machine.fetched("stderr", 0, b"e", last=False) == [Deliver("stderr", b"e")]
    assert machine.fetched("stderr", 0, b"ef", last=False) == [Deliver("stderr", b"f")], "begun anew"
    assert machine.fetched("stderr", 2, b"") == [Finish(end)]


# --- the log, where there is no event stream


def polled(machine: Follow, now: float, state: str = "RUNNING") -> list[Action]:
    machine.tick(now)
    return machine.polled(job(state), now)


def test_the_log_is_read_beside_the_polls_but_not_with_each() -> None:
    machine = follow("RUNNING", reads_log=True)
    machine.start(connected=False)
    assert polled(machine, 1) == [FetchLog()]
    assert polled(machine, 9) == [], "the first answer is not here yet"
    assert machine.logged(9) == []
    assert polled(machine, 9 + LOG_PAUSE / 2) == []
    assert polled(machine, 9 + LOG_PAUSE) == [FetchLog()]


def test_with_an_event_stream_there_is_no_need_of_it() -> None:
    machine = follow("RUNNING")
    machine.start(connected=False)
    assert polled(machine, 1) == []


@pytest.mark.parametrize("busy", [False, True])
def test_a_failed_job_ends_when_its_log_was_read(busy: bool) -> None:
    machine = follow("RUNNING", reads_log=True)
    machine.start(connected=False)
    if busy:
        polled(machine, 1)
    machine.tick(10)
    end = job("FAILED")
    assert machine.polled(end, 10) == [Changed(end), *([] if busy else [FetchLog()])]
    assert machine.wake_at() is None
    assert machine.logged(11) == [Finish(end)]


@pytest.mark.parametrize(("error", "again"), [(RefusedError("x", status=404), False), (TransportError("x"), True)])
def test_a_log_that_cannot_be_read_ends_nothing(error: EverestError, again: bool) -> None:
    machine = follow("RUNNING", reads_log=True)
    machine.start(connected=False)
    polled(machine, 1)
    assert machine.log_failed(error, 1) == []
    assert polled(machine, 100) == ([FetchLog()] if again else [])
    end = job("FAILED")
    machine.tick(200)
    machine.polled(end, 200)
    if again:
        assert machine.log_failed(error, 200) == [Finish(end)]
    assert machine.wake_at() is None


# --- cancel


def test_a_cancel_is_sent_once_and_waited_for() -> None:
    machine = follow()
    machine.start(connected=True)
    assert machine.cancel(1, wait=5) == [SendCancel()]
    assert machine.cancel(2, wait=5) == []
    assert machine.wake_at() == 6
    end = job("CANCELLED")
    assert machine.state(end, 3) == [Changed(end), Finish(end)]


def test_a_cancel_without_confirmation_is_an_error() -> None:
    machine = follow()
    machine.start(connected=True)
    machine.cancel(1, wait=5)
    (action,) = machine.tick(6)
    assert isinstance(action, Fail)
    assert isinstance(action.error, EverestTimeoutError)


def test_a_job_that_ends_before_its_cancel_is_what_it_became() -> None:
    machine = follow()
    machine.start(connected=True)
    machine.cancel(1, wait=5)
    end = job("DONE")
    assert machine.state(end, 2)[-1] == Finish(end)


# --- the limit of the time in the queue


def test_a_job_that_waits_too_long_is_asked_about_and_withdrawn_with_the_reason() -> None:
    machine = follow("READY", queue_limit=90)
    machine.start(connected=True)
    assert machine.wake_at() == 90
    assert machine.tick(89) == []
    assert machine.tick(90) == [Poll()]
    assert machine.tick(91) == []
    waiting = job("READY", waiting_for="the resource win7 is offline", queue_position=1)
    assert machine.polled(waiting, 92) == [SendCancel()]
    assert machine.wake_at() == 92 + WITHDRAWAL_WAIT
    end = job("CANCELLED", resources=("65f0",))
    changed, fail = machine.state(end, 93)
    assert changed == Changed(end)
    assert isinstance(fail, Fail)
    assert isinstance(fail.error, QueueLimitError)
    said = "the job waited longer than its queue limit of 1m 30s: the resource win7 is offline"
    assert fail.error.message == said
    assert (fail.error.job_id, fail.error.resource) == ("j", "65f0")
    assert "--on" in str(fail.error.hint)
    assert machine.wake_at() is None


def test_without_an_event_stream_the_polls_go_on_until_it_is_withdrawn() -> None:
    machine = follow("SUBMITTED", queue_limit=1)
    machine.start(connected=False)
    now, actions = 0.0, list[Action]()
    while SendCancel() not in actions:
        wake = machine.wake_at()
        assert wake is not None
        now = wake
        assert machine.tick(now) == [Poll()]
        actions = machine.polled(job("SUBMITTED"), now)
        assert now <= 1
    assert now == 1
    assert machine.wake_at() == 1 + FIRST_PAUSE
    assert machine.tick(1 + FIRST_PAUSE) == [Poll()]
    fail = machine.polled(job("CANCELLED"), 2)[-1]
    assert isinstance(fail, Fail)
    assert fail.error.message.endswith("limit of 1s: the server does not say why")


@pytest.mark.parametrize("state", ["SCHEDULED", "RUNNING", "DONE", "FAILED"])
@pytest.mark.parametrize("by", ["stream", "poll", "stream while it is asked"])
def test_a_job_that_starts_in_time_is_left_alone(state: str, by: str) -> None:
    machine = follow("READY", queue_limit=90)
    machine.start(connected=by != "poll")
    if by == "stream":
        machine.state(job(state), 89)
    else:
        assert machine.tick(90) == [Poll()]
        if by == "poll":
            assert SendCancel() not in machine.polled(job(state), 91)
        else:
            machine.state(job(state), 90)
            assert machine.polled(job("READY"), 91) == [], "the answer is older than what the stream told"
    for now in range(90, 200, 10):
        assert SendCancel() not in machine.tick(now)


@pytest.mark.parametrize("limit", [None, 0.5])
def test_output_shows_that_it_started_and_a_restarted_hub_does_not_undo_that(limit: float | None) -> None:
    machine = follow("READY", queue_limit=limit)
    machine.start(connected=True)
    machine.output(out(0, b"x"), 0.4)
    machine.disconnected(0.4)
    assert polled(machine, 0.7, "READY") == []
    assert polled(machine, 2, "READY") == []


@pytest.mark.parametrize("state", ["SCHEDULED", "RUNNING"])
def test_one_that_has_started_has_no_limit(state: str) -> None:
    machine = follow(state, queue_limit=5)
    machine.start(connected=True)
    assert machine.wake_at() is None


def withdrawn(now: float = 10) -> Follow:
    machine = follow("READY", queue_limit=now)
    machine.start(connected=True)
    assert machine.tick(now) == [Poll()]
    assert machine.polled(job("READY", waiting_for="why"), now) == [SendCancel()]
    return machine


def test_one_that_began_as_it_was_cancelled_is_told_of_so() -> None:
    machine = withdrawn()
    machine.state(job("RUNNING", resource_name="win7"), 11)
    fail = machine.state(job("CANCELLED", resource_name="win7"), 12)[-1]
    assert isinstance(fail, Fail)
    assert fail.error.message.endswith("10s: why; it began to run just as it was cancelled")
    assert fail.error.resource == "win7"
    assert "not undone" in str(fail.error.hint)


@pytest.mark.parametrize("state", ["DONE", "FAILED"])
def test_one_that_ends_before_its_cancel_arrives_is_what_it_became(state: str) -> None:
    end = job(state)
    assert withdrawn().state(end, 11) == [Changed(end), Finish(end)]


def test_a_withdrawal_without_confirmation_says_so() -> None:
    machine = withdrawn()
    (fail,) = machine.tick(10 + WITHDRAWAL_WAIT)
    assert isinstance(fail, Fail)
    assert isinstance(fail.error, QueueLimitError)
    assert "not confirmed yet" in fail.error.message
    assert "%job j" in str(fail.error.hint)


def test_the_owners_cancel_goes_before_the_limit() -> None:
    machine = follow("READY", queue_limit=10)
    machine.start(connected=True)
    machine.tick(10)
    assert machine.cancel(10, wait=5) == [SendCancel()]
    assert machine.polled(job("READY"), 11) == []
    end = job("CANCELLED")
    assert machine.state(end, 12) == [Changed(end), Finish(end)]


def test_a_question_that_gets_no_answer_is_asked_again() -> None:
    machine = follow("READY", queue_limit=10)
    machine.start(connected=True)
    machine.tick(10)
    assert machine.poll_failed(TransportError("cut"), 10) == []
    wake = machine.wake_at()
    assert wake is not None
    assert machine.tick(wake) == [Poll()]
    assert machine.polled(job("READY"), wake) == [SendCancel()]


_STEPS = st.lists(
    st.tuples(
        st.sampled_from(["tick", "stream", "answer", "fail", "break", "connect"]),
        st.sampled_from(["READY", "SUBMITTED", "DEFERRED", "SCHEDULED", "RUNNING"]),
        st.floats(0, 4),
    ),
    max_size=40,
)


@given(steps=_STEPS, connected=st.booleans())
def test_only_a_job_that_was_never_seen_to_start_is_withdrawn_and_that_once(
    steps: list[tuple[str, str, float]], connected: bool
) -> None:
    machine, now, limit = follow("SUBMITTED", queue_limit=10), 0.0, 10
    polls = cancels = 0
    started = False

    def act(actions: list[Action]) -> None:
        nonlocal polls, cancels
        polls += actions.count(Poll())
        cancels += actions.count(SendCancel())
        assert SendCancel() not in actions or (now >= limit and not started)

    act(machine.start(connected=connected))
    for step, state, seconds in steps:
        now += seconds
        if step == "tick":
            act(machine.tick(now))
        elif step == "stream" and connected:
            started = started or state in ("SCHEDULED", "RUNNING")
            act(machine.state(job(state), now))
        elif step == "answer" and polls:
            polls -= 1
            started = started or state in ("SCHEDULED", "RUNNING")
            act(machine.polled(job(state), now))
        elif step == "fail" and polls:
            polls -= 1
            act(machine.poll_failed(TransportError("cut"), now))
        elif step in ("break", "connect"):
            connected = step == "connect"
            act(machine.connected() if connected else machine.disconnected(now))
        assert polls <= 1, "one question at a time"
        assert cancels <= 1
    if cancels == 0 and not started and machine.wake_at() is not None:
        for _ in range(3):  # whatever came before, it comes to a withdrawal
            now += 20
            act(machine.tick(now))
            if polls:
                polls -= 1
                act(machine.polled(job("READY"), now))
        assert cancels == 1


# --- a simulated server


@dataclass
class World:
    """A job that ends; a server that has an event stream on some days; a link that breaks."""

    draw: Any
    attempts: list[dict[str, bytes]]
    machine: Follow = field(init=False)
    now: float = 0.0
    connected: bool = False
    inbox: list[Any] = field(default_factory=list)
    polls: int = 0
    fetches: list[FetchOutput] = field(default_factory=list)
    delivered: list[dict[str, bytes]] = field(default_factory=lambda: [{"stdout": b"", "stderr": b""}])
    finished: Job | None = None

    def __post_init__(self) -> None:
        self.machine = follow()
        self.end = job("DONE", len(self.attempts) - 1, result={"stdout": "/o", "stderr": "/e"})

    def act(self, actions: list[Action]) -> None:
        for action in actions:
            assert self.finished is None, f"{action} after the end"
            if isinstance(action, Deliver):
                self.delivered[-1][action.stream] += action.data
            elif isinstance(action, Restarted):
                self.delivered.append({"stdout": b"", "stderr": b""})
            elif isinstance(action, SendSubscribe):
                self.inbox = self.replay(action)
            elif isinstance(action, Poll):
                self.polls += 1
            elif isinstance(action, FetchOutput):
                self.fetches.append(action)
            elif isinstance(action, Finish):
                self.finished = action.job
            else:
                assert isinstance(action, Changed), action

    def replay(self, subscription: SendSubscribe) -> list[Any]:
        """What a server sends: everything from those offsets, in pieces, some twice, then the final state."""
        events: list[Any] = []
        for attempt in range(subscription.attempt, len(self.attempts)):
            for stream, content in self.attempts[attempt].items():
                at = subscription.offsets.get(stream, 0) if attempt == subscription.attempt else 0
                while at < len(content):
                    size = self.draw(st.integers(1, len(content) - at))
                    back = self.draw(st.integers(0, at))
                    events.append(out(at - back, content[at - back : at + size], attempt=attempt, stream=stream))
                    at += size
        return [*events, self.end]

    def step(self) -> None:
        choice = self.draw(st.sampled_from(["event", "event", "break", "connect", "time", "answer", "lose"]))
        if choice == "event" and self.connected and self.inbox:
            event = self.inbox.pop(0)
            if isinstance(event, Job):
                self.act(self.machine.state(event, self.now))
            else:
                self.act(self.machine.output(event, self.now))
        elif choice == "lose" and self.connected and len(self.inbox) > 1 and not isinstance(self.inbox[0], Job):
            if isinstance(self.inbox[1], Job):
                return  # a gap is seen by the next output; a server sends the state only after all of it
            first, second = self.inbox[:2]
            if (first.stream, first.attempt) == (second.stream, second.attempt):
                self.inbox.pop(0)
        elif choice == "break" and self.connected:
            self.connected, self.inbox = False, []
            self.act(self.machine.disconnected(self.now))
        elif choice == "connect" and not self.connected:
            self.connected = True
            self.act(self.machine.connected())
        elif choice == "time":
            wake = self.machine.wake_at()
            self.now = max(self.now, wake if wake is not None else self.now)
            self.act(self.machine.tick(self.now))
        elif choice == "answer" and self.polls:
            self.polls -= 1
            over = self.draw(st.booleans())
            self.act(self.machine.polled(self.end if over else job("RUNNING", 0), self.now))
        elif choice == "answer" and self.fetches:
            fetch = self.fetches.pop(0)
            content = self.attempts[-1][fetch.stream][fetch.offset :]
            self.act(self.machine.fetched(fetch.stream, fetch.offset, content))


CONTENT = st.fixed_dictionaries({"stdout": st.binary(max_size=12), "stderr": st.binary(max_size=6)})


@given(st.data(), st.lists(CONTENT, min_size=1, max_size=3), st.booleans())
def test_whatever_happens_each_byte_is_delivered_once_and_in_order(
    data: st.DataObject, attempts: list[dict[str, bytes]], connected: bool
) -> None:
    world = World(data.draw, attempts, connected=connected)
    world.act(world.machine.start(connected=connected))
    for _ in range(60):
        if world.finished is None:
            world.step()
        for stream in ("stdout", "stderr"):
            shown = world.delivered[-1][stream]
            assert any(attempt[stream].startswith(shown) for attempt in attempts)
    if world.finished is not None:
        assert world.delivered[-1] == attempts[-1]
        assert world.machine.wake_at() is None
