"""Everest's file URIs: temporary uploads, the files of jobs, and those of applications."""

from __future__ import annotations

import logging
import re
import sqlite3
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, unquote

from ..wire import file_uri, name_of_uri
from .contents import Content, Contents
from .database import Database, Write
from .identity import new_id
from .tasks import InputError

__all__ = ["APPLICATION_FILES", "Files", "StoredFile", "canonical", "output_uris", "published_uris"]

APPLICATION_FILES = "/api/files/apps/"
"""What the URIs of applications' files begin with. Whoever may run an application may read them: everybody."""
_FOREIGN = re.compile(r"https?://")

log = logging.getLogger(__name__)


class StoredFile(NamedTuple):
    """A file that a URI names: its name, its size, and its content as bytes or as a path."""

    name: str
    size: int
    content: bytes | Path


def canonical(uri: str) -> str:
    """A URI as it is kept: every client encodes other characters of a name."""
    return "/".join(quote(unquote(segment), safe="") for segment in uri.split("?", 1)[0].split("/"))


def published_uris(job_id: str, uris: Iterable[str]) -> dict[str, str]:
    """From a job's input URI to the URI that the file has as the job's own.

    `/api/files/jobs/<job>/<name>`: old clients build exactly this from the last segment of the input's URI. A further
    file of the same name gets a number in between.
    """
    taken: set[str] = set()
    own = [uri for uri in dict.fromkeys(uris) if not _FOREIGN.match(uri)]
    return {uri: _free_uri(job_id, name_of_uri(uri), taken) for uri in own}


def output_uris(job_id: str, inputs: Iterable[str], paths: Iterable[str]) -> dict[str, str]:
    """From a path in the task's directory to the URI of that output, other than those of the job's inputs."""
    taken = set(published_uris(job_id, inputs).values())
    return {path: _free_uri(job_id, path.rsplit("/", 1)[-1], taken) for path in paths}


def _free_uri(job_id: str, name: str, taken: set[str]) -> str:
    uri, number = file_uri("jobs", job_id, name), 1
    while uri in taken:
        number += 1
        uri = file_uri("jobs", job_id, str(number), name)
    taken.add(uri)
    return uri


class Files:
    """Which URI stands for which content, and whose it is."""

    def __init__(self, database: Database, contents: Contents) -> None:
        self._database = database
        self._contents = contents

    async def add_temporary(self, user: str, name: str, content: Content) -> str:
        """Keep an upload; its URI, once it is on disk."""
        return await self._add(file_uri("temp", new_id(), name), user, None, content)

    async def add_to_job(self, user: str, job_id: str, name: str, content: Content) -> str:
        """Keep a file that its agent delivers for a job, as long as the job; its URI, once it is on disk."""
        return await self._add(file_uri("jobs", job_id, new_id(), name), user, job_id, content)

    async def _add(self, uri: str, user: str, job_id: str | None, content: Content) -> str:
        def write(connection: sqlite3.Connection) -> None:
            content.write(connection)
            self.insert(connection, uri, user, job_id, content)

        await self._database.write(write)
        return uri

    def insert(self, connection: sqlite3.Connection, uri: str, user: str, job_id: str | None, content: Content) -> None:
        """Let a URI name a content; to be called inside a write."""
        if connection.execute("SELECT 1 FROM contents WHERE sha256 = ?", (content.sha256,)).fetchone() is None:
            log.warning("%s: its content was deleted before it could be kept", uri)  # by its owner, this very moment
            return
        replaced = connection.execute("SELECT sha256 FROM files WHERE uri = ?", (uri,)).fetchone()
        row = (uri, user, job_id, name_of_uri(uri), content.sha256, content.size, int(time.time()))
        connection.execute("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        if replaced is not None:
            self._contents.release(connection, replaced[0])

    def open(self, user: str, uri: str) -> StoredFile | None:
        """The file behind a URI that this user may read, or None."""
        row = self._row(user, uri)
        return None if row is None else StoredFile(row[0], row[1], self._contents.open(row[2]))

    def content(self, user: str, uri: str) -> Content | None:
        """The content behind a URI that this user may read, or None."""
        row = self._row(user, uri)
        if row is None:
            return None
        return Content(row[2], row[1], _nothing)

    def _row(self, user: str, uri: str) -> tuple[str, int, bytes] | None:
        uri = canonical(uri)
        row = self._database.first("SELECT name, size, sha256, user FROM files WHERE uri = ?", uri)
        if row is None or (row[3] != user and not uri.startswith(APPLICATION_FILES)):
            return None
        return row[0], row[1], row[2]

    def inputs_of_job(self, user: str, job_id: str, uris: Iterable[str]) -> Write:
        """The write that publishes a job's input files under the job; URIs of other servers stay as they are.

        Raises:
            InputError: no such file of this user.
        """
        rows = []
        for uri, own in published_uris(job_id, uris).items():
            content = self.content(user, uri)
            if content is None:
                raise InputError(f"there is no file {uri[:200]!r}")
            rows.append((own, content))

        def write(connection: sqlite3.Connection) -> None:
            for uri, content in rows:
                self.check(connection, content)
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

    def check(self, connection: sqlite3.Connection, content: Content) -> None:
        """Make sure, inside a write, that a content that was looked up before is still there.

        Raises:
            sqlite3.IntegrityError: its last file has been deleted since.
        """
        if connection.execute("SELECT 1 FROM contents WHERE sha256 = ?", (content.sha256,)).fetchone() is None:
            raise sqlite3.IntegrityError("the file was deleted meanwhile")

    async def delete(self, user: str, uri: str) -> bool:
        """Forget one URI; False when there is no such file of this user."""
        uri = canonical(uri)
        row = self._database.first("SELECT sha256 FROM files WHERE uri = ? AND user = ?", uri, user)
        if row is None:
            return False
        await self._database.write(lambda connection: self._drop(connection, "uri = ?", uri))
        return True

    async def delete_temporary(self, user: str) -> None:
        """Forget all uploads of a user; the inputs of jobs stay."""
        await self._database.write(lambda connection: self._drop(connection, "user = ? AND job_id IS NULL", user))

    def drop_job(self, connection: sqlite3.Connection, job_id: str) -> None:
        """Forget a job's or an application's files; to be called inside a write."""
        self._drop(connection, "job_id = ?", job_id)

    def drop_uri(self, connection: sqlite3.Connection, uri: str) -> None:
        """Forget one URI; to be called inside a write."""
        self._drop(connection, "uri = ?", uri)

    def _drop(self, connection: sqlite3.Connection, condition: str, value: str) -> None:
        rows = connection.execute(f"SELECT DISTINCT sha256 FROM files WHERE {condition}", (value,)).fetchall()
        connection.execute(f"DELETE FROM files WHERE {condition}", (value,))
        for (sha256,) in rows:
            self._contents.release(connection, sha256)


def _nothing(connection: sqlite3.Connection) -> None:
    """The content is stored already."""
