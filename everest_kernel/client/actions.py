"""What the machine of `follow` asks for: requests to send, and news for the owner of the job.

Those without a content are no tuples: all empty tuples are equal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from ..wire import EverestError, Job

__all__ = [
    "Action",
    "Changed",
    "Deliver",
    "Fail",
    "FetchLog",
    "FetchOutput",
    "Finish",
    "Poll",
    "Restarted",
    "SendCancel",
    "SendSubscribe",
]


class SendSubscribe(NamedTuple):
    """Subscribe on the event stream with what is here."""

    attempt: int
    offsets: dict[str, int]


@dataclass(frozen=True)
class Poll:
    """Ask for the job's state now."""


class FetchOutput(NamedTuple):
    """Fetch a stream's content from its URI, from this offset on."""

    stream: str
    uri: str
    offset: int


@dataclass(frozen=True)
class FetchLog:
    """Read the job's log."""


class Deliver(NamedTuple):
    """New output for the owner."""

    stream: str
    data: bytes


class Restarted(NamedTuple):
    """A new attempt began; its output starts again."""

    attempt: int


class Changed(NamedTuple):
    """The job has changed."""

    job: Job


@dataclass(frozen=True)
class SendCancel:
    """Ask the server to cancel the job."""


class Finish(NamedTuple):
    """The job is over and all its output was delivered."""

    job: Job


class Fail(NamedTuple):
    """Following cannot go on."""

    error: EverestError


Action: TypeAlias = (
    SendSubscribe | Poll | FetchOutput | FetchLog | Deliver | Restarted | Changed | SendCancel | Finish | Fail
)
