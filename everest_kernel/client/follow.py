"""The life of one job as its owner sees it. No I/O, no clock, no randomness.

Events and the time go in, actions come out. There are two sources of news: the event stream, where the server has
one and it is connected, and polling, with growing pauses, where not. Output is counted by offset within an attempt,
so whatever the order of duplicates, gaps and reconnections, each byte is delivered once and in order. A job that
is found to be over by polling has the rest of its output fetched before it counts as finished.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ..wire import EverestError, EverestTimeoutError, Job, JobOutput, JobState, RefusedError, TransportError
from .actions import (
    Action,
    Changed,
    Deliver,
    Fail,
    FetchLog,
    FetchOutput,
    Finish,
    Poll,
    Restarted,
    SendCancel,
    SendSubscribe,
)
from .queue_limit import WITHDRAWAL_WAIT, QueueLimit

__all__ = [
    "Action",
    "Changed",
    "Deliver",
    "Fail",
    "FetchLog",
    "FetchOutput",
    "Finish",
    "Follow",
    "Poll",
    "Restarted",
    "SendCancel",
    "SendSubscribe",
    "is_file_uri",
]

STREAMS = ("stdout", "stderr")
TOO_MANY = 429
"""The status by which a server asks for fewer requests."""
FIRST_PAUSE = 0.2
LONGEST_PAUSE = 5.0
LOG_PAUSE = 2.0
"""Least time in seconds between two readings of a job's log."""
GIVE_UP = 120.0
"""Seconds without any answer from the server after which following ends with an error."""


_LOG = "log"
_URI = re.compile(r"(/|https?://)\S+\Z")


def is_file_uri(value: object) -> bool:
    """Whether an output's value is the address of a file, and not a text that the server gives as it is."""
    return isinstance(value, str) and bool(_URI.match(value))


@dataclass
class Follow:
    """The machine. Every method is an event; see the module's text.

    Args:
        job: as the submission or a look-up gave it.
        now: the time.
        wants_output: whether output is delivered at all.
        reads_log: whether the job's log is read: where the server has no event stream.
        queue_limit: seconds that the job may wait for a resource before it is withdrawn; None: without end.
    """

    job: Job
    now: float
    wants_output: bool = True
    reads_log: bool = False
    queue_limit: float | None = None
    _queue: QueueLimit = field(init=False)
    _waited_for: str = ""
    _attempt: int = 0
    _offsets: dict[str, int] = field(default_factory=dict)
    _connected: bool = False
    _polling: bool = False
    _pause: float = FIRST_PAUSE
    _next_poll: float | None = None
    _last_news: float = 0.0
    _cancel_deadline: float | None = None
    _fetching: set[str] = field(default_factory=set)
    _log_busy: bool = False
    _next_log: float = 0.0
    _done: bool = False

    def __post_init__(self) -> None:
        self._attempt = self.job.attempt
        self._last_news = self.now
        self._queue = QueueLimit(self.queue_limit, self.now)
        self._queue.saw(self.job)

    def start(self, *, connected: bool) -> list[Action]:
        """Begin, with the event stream connected or not."""
        if self.job.state.is_final:
            return self._finish_by_fetching()
        if connected:
            return self.connected()
        self._next_poll = self.now + self._pause
        return []

    def connected(self) -> list[Action]:
        """The event stream is there (again)."""
        self._connected = True
        self._next_poll = None
        return [] if self._over else [SendSubscribe(self._attempt, dict(self._offsets))]

    def disconnected(self, now: float) -> list[Action]:
        """The event stream is gone: poll until it is back."""
        self._connected = False
        self._pause = FIRST_PAUSE
        if not self._over and not self._polling:
            self._next_poll = now + self._pause
        return []

    def state(self, job: Job, now: float) -> list[Action]:
        """The event stream tells a state; all output before it has come."""
        self._last_news = now
        if self._over:
            return []
        actions = self._take(job)
        return actions + self._ended(job) if job.state.is_final else actions

    def output(self, event: JobOutput, now: float) -> list[Action]:
        """The event stream brings output."""
        self._last_news = now
        if self._over or event.attempt < self._attempt:
            return []
        self._queue.started()
        actions: list[Action] = self._new_attempt(event.attempt)
        have = self._offsets.get(event.stream, 0)
        if event.offset > have:  # something is missing: ask again from what is here
            return [*actions, SendSubscribe(self._attempt, dict(self._offsets))]
        return actions + self._deliver(event.stream, event.data[have - event.offset :])

    def unknown(self) -> list[Action]:
        """The server has no such job (any more)."""
        return self._fail(RefusedError("the job is gone: it was deleted", status=404, job_id=self.job.id))

    def polled(self, job: Job, now: float) -> list[Action]:
        """The answer to a poll."""
        self._polling = False
        self._last_news = now
        if self._over:
            return []
        changed = (job.state, job.attempt) != (self.job.state, self.job.attempt)
        if self._connected and not job.state.is_final:  # the stream may have told newer things since it was asked
            self._queue.saw(job)
            actions: list[Action] = []
        else:
            actions = self._take(job)
        if job.state.is_final:
            return actions + self._finish_by_fetching()
        withdraws = self._queue.must_withdraw()
        self._pause = FIRST_PAUSE if changed or withdraws else min(self._pause * 1.5, LONGEST_PAUSE)
        self._next_poll = None if self._connected else now + self._pause
        if withdraws:
            self._waited_for, self._cancel_deadline = job.waiting_for, now + WITHDRAWAL_WAIT
            actions.append(SendCancel())
        return actions + self._read_log(now)

    def poll_failed(self, error: EverestError, now: float) -> list[Action]:
        """A poll got no answer."""
        self._polling = False
        if self._over:
            return []
        passing = isinstance(error, (TransportError, EverestTimeoutError)) or (
            isinstance(error, RefusedError) and (error.status >= 500 or error.status == TOO_MANY)
        )
        if not passing or now - self._last_news >= GIVE_UP:
            return self._fail(error)
        asked = isinstance(error, RefusedError) and error.status == TOO_MANY
        self._pause = LONGEST_PAUSE if asked else min(self._pause * 2, LONGEST_PAUSE)
        self._next_poll = now + self._pause
        return []

    def fetched(self, stream: str, offset: int, data: bytes, *, last: bool = True) -> list[Action]:
        """More of a stream, from this offset on; the `last` piece ends it."""
        if self._done:
            return []
        have = self._offsets.get(stream, 0)
        actions = self._deliver(stream, data[max(have - offset, 0) :])
        if not last:
            return actions
        self._fetching.discard(stream)
        return actions + self._finish_when_fetched()

    def fetch_failed(self, error: EverestError) -> list[Action]:
        """The rest of a stream cannot be had."""
        return self._fail(error)

    def logged(self, now: float) -> list[Action]:
        """The log was read."""
        self._log_busy, self._next_log = False, now + LOG_PAUSE
        return self._log_settled()

    def log_failed(self, error: EverestError, now: float) -> list[Action]:
        """It could not be: no reason to stop following. A server that has none is not asked again."""
        self._log_busy, self._next_log = False, now + 4 * LOG_PAUSE
        if isinstance(error, RefusedError) and error.status < 500 and error.status != TOO_MANY:
            self.reads_log = False
        return self._log_settled()

    def cancel(self, now: float, wait: float) -> list[Action]:
        """The owner wants it to end; wait this long for the confirmation."""
        if self._over or self._cancel_deadline is not None:
            return []
        self._cancel_deadline = now + wait
        self._queue.release()
        return [SendCancel()]

    def tick(self, now: float) -> list[Action]:
        """Time has passed."""
        if self._over:
            return []
        if self._cancel_deadline is not None and now >= self._cancel_deadline:
            return self._fail(self._unconfirmed())
        due = self._next_poll is not None and now >= self._next_poll
        if (self._queue.reached(now) or due) and not self._polling:
            self._next_poll, self._polling = None, True
            return [Poll()]
        return []

    def wake_at(self) -> float | None:
        """When `tick` has something to do, or None."""
        if self._over:
            return None
        times = [time for time in (self._next_poll, self._cancel_deadline, self._queue.deadline) if time is not None]
        return min(times, default=None)

    @property
    def _over(self) -> bool:
        return self._done or bool(self._fetching)

    def _take(self, job: Job) -> list[Action]:
        if job.attempt < self._attempt:
            return []
        actions = self._new_attempt(job.attempt)
        changed = job != self.job
        self.job = job
        self._queue.saw(job)
        return [*actions, Changed(job)] if changed else actions

    def _new_attempt(self, attempt: int) -> list[Action]:
        if attempt <= self._attempt:
            return []
        self._attempt = attempt
        self._offsets = {}
        return [Restarted(attempt)]

    def _deliver(self, stream: str, data: bytes) -> list[Action]:
        if not data:
            return []
        self._offsets[stream] = self._offsets.get(stream, 0) + len(data)
        return [Deliver(stream, data)] if self.wants_output else []

    def _read_log(self, now: float) -> list[Action]:
        if not self.reads_log or self._log_busy or now < self._next_log:
            return []
        self._log_busy = True
        return [FetchLog()]

    def _log_settled(self) -> list[Action]:
        if self._done or _LOG not in self._fetching:
            return []
        self._fetching.discard(_LOG)
        return self._finish_when_fetched()

    def _finish_by_fetching(self) -> list[Action]:
        actions: list[Action] = []
        for name in STREAMS if self.wants_output else ():
            value, have = self.job.result.get(name), self._offsets.get(name, 0)
            if not isinstance(value, str):
                continue
            if is_file_uri(value):
                actions.append(FetchOutput(name, value, have))
                self._fetching.add(name)
            else:  # an application may declare it as a text: then it is here already
                actions += self._deliver(name, value.encode()[have:])
        if self.reads_log and self.job.state is JobState.FAILED:
            self._fetching.add(_LOG)
            actions += [] if self._log_busy else [FetchLog()]
            self._log_busy = True
        return actions + self._finish_when_fetched()

    def _finish_when_fetched(self) -> list[Action]:
        return [] if self._fetching else self._ended(self.job)

    def _ended(self, job: Job) -> list[Action]:
        self._done = True
        if self._queue.withdrawn and job.state is JobState.CANCELLED:
            return [Fail(self._queue.error(job, self._waited_for, confirmed=True))]
        return [Finish(job)]

    def _unconfirmed(self) -> EverestError:
        if self._queue.withdrawn:
            return self._queue.error(self.job, self._waited_for, confirmed=False)
        return EverestTimeoutError("the cancel was sent and is not confirmed yet", job_id=self.job.id)

    def _fail(self, error: EverestError) -> list[Action]:
        if self._done:
            return []
        self._done = True
        return [Fail(error)]
