"""File contents by their hash: small ones in the database, large ones as files."""

from __future__ import annotations

import asyncio
import hashlib
import os
import sqlite3
import tempfile
from collections.abc import AsyncIterable
from pathlib import Path
from typing import IO, NamedTuple

from .database import Database, Write

__all__ = ["INLINE_LIMIT", "Content", "Contents"]

INLINE_LIMIT = 65_536
"""Bytes up to which a content is kept in the database: one commit, no second fsync."""


class Content(NamedTuple):
    """A content that is stored, or will be with `write`. `data` is that of a small one."""

    sha256: bytes
    size: int
    write: Write
    data: bytes | None = None


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

    def small(self, data: bytes) -> Content:
        """A content of at most `INLINE_LIMIT` bytes; stored by its `write`."""
        digest = hashlib.sha256(data).digest()

        def write(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT OR IGNORE INTO contents VALUES (?, ?, ?)", (digest, len(data), data))

        return Content(digest, len(data), write, data)

    async def receive(self, chunks: AsyncIterable[bytes]) -> Content:
        """Take a content of any size in constant memory; a large one is on disk when this returns."""
        head = bytearray()
        iterator = aiter(chunks)
        async for chunk in iterator:
            head += chunk
            if len(head) > INLINE_LIMIT:
                break
        else:
            return self.small(bytes(head))
        handle, name = tempfile.mkstemp(dir=self._incoming)
        try:
            with os.fdopen(handle, "wb") as stream:
                digest = hashlib.sha256(head)
                stream.write(head)
                size = len(head)
                async for chunk in iterator:
                    digest.update(chunk)
                    stream.write(chunk)
                    size += len(chunk)
                await asyncio.to_thread(_sync, stream)
            return self.adopt(Path(name), digest.digest(), size)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    def adopt(self, path: Path, sha256: bytes, size: int) -> Content:
        """Make a file that is on disk the content of this hash; the file moves."""
        target = self._path(sha256)
        target.parent.mkdir(mode=0o700, exist_ok=True)
        os.replace(path, target)
        _sync_folder(target.parent)

        def write(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT OR IGNORE INTO contents VALUES (?, ?, NULL)", (sha256, size))

        return Content(sha256, size, write)

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
        return self._path(content.sha256).read_bytes() if content.data is None else content.data

    def release(self, connection: sqlite3.Connection, sha256: bytes) -> None:
        """Drop a content that no file refers to any more; to be called inside a write."""
        if connection.execute("SELECT 1 FROM files WHERE sha256 = ? LIMIT 1", (sha256,)).fetchone():
            return
        connection.execute("DELETE FROM contents WHERE sha256 = ?", (sha256,))
        self._path(sha256).unlink(missing_ok=True)

    def _path(self, sha256: bytes) -> Path:
        name = sha256.hex()
        return self._folder / name[:2] / name


def _sync(stream: IO[bytes]) -> None:
    stream.flush()
    os.fsync(stream.fileno())


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
