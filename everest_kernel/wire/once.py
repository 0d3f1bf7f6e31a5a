"""What the other side repeats is logged once."""

from __future__ import annotations

__all__ = ["Once"]


class Once:
    """Remembers what was said, so that a peer with another vocabulary does not flood the log.

    Args:
        most: how many different things are remembered; after that everything counts as said, because the words
            come from the wire.
    """

    def __init__(self, most: int = 100) -> None:
        self._most = most
        self._said: set[str] = set()

    def first(self, text: str) -> bool:
        """Whether this is the first time."""
        if text in self._said or len(self._said) >= self._most:
            return False
        self._said.add(text)
        return True
