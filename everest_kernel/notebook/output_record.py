"""What a job wrote, in the order in which it came, to be shown again later."""

from __future__ import annotations

__all__ = ["OutputRecord"]

_MOST = 4 << 20
"""Bytes. A result with more output is not kept: its job has it all."""


class OutputRecord:
    """Collects output until it is too much."""

    def __init__(self) -> None:
        self._pieces: list[tuple[str, bytearray]] | None = []
        self._size = 0

    def add(self, stream: str, data: bytes) -> None:
        """The job wrote this."""
        if self._pieces is None:
            return
        self._size += len(data)
        if self._size > _MOST:
            self._pieces = None
        elif self._pieces and self._pieces[-1][0] == stream:
            self._pieces[-1][1].extend(data)
        else:
            self._pieces.append((stream, bytearray(data)))

    def drop(self) -> None:
        """The job begins anew: its output is not what a run of it writes."""
        self._pieces = None

    @property
    def pieces(self) -> list[tuple[str, bytes]] | None:
        """Stream and bytes, in order; None when it was too much."""
        return None if self._pieces is None else [(stream, bytes(data)) for stream, data in self._pieces]
