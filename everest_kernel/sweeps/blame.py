"""What becomes of the points of a job that was lost. No I/O, no clock."""

from __future__ import annotations

from dataclasses import replace

from .actions import Failed, Numbers, Rules
from .flights import Flight, History
from .pending import Group

__all__ = ["after_drop", "after_failure"]


def after_drop(flight: Flight, rest: Numbers) -> Group:
    """Infrastructure lost a job: its points wait again, and it is only remembered how often that happened."""
    return Group(rest, replace(flight.history, drops=flight.history.drops + 1, avoid=flight.lane))


def after_failure(
    flight: Flight, rest: Numbers, error: str, rules: Rules, *, at: int | None
) -> tuple[list[Group], Failed | None]:
    """A job failed in a way that one of its points may have caused.

    First its points are tried again as they are, then by halves, down to single ones. Where the point is known at
    which it ended, only this one is tried again by itself, and the others are not suspected.

    Args:
        flight: the job.
        rest: its points without an answer, at least one.
        error: what is known of the reason.
        rules: of the run.
        at: the point that it was computing when it ended; None when unknown.

    Returns:
        The groups in which the points wait again, and what is given up instead.
    """
    suspect = History(flight.history.tries + 1, copies=flight.history.copies, avoid=flight.lane)
    if at is not None and rest.size > 1 and (rest == at).any():
        return [Group(rest[rest != at], flight.history.forgiven()), Group(rest[rest == at], suspect)], None
    if suspect.tries <= rules.retries:
        return [Group(rest, suspect)], None
    if rest.size == 1:
        return [], Failed(rest, (error,))
    half = (rest.size + 1) // 2
    return [Group(rest[:half], suspect), Group(rest[half:], suspect)], None
