"""A small SQLite file that several kernels of one user share, and that must never be in a cell's way.

It is in WAL mode: readers do not wait for writers, and a kernel that is killed at any moment leaves a file that the
next one opens as if nothing had happened. A file that is damaged nevertheless is left where it is, and the next
*generation* of it is begun under a name of its own: `journal.sqlite`, `journal-1.sqlite` and so on; the highest counts.
It is not renamed, because another kernel may have it open, and SQLite would delete the new file's log by its name.
"""

from __future__ import annotations

import logging
import os
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ..wire import ConfigurationError
from .place import HOME_VARIABLE, private_folder

if TYPE_CHECKING:
    import sqlite3

__all__ = ["RecordsFile"]

log = logging.getLogger(__name__)

_T = TypeVar("_T")
_BUSY_SECONDS = 5.0
"""How long a statement waits for another kernel's."""
_CREATE_SECONDS = 10.0
_VERSION = 1
"""In every file of ours; another table layout gets another file name, not another version."""


class RecordsFile:
    """A file with tables of our own. Opened at its first use; may be used from any thread.

    Args:
        path: of its first generation.
        schema: statements that make the tables.
    """

    def __init__(self, path: Path, schema: str) -> None:
        self._path = path
        self._schema = schema
        self._generation = 0
        self._connection: sqlite3.Connection | None = None
        self._inode = 0
        self._lock = threading.Lock()

    def run(self, work: Callable[[sqlite3.Connection], _T], *, write: bool = True) -> _T:
        """Do `work` in one transaction: all of it is done, or nothing.

        Args:
            work: may be called a second time, when the file turns out to be damaged.
            write: whether it changes something; only then other kernels wait for it.

        Raises:
            ConfigurationError: the file cannot be used: no place, no right, or another program does not let go of it.
        """
        import sqlite3  # here: a kernel starts sooner without

        with self._lock:
            try:
                try:
                    return self._once(work, write)
                except sqlite3.DatabaseError as error:
                    if not _is_damage(error):
                        raise
                    self._begin_anew(error)
                    return self._once(work, write)
            except (sqlite3.Error, OSError) as error:
                self._close()
                raise ConfigurationError(
                    f"{self._current()} cannot be used: {error}", hint=f"{HOME_VARIABLE} names another folder."
                ) from error

    def close(self) -> None:
        """Close the file; it is opened again when it is used again."""
        with self._lock:
            self._close()

    def _once(self, work: Callable[[sqlite3.Connection], _T], write: bool) -> _T:
        connection = self._opened()
        connection.execute("BEGIN IMMEDIATE" if write else "BEGIN")
        try:
            result = work(connection)
            connection.execute("COMMIT")
        except BaseException:  # an interrupt, too, must not leave the transaction open
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        return result

    def _opened(self) -> sqlite3.Connection:
        if self._connection is not None and self._is_current():
            return self._connection
        self._close()  # SQLite sees that the file was deleted, and leaves alone what now bears its name
        while self._named(self._generation + 1).exists():
            self._generation += 1
        self._connection = self._open(self._current())
        self._inode = self._current().stat().st_ino
        return self._connection

    def _is_current(self) -> bool:
        """Whether the open file is still there, and no other kernel has begun another generation."""
        try:
            return self._current().stat().st_ino == self._inode and not self._named(self._generation + 1).exists()
        except FileNotFoundError:
            return False

    def _open(self, path: Path) -> sqlite3.Connection:
        import sqlite3

        if not path.exists():
            self._create(path)
        connection = _connect(path)
        try:
            connection.execute("PRAGMA synchronous=NORMAL")  # a power cut may take the last records, never the file
            if connection.execute("PRAGMA user_version").fetchone() != (_VERSION,):
                raise sqlite3.DatabaseError("it is not one of ours")
        except BaseException:
            connection.close()
            raise
        return connection

    def _create(self, path: Path) -> None:
        """Make a file under another name first: whoever sees it sees it whole."""
        import filelock

        folder = private_folder(path.parent)
        try:
            with filelock.FileLock(folder / "records.lock", timeout=_CREATE_SECONDS):
                if path.exists():
                    return
                handle, name = tempfile.mkstemp(dir=folder, prefix=f".{path.stem}-")  # readable by its owner alone
                os.close(handle)
                connection = _connect(Path(name))
                try:
                    connection.execute("PRAGMA journal_mode=WAL")
                    connection.executescript(self._schema)
                    connection.execute(f"PRAGMA user_version={_VERSION}")
                finally:
                    connection.close()
                os.rename(name, path)
        except filelock.Timeout as error:
            raise ConfigurationError(f"another program is making {path} and does not get done") from error

    def _begin_anew(self, error: sqlite3.DatabaseError) -> None:
        self._close()
        damaged = self._current()
        self._generation += 1
        log.warning("%s is damaged (%s); it is left as it is, and %s is begun", damaged, error, self._current())

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _current(self) -> Path:
        return self._named(self._generation)

    def _named(self, generation: int) -> Path:
        return self._path.with_stem(f"{self._path.stem}-{generation}") if generation else self._path


def _connect(path: Path) -> sqlite3.Connection:
    import sqlite3

    return sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    """Whether the file is at fault: Python has classes of their own for all other errors."""
    import sqlite3

    return type(error) is sqlite3.DatabaseError
