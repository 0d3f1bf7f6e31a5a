"""Finished points of sweeps on disk, so that no kernel computes a point twice.

A point is known by the *program* that computes it (a hash of all that decides its result) and by a key of 16 bytes that
is made of its parameters. What comes in together lies together, in one row: a *segment* of keys and payloads. A sweep
writes thousands of points at a time and reads them all at once, and a row for each would cost more than computing it.
The newest segment counts, but a failure never hides a result. Small segments are merged as they become many.

Large payloads lie in the same file (each is a segment of its own): there is nothing to clean up after a kernel that was
killed. What is damaged counts as absent and is dropped.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from .database import RecordsFile
from .place import records_home
from .segments import KEY_BYTES, LARGEST, Segment, delete, insert, latest, merge, read_segments, replace, segments_of

if TYPE_CHECKING:
    import sqlite3

__all__ = ["DEFAULT_POINTS_LIMIT", "Flight", "PointStore", "ProgramUsage", "points_path"]

log = logging.getLogger(__name__)

DEFAULT_POINTS_LIMIT = 5_000_000_000
"""Bytes."""
_MERGE_EVERY = 64
"""After how many writes the small segments at a program's end become one."""
_SCHEMA = """
PRAGMA auto_vacuum = FULL;
VACUUM;
CREATE TABLE programs (
  program INTEGER PRIMARY KEY, content TEXT NOT NULL, facts TEXT NOT NULL, begun REAL NOT NULL, used REAL NOT NULL
);
CREATE TABLE segments (
  id INTEGER PRIMARY KEY AUTOINCREMENT, program INTEGER NOT NULL, points INTEGER NOT NULL, failed INTEGER NOT NULL,
  size INTEGER NOT NULL, checksum INTEGER NOT NULL, head BLOB NOT NULL, body BLOB NOT NULL
);
CREATE INDEX by_program ON segments (program, size);
CREATE TABLE flights (
  key TEXT PRIMARY KEY, program INTEGER NOT NULL, job_id TEXT NOT NULL, server TEXT NOT NULL, route TEXT NOT NULL,
  points BLOB NOT NULL, begun REAL NOT NULL
);
CREATE INDEX by_flight ON flights (program);
"""  # the VACUUM makes a new file obey the line before it: what is dropped makes the file smaller
_BEGIN = """
INSERT INTO programs VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
  used = max(used, excluded.used), facts = coalesce(nullif(excluded.facts, ''), facts)
"""
_USAGE = """
SELECT coalesce(content, ''), coalesce(facts, ''), sum(points), sum(failed), sum(size), coalesce(begun, 0.0),
  coalesce(used, 0.0)
FROM segments LEFT JOIN programs USING (program) GROUP BY segments.program ORDER BY used DESC
"""
_OLDEST = "SELECT id, points, size FROM segments LEFT JOIN programs USING (program) ORDER BY used, id"


class Flight(msgspec.Struct, frozen=True, kw_only=True):
    """A job that computes points, so that a later kernel follows what still runs.

    Attributes:
        key: of its submission (the Idempotency-Key).
        points: the keys of its points, 16 bytes each, joined.
        job_id: empty until the server has acknowledged it.
        server: as the configuration names it.
        route: the name of the route.
        begun: seconds since the epoch.
    """

    key: str
    points: bytes
    job_id: str = ""
    server: str = ""
    route: str = ""
    begun: float = msgspec.field(default_factory=time.time)

    def keys(self) -> list[bytes]:
        """The keys of its points, one by one."""
        return [self.points[at : at + KEY_BYTES] for at in range(0, len(self.points), KEY_BYTES)]


class ProgramUsage(msgspec.Struct, frozen=True):
    """What is kept of one program.

    Attributes:
        content: its hash; empty when only its points are known.
        facts: JSON for people, as `PointStore.program` got it.
        points: how many are kept; one that was computed again may count twice.
        failed: how many of them are failures.
        size: bytes.
        begun, used: seconds since the epoch.
    """

    content: str
    facts: str
    points: int
    failed: int
    size: int
    begun: float
    used: float


def points_path() -> Path:
    """The file of the points.

    Raises:
        ConfigurationError: its folder cannot be made.
    """
    return records_home() / "points.sqlite"


class PointStore:
    """The points in a file, which several kernels share. Opened at its first use; may be used from any thread.

    Every method raises ConfigurationError when the file cannot be used; a sweep can run without it.

    Args:
        path: of the file; made when it does not exist.
    """

    def __init__(self, path: Path) -> None:
        self._file = RecordsFile(path, _SCHEMA)
        self._begun: dict[int, tuple[str, str]] = {}
        self._writes = 0

    @property
    def size(self) -> int:
        """Bytes of all points together."""
        statement = "SELECT coalesce(sum(size), 0) FROM segments"
        return int(self._file.run(lambda connection: connection.execute(statement).fetchone()[0], write=False))

    def program(self, content: str, facts: str = "") -> int:
        """The number of a program, for the other methods. It is used now.

        The number is made of the hash alone: it stays right when another kernel clears everything, or when the file
        turns out to be damaged and is begun anew.

        Args:
            content: hash, hexadecimal, of all that decides the results except the parameters.
            facts: JSON for people who look at what is kept; an empty one leaves an earlier one as it is.
        """
        program = int.from_bytes(hashlib.blake2b(_clean(content).encode(), digest_size=8).digest(), "big") >> 1
        self._begun[program] = (_clean(content), _clean(facts))
        self._file.run(lambda connection: self._use(connection, program))
        return program

    def read(self, program: int, keys: Sequence[bytes]) -> dict[bytes, tuple[bool, bytes]]:
        """What is kept of these points; all of it is in memory then, so ask for large ones in parts.

        Args:
            program: from `program`.
            keys: 16 bytes each.

        Returns:
            For each point that is kept: whether it succeeded, and its payload.
        """
        wanted = frozenset(keys)
        found, damaged = self._file.run(lambda connection: latest(connection, program, wanted), write=False)
        if not damaged:
            return found
        log.warning("%d segments of kept points are damaged; they are dropped", len(damaged))
        self._file.run(lambda connection: delete(connection, damaged))
        return self.read(program, keys)  # what they hid counts now

    def write(self, program: int, rows: Sequence[tuple[bytes, bool, bytes]]) -> int:
        """Keep points: all of them are on disk afterwards, or none. Success is never overwritten by failure.

        Args:
            program: from `program`.
            rows: key (16 bytes), whether it succeeded, payload.

        Returns:
            How many are kept: a payload of more than 256 MB is not.

        Raises:
            ValueError: a key is not of 16 bytes.
        """
        fitting = [row for row in rows if len(row[2]) <= LARGEST]
        segments = segments_of(fitting)

        def write(connection: sqlite3.Connection) -> None:
            self._use(connection, program)
            insert(connection, program, segments)
            if merging:
                merge(connection, program)

        self._writes += 1
        merging = self._writes % _MERGE_EVERY == 0
        if segments:
            self._file.run(write)
        return len(fitting)

    def forget(self, program: int, *, failed_only: bool = False) -> int:
        """Drop the points of a program, or only the failures among them; how many there were."""

        def forget(connection: sqlite3.Connection) -> int:
            if not failed_only:
                return delete(connection, _ids(connection, "program = ?", program))
            ids = _ids(connection, "program = ? AND failed > 0", program)
            gone = 0
            for number, segment in read_segments(connection, ids):
                good = [] if segment is None else [row for row in segment.rows() if row[1]]
                gone += 0 if segment is None else len(segment) - len(good)
                replace(connection, number, Segment.of(good) if good else None)
            return gone

        return self._file.run(forget)

    def fly(self, program: int, flight: Flight) -> None:
        """Remember a job that is about to be submitted, or, under the same key, what its server says of it."""
        told = (flight.job_id, flight.server, flight.route)
        row = (_clean(flight.key), program, *map(_clean, told), flight.points, flight.begun)

        def write(connection: sqlite3.Connection) -> None:
            self._use(connection, program)
            connection.execute("INSERT OR REPLACE INTO flights VALUES (?, ?, ?, ?, ?, ?, ?)", row)

        self._file.run(write)

    def landed(self, job_key: str) -> None:
        """The job of that submission key is over, and its points are written."""
        statement = "DELETE FROM flights WHERE key = ?"
        self._file.run(lambda connection: connection.execute(statement, [_clean(job_key)]))

    def flights(self, program: int) -> list[Flight]:
        """The jobs of a program that are not known to be over, the oldest first."""
        statement = (
            "SELECT key, points, job_id, server, route, begun FROM flights WHERE program = ? ORDER BY begun, key"
        )
        rows = self._file.run(lambda connection: connection.execute(statement, [program]).fetchall(), write=False)
        names = ("key", "points", "job_id", "server", "route", "begun")
        return [Flight(**dict(zip(names, row, strict=True))) for row in rows]

    def usage(self) -> list[ProgramUsage]:
        """What there is, by program, the last used first."""
        rows = self._file.run(lambda connection: connection.execute(_USAGE).fetchall(), write=False)
        return [ProgramUsage(*row) for row in rows]

    def clear(self) -> int:
        """Drop all points; how many there were. Jobs that still run stay known."""
        return self._file.run(lambda connection: delete(connection, _ids(connection, "1")))

    def prune(self, most_bytes: int = DEFAULT_POINTS_LIMIT) -> int:
        """Drop points until the rest fits, those first whose program was not used for the longest time.

        Returns:
            How many were dropped.
        """

        def prune(connection: sqlite3.Connection) -> int:
            rows = connection.execute(_OLDEST).fetchall()
            excess = sum(size for _, _, size in rows) - most_bytes
            gone = []
            for number, _, size in rows:
                if excess <= 0:
                    break
                gone.append(number)
                excess -= size
            return delete(connection, gone)

        return self._file.run(prune) if self.size > most_bytes else 0

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _use(self, connection: sqlite3.Connection, program: int) -> None:
        content, facts = self._begun.get(program, ("", ""))
        now = time.time()
        connection.execute(_BEGIN, (program, content, facts, now, now))


def _clean(text: str) -> str:
    """SQLite takes no lone surrogates, which a front end could send."""
    return text.encode("utf-8", "replace").decode()


def _ids(connection: sqlite3.Connection, condition: str, *values: int) -> list[int]:
    return [number for (number,) in connection.execute(f"SELECT id FROM segments WHERE {condition}", values)]
