"""An order in which many take turns, and how many turns come before one's. No I/O, no clock."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

__all__ = ["Turns"]

_FEW = 64


class Turns:
    """Names in the order of their turns.

    Each has a number, which rises from first to last; so the place of one is found by bisection, however many wait.
    Whoever leaves from the front costs the same too; from the middle, it costs the move of what is behind.
    """

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._order: list[int] = []
        self._first = 0
        self._next = 0

    def __len__(self) -> int:
        return len(self._numbers)

    def __contains__(self, name: str) -> bool:
        return name in self._numbers

    def __iter__(self) -> Iterator[str]:
        """From the first to the last; nothing may be added or moved meanwhile."""
        return iter(self._numbers)  # a dictionary keeps the order in which its keys came

    def add(self, name: str) -> None:
        """One more, at the end; one that is here keeps its place."""
        if name not in self._numbers:
            self._numbers[name] = self._next
            self._order.append(self._next)
            self._next += 1

    def remove(self, name: str) -> None:
        """One leaves, if it is here."""
        number = self._numbers.pop(name, None)
        if number is None:
            return
        place = self._place(number)
        if place > self._first:
            del self._order[place]
            return
        self._first += 1
        if self._first > _FEW and 2 * self._first > len(self._order):
            del self._order[: self._first]
            self._first = 0

    def to_end(self, name: str) -> None:
        """One has had its turn and waits for the next."""
        self.remove(name)
        self.add(name)

    def before(self, name: str) -> int:
        """How many turns come before this one's, which must be here."""
        return self._place(self._numbers[name]) - self._first

    def _place(self, number: int) -> int:
        return bisect_left(self._order, number, self._first)
