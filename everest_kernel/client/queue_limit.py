"""The limit of a job's time in the queue, as a part of the machine in `follow`. No I/O, no clock."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..wire import Job, JobState, QueueLimitError

__all__ = ["WAITING_STATES", "WITHDRAWAL_WAIT", "QueueLimit"]

WAITING_STATES = frozenset({JobState.SUBMITTED, JobState.DEFERRED, JobState.READY})
"""A job in another state has been given to a resource. That may have a queue of its own, as a cluster has: then the
job has found its place, and leaving that queue would cost more than it gains. Once out of these states a job has
started for good, though a hub that was restarted may show it as READY again."""
WITHDRAWAL_WAIT = 5.0
"""Seconds in which the cancel of a job that waited too long should be confirmed."""
_UNKNOWN = "the server does not say why"
_UNITS = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))


@dataclass
class QueueLimit:
    """At `deadline` the job is looked at once more (`asks`); if it still waits, it is withdrawn.

    Args:
        limit: seconds; None: there is no limit.
        now: when the time begins.
    """

    limit: float | None
    now: float
    deadline: float | None = field(init=False)
    asks: bool = False
    withdrawn: bool = False
    began: bool = False

    def __post_init__(self) -> None:
        self.deadline = None if self.limit is None else self.now + self.limit

    def saw(self, job: Job) -> None:
        """The job is in this state now."""
        if job.state not in WAITING_STATES:
            self.deadline, self.asks = None, False
            self.began = self.began or not job.state.is_final or job.started > 0

    def started(self) -> None:
        """The job has shown that it runs."""
        self.deadline, self.asks, self.began = None, False, True

    def reached(self, now: float) -> bool:
        """Whether the job must be looked at now; true once."""
        if self.deadline is None or now < self.deadline:
            return False
        self.deadline, self.asks = None, True
        return True

    def must_withdraw(self) -> bool:
        """Whether it must be cancelled, now that an answer has come and did not show that it started; true once."""
        if not self.asks:
            return False
        self.asks, self.withdrawn = False, True
        return True

    def release(self) -> None:
        """The owner has cancelled it anyway."""
        self.deadline, self.asks = None, False

    def error(self, job: Job, reason: str, *, confirmed: bool) -> QueueLimitError:
        """Why following ends, for a job that was withdrawn; `reason` is the server's."""
        message = f"the job waited longer than its queue limit of {_length(self.limit or 0)}: {reason or _UNKNOWN}"
        hint = "`%everest resources` shows what is online; a longer queue limit, or other resources (--on), may help."
        if not confirmed:
            message += "; its cancel was sent and is not confirmed yet"
            hint = f"It may still run: `%job {job.id}` shows what became of it."
        elif self.began:
            message += "; it began to run just as it was cancelled"
            hint = "What it had done on its resource by then is not undone."
        resource = job.resource_name or ", ".join(job.resources)
        return QueueLimitError(message, job_id=job.id, resource=resource or None, hint=hint)


def _length(seconds: float) -> str:
    """As people write it in options: `90s` is `1m 30s`."""
    if seconds != int(seconds):
        return f"{seconds:g}s"
    parts, rest = [], int(seconds)
    for size, unit in _UNITS:
        number, rest = divmod(rest, size)
        parts += [f"{number}{unit}"] if number else []
    return " ".join(parts) or "0s"
