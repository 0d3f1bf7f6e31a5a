"""Everest's file URIs: temporary uploads, and the files of jobs."""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

from ..wire import file_uri, name_of_uri
from .contents import Content, Contents
from .database import Database, Write
from .identity import new_id
from .tasks import InputError

__all__ = ["Files", "StoredFile"]

_FOREIGN = re.compile(r"https?://")


class StoredFile(NamedTuple):
    """A file that a URI names: its name, its size, and its content as bytes or as a path."""

    name: str
    size: int
    content: bytes | Path


class Files:
    """Which URI stands for which content, and whose it is."""

    def __init__(self, database: Database, contents: Contents) -> None:
        self._database = database
        self._contents = contents

    async def add_temporary(self, user: str, name: str, content: Content) -> str:
        """Keep an upload; its URI, once it is on disk."""
        uri = file_uri("temp", new_id(), name)

        def write(connection: sqlite3.Connection) -> None:
            content.write(connection)
            self.insert(connection, uri, user, None, content)

        await self._database.write(write)
        return uri

    def insert(self, connection: sqlite3.Connection, uri: str, user: str, job_id: str | None, content: Content) -> None:
        """Let a URI name a content; to be called inside a write."""
        row = (uri, user, job_id, name_of_uri(uri), content.sha256, content.size, int(time.time()))
        connection.execute("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?)", row)

    def open(self, user: str, uri: str) -> StoredFile | None:
        """The file behind a URI of this user, or None."""
        row = self._database.first("SELECT name, size, sha256 FROM files WHERE uri = ? AND user = ?", uri, user)
        return None if row is None else StoredFile(row[0], row[1], self._contents.open(row[2]))

    def content(self, user: str, uri: str) -> Content | None:
        """The content behind a URI of this user, or None."""
        row = self._database.first("SELECT sha256, size FROM files WHERE uri = ? AND user = ?", uri, user)
        return None if row is None else Content(row[0], row[1], _nothing)

    def inputs_of_job(self, user: str, job_id: str, uris: Iterable[str]) -> Write:
        """The write that publishes a job's input files under the job; URIs of other servers stay as they are.

        Raises:
            InputError: no such file of this user.
        """
        rows = []
        for uri in uris:
            if _FOREIGN.match(uri):
                continue
            content = self.content(user, uri)
            if content is None:
                raise InputError(f"there is no file {uri[:200]!r}")
            rows.append((file_uri("jobs", job_id, name_of_uri(uri)), content))

        def write(connection: sqlite3.Connection) -> None:
            for uri, content in rows:
                self.insert(connection, uri, user, job_id, content)

        return write

    def with_contents(self, first: Write, user: str, job_id: str, contents: Mapping[str, Content]) -> Write:
        """The write `first`, and after it one that stores contents under URIs of the job."""

        def write(connection: sqlite3.Connection) -> None:
            first(connection)
            for uri, content in contents.items():
                content.write(connection)
                self.insert(connection, uri, user, job_id, content)

        return write

    def below(self, prefix: str) -> list[tuple[str, str]]:
        """What stands behind a prefix in the URIs that begin with it: decoded, and as it is."""
        rows = self._database.query("SELECT uri FROM files WHERE uri >= ? AND uri < ?", prefix, prefix + "\x7f")
        return [(unquote(row[0][len(prefix) :]), row[0][len(prefix) :]) for row in rows]

    async def delete(self, user: str, uri: str) -> bool:
        """Forget one URI; False when there is no such file of this user."""
        row = self._database.first("SELECT sha256 FROM files WHERE uri = ? AND user = ?", uri, user)
        if row is None:
            return False
        await self._database.write(lambda connection: self._drop(connection, "uri = ?", uri))
        return True

    async def delete_temporary(self, user: str) -> None:
        """Forget all uploads of a user that no job has taken over."""
        await self._database.write(lambda connection: self._drop(connection, "user = ? AND job_id IS NULL", user))

    def drop_job(self, connection: sqlite3.Connection, job_id: str) -> None:
        """Forget a job's files; to be called inside a write."""
        self._drop(connection, "job_id = ?", job_id)

    def _drop(self, connection: sqlite3.Connection, condition: str, value: str) -> None:
        rows = connection.execute(f"SELECT DISTINCT sha256 FROM files WHERE {condition}", (value,)).fetchall()
        connection.execute(f"DELETE FROM files WHERE {condition}", (value,))
        for (sha256,) in rows:
            self._contents.release(connection, sha256)


def _nothing(connection: sqlite3.Connection) -> None:
    """The content is stored already."""
