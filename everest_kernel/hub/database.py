"""SQLite with one commit for all writes of a turn of the event loop.

A write is queued and its future resolves once it is on disk. All writes that are queued in the same turn share one
transaction; one that nobody waits for may be queued for the next transaction that comes anyway. Commits run on the
loop's own thread: one takes about 0.3 ms here, and a thread in between would add a third of that to every
acknowledged job.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ..wire import ConfigurationError
from .schema import SCHEMA

__all__ = ["Database", "Write"]

_PATIENCE = 0.05
"""Seconds that a patient write waits for others to share its commit."""

Write = Callable[[sqlite3.Connection], object]


class Database:
    """The hub's database file.

    Args:
        path: of the file; made when it does not exist.

    Raises:
        ConfigurationError: it cannot be made, or is something else.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._connection = _open(path)
        except sqlite3.Error as error:
            raise ConfigurationError(
                f"{path} cannot be opened as a hub's database: {error}", hint="Name another folder with --home."
            ) from error
        self._writes: list[tuple[Write, asyncio.Future[None]]] = []
        self._flush: asyncio.Handle | None = None
        self._patient = False

    def query(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """All rows of a question. Sees committed writes, and none that are still queued."""
        return self._connection.execute(sql, parameters).fetchall()

    def each(self, sql: str, *parameters: Any) -> Iterator[tuple[Any, ...]]:
        """The rows of a question one by one, for those that have a million."""
        yield from self._connection.execute(sql, parameters)

    def first(self, sql: str, *parameters: Any) -> tuple[Any, ...] | None:
        """The first row, or None."""
        row: tuple[Any, ...] | None = self._connection.execute(sql, parameters).fetchone()
        return row

    def write(self, write: Write, *, patient: bool = False) -> asyncio.Future[None]:
        """Queue a write for this turn's commit; the future resolves when it is on disk, or with its error.

        Args:
            write: does it, on the connection it is given.
            patient: nobody waits for this one, and a moment later will do: a thousand of them share a few commits.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        self._writes.append((write, future))
        if self._flush is None or (self._patient and not patient):
            if self._flush is not None:
                self._flush.cancel()
            self._flush = loop.call_later(_PATIENCE, self.flush) if patient else loop.call_soon(self.flush)
            self._patient = patient
        return future

    def run(self, write: Write) -> None:
        """Commit one write now, with whatever is queued: for the hub's start and rare changes."""
        self.flush()
        self._connection.execute("BEGIN IMMEDIATE")
        write(self._connection)
        self._connection.execute("COMMIT")

    def flush(self) -> None:
        """Commit what is queued."""
        if self._flush is not None:
            self._flush.cancel()
            self._flush = None
        writes, self._writes = self._writes, []
        if not writes:
            return
        done: list[asyncio.Future[None]] = []
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            for write, future in writes:
                self._one(write, future, done)
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._connection.execute("ROLLBACK")
            for _, future in writes:
                if not future.done():
                    future.set_exception(error)
            return
        for future in done:
            if not future.done():
                future.set_result(None)

    def _one(self, write: Write, future: asyncio.Future[None], done: list[asyncio.Future[None]]) -> None:
        # a savepoint keeps one faulty write from taking the others of its turn with it
        self._connection.execute("SAVEPOINT one")
        try:
            write(self._connection)
        except sqlite3.IntegrityError as error:
            self._connection.execute("ROLLBACK TO one")
            if not future.done():
                future.set_exception(error)
        else:
            done.append(future)
        self._connection.execute("RELEASE one")

    def close(self) -> None:
        """Commit what is queued and close the file."""
        self.flush()
        self._connection.close()


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        path.chmod(0o600)
        # FULL: a commit in WAL mode survives a power cut only with it
        # EXCLUSIVE: no shared memory, so it also works in a home folder on NFS, and each commit is cheaper
        settings = ("locking_mode=EXCLUSIVE", "journal_mode=WAL", "synchronous=FULL", "temp_store=MEMORY")
        for pragma in (*settings, "cache_size=-16000"):
            connection.execute(f"PRAGMA {pragma}")
        connection.executescript(SCHEMA)
    except BaseException:
        connection.close()
        raise
    return connection
