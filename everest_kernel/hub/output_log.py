"""What a running task has written, by offset: the start in memory, more of it in a file."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import IO

from .contents import INLINE_LIMIT, Content, Contents

__all__ = ["OutputLog"]


class OutputLog:
    """One stream of one attempt. Subscribers read from it by offset, so nothing is queued for them."""

    def __init__(self, contents: Contents) -> None:
        self._contents = contents
        self._memory = bytearray()
        self._file: IO[bytes] | None = None
        self._digest = hashlib.sha256()
        self.length = 0

    def append(self, offset: int, data: bytes) -> bool:
        """Add bytes that begin at `offset`; what is there already is skipped. False when there is a gap."""
        if offset > self.length:
            return False
        data = data[self.length - offset :]
        if not data:
            return True
        self._digest.update(data)
        self.length += len(data)
        if self._file is None and self.length > INLINE_LIMIT:
            self._file = open(self._contents.incoming(), "w+b")  # noqa: SIM115 - lives as long as the task
            self._file.write(self._memory)
            self._memory.clear()
        if self._file is None:
            self._memory += data
        else:
            self._file.seek(0, os.SEEK_END)
            self._file.write(data)
        return True

    def read(self, offset: int, most: int = 65_536) -> bytes:
        """Bytes from `offset` on, as far as they are there."""
        if self._file is None:
            return bytes(self._memory[offset : offset + most])
        self._file.seek(offset)
        return self._file.read(most)

    def snapshot(self) -> bytes | IO[bytes]:
        """All that is here now: bytes, or a file to read `length` bytes from and to close.

        What becomes of the log later does not change it. Not after `store`.
        """
        if self._file is None:
            return bytes(self._memory)
        self._file.flush()
        return open(self._file.name, "rb")

    def store(self) -> Content:
        """The whole as a content that is on disk, or will be with its `write`. The log is empty afterwards."""
        if self._file is None:
            return self._contents.small(bytes(self._memory))
        self._file.flush()
        os.fsync(self._file.fileno())
        name = self._file.name
        self._file.close()
        self._file = None
        return self._contents.adopt(Path(name), self._digest.digest(), self.length)

    def discard(self) -> None:
        """Forget everything: the attempt does not count."""
        if self._file is not None:
            name = self._file.name
            self._file.close()
            self._file = None
            os.unlink(name)
        self._memory.clear()
        self._digest = hashlib.sha256()
        self.length = 0
