"""File contents by their hash: small ones in the database, large ones as files."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import sqlite3
import tempfile
from collections.abc import AsyncIterable, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

from .database import Database, Write

__all__ = ["INLINE_LIMIT", "Content", "Contents"]

INLINE_LIMIT = 65_536
"""Bytes up to which a content is kept in the database: one commit, no second fsync."""
_BLOCK = 1 << 18
_BATCH = 1 << 20

log = logging.getLogger(__name__)


class Content(NamedTuple):
    """A content that is stored, or will be with `write`.

    Attributes:
        data: that of a small one.
        waiting: the file in which a large one waits for its `write`.
    """

    sha256: bytes
    size: int
    write: Write
    data: bytes | None = None
    waiting: Path | None = None


class Contents:
    """The store of contents in a folder.

    Args:
        database: holds the small ones.
        folder: holds the large ones, as `<aa>/<sha256>`.
    """

    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self._folder = folder
        self._incoming = folder / "incoming"
        self._incoming.mkdir(mode=0o700, parents=True, exist_ok=True)
        for leftover in self._incoming.iterdir():
            leftover.unlink()
        self._released: list[bytes] = []

    def small(self, data: bytes) -> Content:
        """A content of at most `INLINE_LIMIT` bytes; stored by its `write`."""
        digest = hashlib.sha256(data).digest()

        def write(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT OR IGNORE INTO contents VALUES (?, ?, ?)", (digest, len(data), data))

        return Content(digest, len(data), write, data)

    async def receive(self, chunks: AsyncIterable[bytes]) -> Content:
        """Take a content of any size in constant memory; a large one is on disk when this returns."""
        taken, loop = _Taken(self._incoming), asyncio.get_running_loop()
        batch: list[bytes] = []
        waiting, writing = 0, loop.create_future()
        writing.set_result(None)
        try:
            async for chunk in chunks:
                batch.append(chunk)
                waiting += len(chunk)
                if waiting >= _BATCH:  # hashed and written beside the network
                    await asyncio.shield(writing)
                    writing = loop.run_in_executor(None, taken.add, batch)
                    batch, waiting = [], 0
            await asyncio.shield(writing)
            taken.add(batch)
            if taken.stream is None:
                return self.small(bytes(taken.head))
            writing = loop.run_in_executor(None, _sync, taken.stream)
            await asyncio.shield(writing)
            return self.adopt(taken.close(), taken.digest.digest(), taken.size)
        except BaseException:
            if writing.done():
                taken.discard()
            else:  # cancelled: the thread that writes cannot be stopped
                writing.add_done_callback(taken.abandon)
            raise

    def take(self, stream: IO[bytes]) -> Content:
        """The same from an open file; blocks, and may be called on a thread.

        Raises:
            Exception: whatever reading raises; nothing is left then.
        """
        taken = _Taken(self._incoming)
        try:
            while block := stream.read(_BLOCK):
                taken.add([block])
            if taken.stream is None:
                return self.small(bytes(taken.head))
            _sync(taken.stream)
            return self.adopt(taken.close(), taken.digest.digest(), taken.size)
        except BaseException:
            taken.discard()
            raise

    def adopt(self, path: Path, sha256: bytes, size: int) -> Content:
        """Make a file that is on disk a content; it moves to its place with the write."""

        def write(connection: sqlite3.Connection) -> None:
            # here and not earlier: the last file of an equal content could be deleted in between
            target = self._path(sha256)
            if path.exists():
                target.parent.mkdir(mode=0o700, exist_ok=True)
                os.replace(path, target)
                _sync_folder(target.parent)
            connection.execute("INSERT OR IGNORE INTO contents VALUES (?, ?, NULL)", (sha256, size))

        return Content(sha256, size, write, waiting=path)

    def discard(self, content: Content) -> None:
        """Forget a content whose `write` will not be called."""
        if content.waiting is not None:
            content.waiting.unlink(missing_ok=True)

    def incoming(self) -> Path:
        """A new empty file to be filled and adopted."""
        handle, name = tempfile.mkstemp(dir=self._incoming)
        os.close(handle)
        return Path(name)

    def open(self, sha256: bytes) -> bytes | Path:
        """A content: the bytes of a small one, the path of a large one.

        Raises:
            KeyError: there is none.
        """
        row = self._database.first("SELECT data FROM contents WHERE sha256 = ?", sha256)
        if row is None:
            raise KeyError(sha256.hex())
        data: bytes | None = row[0]
        return self._path(sha256) if data is None else data

    def read(self, content: Content) -> bytes:
        """All bytes of a content, stored or about to be."""
        if content.data is not None:
            return content.data
        waiting = content.waiting
        return (waiting if waiting and waiting.exists() else self._path(content.sha256)).read_bytes()

    def release(self, connection: sqlite3.Connection, sha256: bytes) -> None:
        """Drop a content that no file refers to any more; to be called inside a write."""
        if connection.execute("SELECT 1 FROM files WHERE sha256 = ? LIMIT 1", (sha256,)).fetchone():
            return
        connection.execute("DELETE FROM contents WHERE sha256 = ?", (sha256,))
        if not self._released:  # only when it is committed that nothing refers to them
            asyncio.get_running_loop().call_soon(self._unlink_released)
        self._released.append(sha256)

    def _unlink_released(self) -> None:
        released, self._released = self._released, []
        for sha256 in released:
            if self._database.first("SELECT 1 FROM contents WHERE sha256 = ?", sha256) is None:
                self._path(sha256).unlink(missing_ok=True)

    def _path(self, sha256: bytes) -> Path:
        name = sha256.hex()
        return self._folder / name[:2] / name


class _Taken:
    """Bytes that come in: the first in memory, more of them in a file, with their hash."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.head = bytearray()
        self.stream: IO[bytes] | None = None
        self.name = ""
        self.digest: Any = None
        self.size = 0

    def add(self, chunks: Sequence[bytes]) -> None:
        for chunk in chunks:
            self.size += len(chunk)
            if self.stream is not None:
                self.digest.update(chunk)
                self.stream.write(chunk)
                continue
            self.head += chunk
            if self.size > INLINE_LIMIT:
                handle, self.name = tempfile.mkstemp(dir=self._folder)
                self.stream = os.fdopen(handle, "wb", buffering=_BLOCK)
                self.stream.write(self.head)
                self.digest = hashlib.sha256(self.head)
                self.head.clear()

    def close(self) -> Path:
        assert self.stream is not None
        self.stream.close()
        return Path(self.name)

    def abandon(self, written: asyncio.Future[None]) -> None:
        self.discard()
        error = written.exception()
        if error is not None:
            log.warning("an upload that was given up: %s", error)

    def discard(self) -> None:
        if self.stream is not None:
            self.stream.close()
            Path(self.name).unlink(missing_ok=True)


def _sync(stream: IO[bytes]) -> None:
    stream.flush()
    os.fsync(stream.fileno())


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
