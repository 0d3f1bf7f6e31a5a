"""The log of a job in Everest's line format: a UTC time stamp, then what happened."""

from __future__ import annotations

from datetime import datetime, timezone

from .database import Database

__all__ = ["JobLog"]

_MOST_LINES = 1000


class JobLog:
    """Lines of running jobs in memory; they go to disk with the job's end."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lines: dict[str, list[str]] = {}

    def add(self, job_id: str, text: str) -> None:
        """Note an event of a running job."""
        lines = self._lines.setdefault(job_id, [])
        if len(lines) < _MOST_LINES:
            lines.append(f"{datetime.now(timezone.utc):%Y-%m-%d %H:%M:%S.%f} {text}")

    def take(self, job_id: str) -> list[str]:
        """All lines of a job that ends; they are the caller's to store."""
        return self._lines.pop(job_id, [])

    def read(self, job_id: str) -> str:
        """The log as text."""
        rows = self._database.query("SELECT line FROM job_log WHERE job_id = ? ORDER BY rowid", job_id)
        lines = [row[0] for row in rows] + self._lines.get(job_id, [])
        return "".join(f"{line}\n" for line in lines)
