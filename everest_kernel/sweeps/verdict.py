"""Whether a sweep is hopeless: everything fails, and in the same way. No I/O, no clock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import islice

__all__ = ["Verdict", "first_line"]

ALIKE = 0.9
"""Share of the failures that must have the same first line."""
_MOST_READ = 1000
"""Errors of one answer that are looked at: enough for a pattern, and cheap."""


def first_line(error: str) -> str:
    """The line of an error text by which errors are compared: the first that is not empty."""
    return next((line.strip() for line in error.splitlines() if line.strip()), "no error message")


class Verdict:
    """Counts failures until the first success.

    Args:
        stop_after: failures from which on there may be a pattern; 0: never.
    """

    def __init__(self, stop_after: int) -> None:
        self._stop_after = stop_after
        self._lines: Counter[str] = Counter()
        self._points = 0
        self._losses = 0
        self._succeeded = False

    def success(self) -> None:
        """A point has a result: from now on failures are the points' own."""
        self._succeeded = True

    def failed(self, errors: Iterable[str], count: int) -> None:
        """So many points failed by themselves."""
        self._points += count
        self._lines.update(map(first_line, islice(errors, _MOST_READ)))

    def lost(self, error: str) -> None:
        """A whole chunk failed in a way that its points may have caused."""
        self._losses += 1
        self._lines[first_line(error)] += 1

    @property
    def common(self) -> tuple[str, int] | None:
        """The most frequent first line of all failures and how many of those looked at had it."""
        return self._lines.most_common(1)[0] if self._lines else None

    def hopeless(self, slots: int) -> bool:
        """Whether nothing has succeeded and the failures show a pattern.

        Chunks that fail as a whole are weaker evidence than points: with one deadly point in the chunk of every slot,
        each is lost up to three times before half of it succeeds.

        Args:
            slots: of all lanes together.
        """
        if self._succeeded or not self._stop_after or self.common is None:
            return False
        enough = self._points >= self._stop_after or self._losses >= max(self._stop_after, 4 * slots)
        return enough and self.common[1] >= ALIKE * self._lines.total()

    def reason(self) -> str:
        """Why the run stops, for people."""
        line, count = self.common or ("", 0)
        tried = [f"{self._points:,} points"] if self._points else []
        tried += [f"{self._losses:,} jobs as a whole"] if self._losses else []
        looked = self._lines.total()
        which = "each" if count == looked else f"{count:,} of {looked:,}"
        return f"all that was tried has failed ({' and '.join(tried)}), {which} with: {line}"
