"""Jobs in the database: the only place that knows their tables."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from ..wire import Application, Job, JobRequest, JobState
from .contents import Content
from .database import Database, Write
from .files import Files

__all__ = ["JobRecords", "Unfinished"]


class Unfinished(NamedTuple):
    """A job that had not ended when the hub stopped."""

    job: Job
    application: Application
    attempt: int
    cancelling: bool
    delete_at_end: bool


class JobRecords:
    """Reads at once, writes with the turn's commit; a write's future resolves when it is on disk."""

    def __init__(self, database: Database, files: Files) -> None:
        self._database = database
        self._files = files

    def insert(
        self, job: Job, application: Application, request: JobRequest, key: str | None, inputs: Write
    ) -> asyncio.Future[None]:
        """A new job with its submission key; `inputs` notes which files are its inputs.

        The future's error is sqlite3.IntegrityError when the user has a job of this key already.
        """
        row = (
            job.id, job.user, key, job.name,
            msgspec.json.encode(application), msgspec.json.encode(request), msgspec.json.encode(_status(job)),
        )  # fmt: skip

        def write(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT INTO jobs VALUES (?, ?, ?, ?, 0, 0, 0, ?, ?, ?)", row)
            inputs(connection)

        return self._database.write(write)

    def with_key(self, user: str, key: str) -> str | None:
        """The id of the job that was submitted with this key."""
        row = self._database.first("SELECT id FROM jobs WHERE user = ? AND submission_key = ?", user, key)
        return str(row[0]) if row else None

    def find(self, user: str, job_id: str) -> Job | None:
        """A job of this user, or None."""
        row = self._database.first("SELECT request, status FROM jobs WHERE id = ? AND user = ?", job_id, user)
        return _read(*row) if row else None

    def all(self, user: str, name: str | None, page: tuple[int, int] | None = None) -> list[Job]:
        """All jobs of a user, the newest first; those of a name when one is given.

        `page` limits it to so many from an offset on, `(offset, size)`.
        """
        offset, size = page or (0, -1)
        rows = self._database.query(
            "SELECT request, status FROM jobs WHERE user = ?1 AND (?2 IS NULL OR name = ?2) ORDER BY id DESC"
            " LIMIT ?3 OFFSET ?4",
            user,
            name,
            size,
            offset,
        )
        return [_read(*row) for row in rows]

    def set_cancelling(self, job_id: str, *, delete_at_end: bool = False) -> asyncio.Future[None]:
        """Its owner wants it to end."""
        row = (2 if delete_at_end else 1, job_id)
        change = "UPDATE jobs SET cancelling = max(cancelling, ?) WHERE id = ?"
        return self._database.write(lambda connection: connection.execute(change, row))

    def set_attempt(self, job_id: str, attempt: int) -> asyncio.Future[None]:
        """Only this attempt counts from now on."""
        row = (attempt, job_id)
        return self._database.write(lambda c: c.execute("UPDATE jobs SET attempt = ? WHERE id = ?", row))

    def finish(self, final: Job, kept: Mapping[str, Content], log: list[str], *, drop: bool) -> asyncio.Future[None]:
        """A job's end with its files by URI and its log; or its removal, when it was deleted meanwhile."""
        status = msgspec.json.encode(_status(final))

        def write(connection: sqlite3.Connection) -> None:
            for uri, content in kept.items():
                content.write(connection)
                self._files.insert(connection, uri, final.user, final.id, content)
            connection.execute("UPDATE jobs SET final = 1, status = ? WHERE id = ?", (status, final.id))
            connection.executemany("INSERT INTO job_log VALUES (?, ?)", [(final.id, line) for line in log])
            if drop:
                self._drop(connection, final.id)

        return self._database.write(write)

    def fail(self, job: Job, message: str) -> None:
        """A job cannot be taken up when the hub starts; it is FAILED on disk when this returns."""
        status = msgspec.json.encode(_status(msgspec.structs.replace(job, state=JobState.FAILED, info=message)))
        row = (status, job.id)
        self._database.run(lambda c: c.execute("UPDATE jobs SET final = 1, status = ? WHERE id = ?", row))

    def drop(self, job_id: str) -> asyncio.Future[None]:
        """Remove a job with its log and files."""
        return self._database.write(lambda connection: self._drop(connection, job_id))

    def _drop(self, connection: sqlite3.Connection, job_id: str) -> None:
        connection.execute("DELETE FROM jobs WHERE id = ?", (job_id,))
        connection.execute("DELETE FROM job_log WHERE job_id = ?", (job_id,))
        connection.execute("DELETE FROM sweep_tasks WHERE job_id = ?", (job_id,))
        self._files.drop_job(connection, job_id)

    def unfinished(self) -> list[Unfinished]:
        """Jobs that have not ended, in the order of their submission."""
        rows = self._database.query(
            "SELECT request, status, application, attempt, cancelling FROM jobs WHERE final = 0 ORDER BY id"
        )
        return [
            Unfinished(
                _read(request, status),
                msgspec.json.decode(body, type=Application),
                attempt,
                cancelling=cancelling > 0,
                delete_at_end=cancelling > 1,
            )
            for request, status, body, attempt, cancelling in rows
        ]


def _status(job: Job) -> Job:
    """What of a job can change: the request is kept once, beside it."""
    return msgspec.structs.replace(job, inputs={})


def _read(request: bytes, status: bytes) -> Job:
    inputs = msgspec.json.decode(request, type=JobRequest).inputs
    return msgspec.structs.replace(msgspec.json.decode(status, type=Job), inputs=inputs)
