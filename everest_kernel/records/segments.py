"""Segments: points that lie in one row of the file of points.

A segment's `head` is what finds a point: its keys, then a byte for each that says whether it succeeded. Its `body` is
the payloads' lengths (four bytes each, little-endian), then the payloads.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import sqlite3

__all__ = [
    "KEY_BYTES",
    "LARGEST",
    "Row",
    "Segment",
    "delete",
    "insert",
    "keys_of",
    "latest",
    "merge",
    "read_segments",
    "replace",
    "segments_of",
]

KEY_BYTES = 16
LARGEST = 256 * 1024 * 1024
"""Bytes of one payload: SQLite takes at most a thousand million in a row."""
_FULL = 8 * 1024 * 1024
"""Bytes at which a segment is closed and another is begun."""
_ROW_BYTES = 100
"""What a row costs beside its blobs, about."""

_SMALL = 256 * 1024
"""Bytes; larger segments are never merged, or every write would copy more than the one before."""
_INSERT = "INSERT INTO segments (program, points, failed, size, checksum, head, body) VALUES (?, ?, ?, ?, ?, ?, ?)"
_TAIL = """
SELECT id FROM segments WHERE program = :program AND size < :small AND id > (
  SELECT coalesce(max(id), 0) FROM segments WHERE program = :program AND size >= :small
) ORDER BY id
"""
_UNUSED = """
DELETE FROM programs WHERE program NOT IN (SELECT program FROM segments)
  AND program NOT IN (SELECT program FROM flights)
"""

Row = tuple[bytes, bool, bytes]
"""Key, whether it succeeded, payload."""


class Segment(NamedTuple):
    """The two blobs of a segment, and the check that they are whole."""

    head: bytes
    body: bytes
    checksum: int

    @classmethod
    def of(cls, rows: Sequence[Row]) -> Segment:
        """A segment of these rows."""
        keys, succeeded, payloads = zip(*rows, strict=True)
        head = b"".join(keys) + bytes(map(bool, succeeded))
        body = struct.pack(f"<{len(payloads)}I", *map(len, payloads)) + b"".join(payloads)
        return cls(head, body, zlib.crc32(body, zlib.crc32(head)))

    def __len__(self) -> int:
        return len(self.head) // (KEY_BYTES + 1)

    def row(self, program: int) -> tuple[int, int, int, int, int, bytes, bytes]:
        """Program, number of points, of failures, size, check, head, body: as the table has them."""
        size = len(self.head) + len(self.body) + _ROW_BYTES
        failed = self.head[len(self) * KEY_BYTES :].count(0)
        return program, len(self), failed, size, self.checksum, self.head, self.body

    def rows(self) -> Iterator[Row]:
        """The rows, as they came."""
        return zip(keys_of(self.head), map(bool, self.head[len(self) * KEY_BYTES :]), self.payloads(), strict=True)

    def payloads(self) -> list[bytes]:
        """The payloads alone."""
        lengths = struct.unpack_from(f"<{len(self)}I", self.body)
        starts = accumulate(lengths, initial=4 * len(self))
        return [self.body[start : start + length] for start, length in zip(starts, lengths, strict=False)]


def keys_of(head: bytes) -> list[bytes]:
    """The keys in a head."""
    return [head[at : at + KEY_BYTES] for at in range(0, len(head) // (KEY_BYTES + 1) * KEY_BYTES, KEY_BYTES)]


def segments_of(rows: Sequence[Row]) -> list[Segment]:
    """The rows in segments of a size that can be handled.

    Raises:
        ValueError: a key is not of 16 bytes.
    """
    if any(len(row[0]) != KEY_BYTES for row in rows):
        raise ValueError(f"the key of a point has {KEY_BYTES} bytes")
    if sum(len(row[2]) for row in rows) <= _FULL:
        return [Segment.of(rows)] if rows else []
    segments, begin, size = [], 0, 0
    for at, row in enumerate(rows):
        if at > begin and size + len(row[2]) > _FULL:
            segments.append(Segment.of(rows[begin:at]))
            begin, size = at, 0
        size += len(row[2])
    return [*segments, Segment.of(rows[begin:])]


def read_segments(connection: sqlite3.Connection, ids: Sequence[int]) -> Iterator[tuple[int, Segment | None]]:
    """Segments by their numbers; None in place of one that is damaged or not there."""
    for number in ids:
        row = connection.execute("SELECT head, body, checksum FROM segments WHERE id = ?", [number]).fetchone()
        yield number, None if row is None else _whole(*row)


def _whole(head: object, body: object, checksum: int) -> Segment | None:
    if not isinstance(head, bytes) or not isinstance(body, bytes):
        return None
    return Segment(head, body, checksum) if zlib.crc32(body, zlib.crc32(head)) == checksum else None


def insert(connection: sqlite3.Connection, program: int, segments: Sequence[Segment]) -> None:
    """Put segments behind those that are there: they are the newest."""
    connection.executemany(_INSERT, [segment.row(program) for segment in segments])


def delete(connection: sqlite3.Connection, ids: Sequence[int]) -> int:
    """Drop segments, and programs of which nothing is left; how many points there were."""
    points = 0
    for number in ids:
        row = connection.execute("SELECT points FROM segments WHERE id = ?", [number]).fetchone()
        points += 0 if row is None else row[0]
        connection.execute("DELETE FROM segments WHERE id = ?", [number])
    connection.execute(_UNUSED)
    return points


def merge(connection: sqlite3.Connection, program: int) -> None:
    """Make the small segments since the last large one into one: only neighbours, so that the newest still counts."""
    found = connection.execute(_TAIL, {"program": program, "small": _SMALL})
    ids = [number for (number,) in found]
    if len(ids) < 2:
        return
    rows: dict[bytes, Row] = {}
    for _, segment in read_segments(connection, ids):
        for row in segment.rows() if segment is not None else ():
            if row[1] or not rows.get(row[0], row)[1]:
                rows[row[0]] = row
    for number in ids:
        replace(connection, number, None)
    insert(connection, program, segments_of(list(rows.values())))


def replace(connection: sqlite3.Connection, number: int, segment: Segment | None) -> None:
    """Put another segment in a segment's place; with None, drop it."""
    if segment is None:
        connection.execute("DELETE FROM segments WHERE id = ?", [number])
        return
    statement = "UPDATE segments SET points = ?, failed = ?, size = ?, checksum = ?, head = ?, body = ? WHERE id = ?"
    connection.execute(statement, [*segment.row(0)[1:], number])


def latest(
    connection: sqlite3.Connection, program: int, wanted: frozenset[bytes]
) -> tuple[dict[bytes, tuple[bool, bytes]], list[int]]:
    """What counts of the wanted points: the newest result, or else the newest failure.

    Returns:
        By key whether it succeeded, and the payload; and the numbers of segments that are damaged. Where there are any,
        the points may be wrong: drop those segments and ask again.
    """
    places: dict[bytes, tuple[bool, int, int]] = {}
    for number, head in connection.execute("SELECT id, head FROM segments WHERE program = ? ORDER BY id", [program]):
        if not isinstance(head, bytes):
            return {}, [number]
        keys = keys_of(head)
        if wanted.isdisjoint(keys):
            continue
        succeeded = head[len(keys) * KEY_BYTES :]
        for at, key in enumerate(keys):
            if key in wanted and (succeeded[at] or not places.get(key, (False,))[0]):
                places[key] = bool(succeeded[at]), number, at
    needed = sorted({number for _, number, _ in places.values()})
    payloads, damaged = {}, []
    for number, segment in read_segments(connection, needed):
        if segment is None:
            damaged.append(number)
        else:
            payloads[number] = segment.payloads()
    if damaged:
        return {}, damaged
    return {key: (good, payloads[number][at]) for key, (good, number, at) in places.items()}, []
