"""What a process has written, kept until the server has it: the start in memory, more of it in a file."""

from __future__ import annotations

from pathlib import Path
from typing import IO

__all__ = ["Output"]

_IN_MEMORY = 65_536


class Output:
    """One stream of one task. The connection reads from it by offset, so nothing is queued for a slow one.

    Args:
        path: the file for what does not fit into memory; made when it is needed.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._memory = bytearray()
        self._file: IO[bytes] | None = None
        self._saved = False
        self.length = 0

    def append(self, data: bytes) -> None:
        """Add what the process wrote."""
        self.length += len(data)
        if self._file is None and self.length > _IN_MEMORY:
            self._file = self._path.open("w+b", buffering=0)
            self._saved = True
            self._file.write(self._memory)
            self._memory.clear()
        if self._file is None:
            self._memory += data
        else:
            self._file.seek(0, 2)
            self._file.write(data)

    def read(self, offset: int, most: int) -> bytes:
        """Bytes from `offset` on, as far as they are there."""
        if self._file is None:
            return bytes(self._memory[offset : offset + most])
        self._file.seek(offset)
        return self._file.read(most)

    def save(self) -> Path:
        """The file that holds all of it."""
        if self._file is None:
            self._path.write_bytes(self._memory)
            self._saved = True
        return self._path

    def small(self) -> bytes | None:
        """All of it when it is in memory; None when it is in its file."""
        return bytes(self._memory) if self._file is None else None

    def remove(self) -> None:
        """Nothing will be read any more, and the file goes."""
        if self._file is not None:
            self._file.close()
            self._file = None
        if self._saved:
            self._path.unlink(missing_ok=True)
