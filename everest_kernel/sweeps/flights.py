"""One job in the air: which points it carries, and which of them still want an answer. No I/O, no clock."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from .actions import Numbers

__all__ = ["Flight", "History", "Split"]


@dataclass(frozen=True)
class History:
    """What has happened to points before.

    Args:
        tries: jobs with these points that failed in a way that the points may have caused.
        drops: jobs with these points that infrastructure lost.
        copies: overdue jobs that carry these points too and may still answer.
        avoid: the lane that had them last, where another one should try; "" when any will do.
    """

    tries: int = 0
    drops: int = 0
    copies: int = 0
    avoid: str = ""

    @property
    def clean(self) -> bool:
        """Whether there is nothing to remember: such points may be mixed with any others."""
        return self == _CLEAN

    def forgiven(self) -> History:
        """For points that a job gave back unharmed: only what other jobs know of them stays."""
        return replace(self, drops=0, avoid="") if self.tries else History(copies=self.copies)


_CLEAN = History()


@dataclass(frozen=True, eq=False)
class Split:
    """A flight's open points, by what an answer said of them; together they are all of its open points."""

    done: Numbers
    failed: Numbers
    left: Numbers


@dataclass(eq=False)
class Flight:
    """A job that was asked for and has not been heard of for the last time.

    Args:
        number: the flight's own.
        lane: name of its lane.
        numbers: the points that it was sent with.
        budget: seconds after which it gives back what it did not reach.
        launched: when it was asked for.
        history: what had happened to its points before.
        pace: seconds per point expected at launch; None when nothing was measured.
        began: when its job began to run, or is presumed to have; None while it queues.
        heard: whether `began` was told and not presumed.
        resource: where it runs, "" until told.
        doubtful: its points were given to others too: it owns none of them, but a first answer counts.
    """

    number: int
    lane: str
    numbers: Numbers
    budget: float
    launched: float
    history: History = _CLEAN
    pace: float | None = None
    began: float | None = None
    heard: bool = False
    resource: str = ""
    doubtful: bool = False
    _open: NDArray[np.bool_] | None = field(default=None, repr=False)

    @property
    def shared(self) -> bool:
        """Whether another flight, or the queue, may hold some of the same points."""
        return self.doubtful or self.history.copies > 0

    @property
    def open(self) -> Numbers:
        """Its points that have no answer yet."""
        return self.numbers if self._open is None else self.numbers[self._open]

    def settle(self, numbers: Numbers) -> bool:
        """Others answered some points; whether none is left."""
        mask = ~np.isin(self.numbers, numbers)
        self._open = mask if self._open is None else self._open & mask
        return not self._open.any()

    def split(self, done: Numbers, failed: Numbers) -> Split:
        """What an answer says of the open points.

        Numbers that the flight does not carry, or that were answered by others, count for nothing; one that is said
        to be both done and failed is done; all that are not named are left.
        """
        count = done.size
        if self._open is None and not failed.size and np.array_equal(done, self.numbers[:count]):
            return Split(self.numbers[:count], failed, self.numbers[count:])  # what nearly every answer looks like
        mine = self.open
        is_done = np.isin(mine, done)
        is_failed = np.isin(mine, failed) & ~is_done
        return Split(mine[is_done], mine[is_failed], mine[~(is_done | is_failed)])
