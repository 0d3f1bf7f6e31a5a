"""Results that need not be had again: by the hash of all that decides them, up to a limit of size.

An index in SQLite, and one file for each result. (The library diskcache would have been at hand, but it unpickles what
it finds, has had no release since 2023, and cannot list what it holds.) A file is the SHA-256 of the rest and a
msgpack text, which can hold nothing but data. What is damaged counts as absent and is dropped; when there is no more
room, what was not used for the longest time goes first.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ..wire import MALFORMED, ConfigurationError, Job
from .database import RecordsFile
from .place import private_folder

if TYPE_CHECKING:
    import sqlite3

__all__ = ["DEFAULT_LIMIT", "CacheEntry", "CachedResult", "ResultCache"]

log = logging.getLogger(__name__)

DEFAULT_LIMIT = 1_000_000_000
"""Bytes."""
_LARGEST = 4
"""One result takes at most this part of the limit: one quarter."""
_DIGEST = 32
_SUFFIX = ".result"
_ORPHANED_SECONDS = 3600.0
"""Age at which a file that the index does not name is nobody's: its writer was killed."""
_SCHEMA = """
CREATE TABLE results (
  content TEXT PRIMARY KEY, file TEXT NOT NULL, job_id TEXT NOT NULL, route TEXT NOT NULL,
  size INTEGER NOT NULL, stored REAL NOT NULL, used REAL NOT NULL
);
CREATE INDEX by_use ON results (used);
CREATE INDEX by_job ON results (job_id);
"""


class CachedResult(msgspec.Struct, frozen=True):
    """All that is needed to show a finished cell again.

    Attributes:
        job: as it was at its end.
        output: stream and bytes, in the order in which they came.
        values, pictures, fetched: the files that came back.
        stored: seconds since the epoch.
        route: for the list of what there is.
    """

    job: Job
    output: list[tuple[str, bytes]]
    values: bytes | None
    pictures: bytes | None
    fetched: bytes | None
    stored: float
    route: str = ""


class CacheEntry(msgspec.Struct, frozen=True):
    """A result in the list: size in bytes, times in seconds since the epoch."""

    content: str
    job_id: str
    route: str
    size: int
    stored: float
    used: float


class ResultCache:
    """The cache in a folder, which several kernels share. Opened at its first use; may be used from any thread.

    Every method raises ConfigurationError when the folder cannot be used; a cell can run without it.

    Args:
        folder: made when it does not exist.
        limit_bytes: of all results together.
    """

    def __init__(self, folder: Path, limit_bytes: int = DEFAULT_LIMIT) -> None:
        self.limit = limit_bytes
        self._folder = folder
        self._index = RecordsFile(folder / "index.sqlite", _SCHEMA)
        self._swept = False

    @property
    def size(self) -> int:
        """Bytes of all results together."""
        (total,) = self._index.run(lambda connection: connection.execute(_TOTAL).fetchone(), write=False)
        return int(total)

    def get(self, content: str) -> CachedResult | None:
        """The result for this hash, or None."""
        statement = "SELECT file FROM results WHERE content = ?"
        row = self._index.run(lambda connection: connection.execute(statement, [content]).fetchone(), write=False)
        if row is None:
            return None
        result = self._read(row[0])
        if result is None:
            self._drop(content, row[0])
            return None
        used = (time.time(), content)
        self._index.run(lambda connection: connection.execute("UPDATE results SET used = ? WHERE content = ?", used))
        return result

    def put(self, content: str, result: CachedResult) -> bool:
        """Keep a result; an older one of the same hash goes. False when it is too large, or does not fit the form."""
        try:
            body = msgspec.msgpack.encode(result)
        except (OverflowError, UnicodeEncodeError):  # a server's own inputs in the job: no loss
            return False
        size = len(body) + _DIGEST
        if size > self.limit // _LARGEST:
            return False
        name = self._write(body)
        row = (content, name, result.job.id, result.route, size, result.stored, time.time())

        def write(connection: sqlite3.Connection) -> list[str]:
            gone = [file for (file,) in connection.execute("SELECT file FROM results WHERE content = ?", [content])]
            connection.execute("INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?, ?, ?, ?)", row)
            return gone + _evict(connection, self.limit)

        try:
            gone = self._index.run(write)
        except BaseException:
            self._unlink([name])
            raise
        self._unlink(gone)
        self._sweep()
        return True

    def entries(self) -> list[CacheEntry]:
        """What there is, the last used first."""
        statement = "SELECT content, job_id, route, size, stored, used FROM results ORDER BY used DESC, content"
        rows = self._index.run(lambda connection: connection.execute(statement).fetchall(), write=False)
        return [CacheEntry(*row) for row in rows]

    def clear(self, job_id: str | None = None) -> int:
        """Drop the results of a job, or all; how many there were."""
        condition, values = ("1", []) if job_id is None else ("job_id = ?", [job_id])

        def write(connection: sqlite3.Connection) -> list[str]:
            rows = connection.execute(f"SELECT file FROM results WHERE {condition}", values).fetchall()
            connection.execute(f"DELETE FROM results WHERE {condition}", values)
            return [file for (file,) in rows]

        gone = self._index.run(write)
        self._unlink(gone)
        return len(gone)

    def close(self) -> None:
        """Close the index."""
        self._index.close()

    def _read(self, name: str) -> CachedResult | None:
        try:
            whole = (self._folder / name).read_bytes()
        except FileNotFoundError:
            return None  # another kernel may just have dropped it
        except OSError as error:
            log.warning("a cached result cannot be read: %s", error)
            return None
        body = memoryview(whole)[_DIGEST:]
        if hashlib.sha256(body).digest() != whole[:_DIGEST]:
            log.warning("the cached result %s is damaged; it is dropped", name)
            return None
        try:
            return msgspec.msgpack.decode(body, type=CachedResult)
        except MALFORMED as error:  # another version wrote it
            log.info("the cached result %s is dropped: %s", name, error)
            return None

    def _write(self, body: bytes) -> str:
        """A new file; its name. It need not be on disk at once: what a power cut damages counts as absent."""
        private_folder(self._folder)
        handle = name = None
        try:
            handle, name = tempfile.mkstemp(dir=self._folder, suffix=_SUFFIX)  # readable by its owner alone
            with os.fdopen(handle, "wb") as stream:
                stream.write(hashlib.sha256(body).digest())
                stream.write(body)
        except OSError as error:
            if name is not None:
                self._unlink([name])
            raise ConfigurationError(
                f"a result cannot be kept in {self._folder}: {error.strerror}",
                hint="`%everest cache clear` makes room.",
            ) from error
        return Path(name).name

    def _drop(self, content: str, name: str) -> None:
        # by its file, too: another kernel may have put a sound one there meanwhile
        statement = "DELETE FROM results WHERE content = ? AND file = ?"
        self._index.run(lambda connection: connection.execute(statement, [content, name]))
        self._unlink([name])

    def _unlink(self, names: list[str]) -> None:
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                (self._folder / name).unlink()

    def _sweep(self) -> None:
        """Remove files that nobody knows of; once in a kernel's life."""
        if self._swept:
            return
        self._swept = True
        rows = self._index.run(
            lambda connection: connection.execute("SELECT file FROM results").fetchall(), write=False
        )
        known, oldest = {file for (file,) in rows}, time.time() - _ORPHANED_SECONDS
        for name in os.listdir(self._folder):
            with contextlib.suppress(FileNotFoundError):  # another kernel may do the same
                if name.endswith(_SUFFIX) and name not in known and (self._folder / name).stat().st_mtime < oldest:
                    self._unlink([name])


_TOTAL = "SELECT coalesce(sum(size), 0) FROM results"


def _evict(connection: sqlite3.Connection, limit: int) -> list[str]:
    """Drop what was not used for the longest time until the rest fits; the files of what went."""
    (total,) = connection.execute(_TOTAL).fetchone()
    gone: list[tuple[str, str]] = []
    if total > limit:
        for content, file, size in connection.execute("SELECT content, file, size FROM results ORDER BY used"):
            gone.append((content, file))
            total -= size
            if total <= limit:
                break
    connection.executemany("DELETE FROM results WHERE content = ?", [[content] for content, _ in gone])
    return [file for _, file in gone]
