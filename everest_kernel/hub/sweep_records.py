"""Tasks of sweeps in the database: only those that are ended, and those that had to be started again."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec

from ..wire import TaskId, file_uri
from .contents import Content, Contents
from .database import Database
from .files import Files

__all__ = ["StoredTask", "SweepRecords"]


class StoredTask(NamedTuple):
    """An ended task: its state as Everest spells it, and what it left, by path: bytes, or where a large file is."""

    number: int
    state: str
    message: str
    outputs: dict[str, bytes | Path]


class SweepRecords:
    """Reads at once, writes with the turn's commit; a write's future resolves when it is on disk."""

    def __init__(self, database: Database, contents: Contents, files: Files) -> None:
        self._database = database
        self._contents = contents
        self._files = files

    def attempt(self, task: TaskId) -> asyncio.Future[None]:
        """Only this attempt at the task counts from now on."""
        row = (task.job_id, task.number, task.attempt)
        return self._database.write(
            lambda c: c.execute("INSERT OR REPLACE INTO sweep_tasks VALUES (?, ?, ?, '', '', NULL)", row)
        )

    def end(
        self, task: TaskId, user: str, state: str, message: str, staged: Mapping[str, Content]
    ) -> asyncio.Future[None]:
        """A task's end with its outputs: small ones in its row, large ones as files of the job."""
        small = {path: content.data for path, content in staged.items() if content.data is not None}
        large = {path: content for path, content in staged.items() if content.data is None}
        outputs = msgspec.msgpack.encode((small, {path: content.sha256 for path, content in large.items()}))
        row = (task.job_id, task.number, task.attempt, state, message, outputs)

        def write(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT OR REPLACE INTO sweep_tasks VALUES (?, ?, ?, ?, ?, ?)", row)
            for path, content in large.items():
                content.write(connection)
                uri = file_uri("jobs", task.job_id, "tasks", str(task.number), *path.split("/"))
                self._files.insert(connection, uri, user, task.job_id, content)

        return self._database.write(write, patient=True)

    def ended(self, job_id: str) -> Iterator[tuple[int, str, str]]:
        """Number, state and message of all tasks of a job that are ended."""
        yield from self._database.each(
            "SELECT number, state, message FROM sweep_tasks WHERE job_id = ? AND state != ''", job_id
        )

    def started_again(self, job_id: str) -> list[TaskId]:
        """Later attempts that may have been sent."""
        rows = self._database.query(
            "SELECT number, attempt FROM sweep_tasks WHERE job_id = ? AND state = '' ORDER BY number", job_id
        )
        return [TaskId(job_id, number, attempt) for number, attempt in rows]

    def next_base(self, job_id: str) -> int:
        """A number for first attempts that no attempt before had; it is on disk when this returns."""
        self._database.run(lambda c: c.execute("UPDATE jobs SET attempt = attempt + 1 WHERE id = ?", (job_id,)))
        row = self._database.first("SELECT attempt FROM jobs WHERE id = ?", job_id)
        assert row is not None
        return int(row[0])

    def page(self, job_id: str, after: int, most: int) -> list[StoredTask]:
        """Ended tasks with a number above `after`, in order."""
        rows = self._database.query(
            "SELECT number, state, message, outputs FROM sweep_tasks"
            " WHERE job_id = ? AND number > ? AND state != '' ORDER BY number LIMIT ?",
            job_id,
            after,
            most,
        )
        return [StoredTask(number, state, message, self._outputs(body)) for number, state, message, body in rows]

    def _outputs(self, body: bytes) -> dict[str, bytes | Path]:
        small, large = msgspec.msgpack.decode(body, type=tuple[dict[str, bytes], dict[str, bytes]])
        return {**small, **{path: self._contents.open(sha256) for path, sha256 in large.items()}}

    def drop_some(self, job_id: str, most: int = 5_000) -> asyncio.Future[None]:
        """Forget some tasks of a job whose results are collected."""
        some = "SELECT number FROM sweep_tasks WHERE job_id = ?1 LIMIT ?2"
        sql = f"DELETE FROM sweep_tasks WHERE job_id = ?1 AND number IN ({some})"
        return self._database.write(lambda c: c.execute(sql, (job_id, most)))

    def any_left(self, job_id: str) -> bool:
        """Whether rows of a job are left."""
        return self._database.first("SELECT 1 FROM sweep_tasks WHERE job_id = ? LIMIT 1", job_id) is not None

    def drop_finished(self) -> None:
        """Forget all tasks of jobs that are over."""
        unfinished = "SELECT id FROM jobs WHERE final = 0"
        self._database.run(lambda c: c.execute(f"DELETE FROM sweep_tasks WHERE job_id NOT IN ({unfinished})"))
