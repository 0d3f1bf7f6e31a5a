"""Points that wait for a job: unread blocks, points given back, and groups with a history. No I/O, no clock."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from .actions import Numbers
from .flights import History

__all__ = ["Group", "Pending"]

_NONE: Numbers = np.empty(0, np.int64)


@dataclass(frozen=True, eq=False)
class Group:
    """Points that go into one job, with what they have in common."""

    numbers: Numbers
    history: History = field(default_factory=History)


class Pending:
    """The queue of a run.

    Three parts, in the order in which they are taken: groups with a history (so that one bad point is found while
    there is other work, and not at the very end), points that chunks gave back, and blocks that have not been read.

    Args:
        blocks: arrays of numbers, read when they are needed.
        total: how many numbers the blocks will bring; put right when they have brought more or fewer.
    """

    def __init__(self, blocks: Iterable[Numbers], total: int) -> None:
        self._blocks = iter(blocks)
        self._unread = max(total, 0)
        self._block: Numbers = _NONE
        self._back: deque[Numbers] = deque()
        self._groups: deque[Group] = deque()
        self._given_back = 0
        self._grouped = 0
        self._read()

    def __len__(self) -> int:
        """How many points wait; zero only if none does."""
        return self._grouped + self._given_back + self._block.size + self._unread

    def give_back(self, numbers: Numbers) -> None:
        """Points without a history return to the front."""
        if numbers.size:
            self._back.appendleft(numbers)
            self._given_back += numbers.size

    def append(self, numbers: Numbers) -> None:
        """New points, before those that are still unread."""
        if numbers.size:
            self._back.append(numbers)
            self._given_back += numbers.size

    def hold(self, group: Group) -> None:
        """A group waits; without a history, its points are like any others."""
        if group.history.clean:
            self.give_back(group.numbers)
        elif group.numbers.size:
            self._groups.append(group)
            self._grouped += group.numbers.size

    def settle(self, numbers: Numbers) -> None:
        """Points that an overdue job has answered after all: they are among the groups that have copies."""
        kept: deque[Group] = deque()
        for group in self._groups:
            rest = group.numbers
            if group.history.copies:
                rest = rest[~np.isin(rest, numbers)]
            if rest.size:
                kept.append(Group(rest, group.history))
        self._groups = kept
        self._grouped = sum(group.numbers.size for group in kept)

    def take(self, size: int, *, most: int, lane: str, idle: bool, choosy: bool) -> Group | None:
        """The next points for a lane.

        Args:
            size: most points, at least 1.
            most: most points of groups that are tried again: they come whole, whatever the size.
            lane: the lane's name.
            idle: whether one of its slots is free: only then are copies of what others carry worth it.
            choosy: whether groups that should try another lane are passed over.

        Returns:
            The points, or None where nothing of what waits is for this lane.
        """
        for index, group in enumerate(self._groups):
            history = group.history
            if (idle or not history.copies) and not (choosy and history.avoid == lane):
                return self._take_group(index, most if history.tries else size)
        numbers = self._take_plain(size)
        return Group(numbers) if numbers.size else None

    def _take_group(self, index: int, size: int) -> Group:
        group = self._groups[index]
        taken, rest = group.numbers[:size], group.numbers[size:]
        if rest.size:
            self._groups[index] = Group(rest, group.history)
        else:
            del self._groups[index]
        self._grouped -= taken.size
        return Group(taken, group.history)

    def _take_plain(self, size: int) -> Numbers:
        parts: list[Numbers] = []
        missing = size
        while missing and self._back:
            part = self._back.popleft()
            if part.size > missing:
                self._back.appendleft(part[missing:])
                part = part[:missing]
            self._given_back -= part.size
            missing -= part.size
            parts.append(part)
        while missing and self._block.size:
            part, self._block = self._block[:missing], self._block[missing:]
            missing -= part.size
            parts.append(part)
            self._read()
        if len(parts) == 1:
            return parts[0]
        return np.concatenate(parts) if parts else _NONE

    def _read(self) -> None:
        """Keep something of the unread blocks at hand, so that it is known whether there is anything."""
        while not self._block.size:
            block = next(self._blocks, None)
            if block is None:
                self._unread = 0
                return
            self._block = np.asarray(block, np.int64)
            self._unread = max(self._unread - self._block.size, 0)
