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
        self._left_out: dict[str, int] = {}

    def add(self, job_id: str, text: str) -> None:
        """Note an event of a running job."""
        lines = self._lines.setdefault(job_id, [])
        if len(lines) < _MOST_LINES:
            lines.append(f"{_time_stamp()} {text}")
        else:
            self._left_out[job_id] = self._left_out.get(job_id, 0) + 1

    def take(self, job_id: str) -> list[str]:
        """All lines of a job that ends; they are the caller's to store."""
        return self._lines.pop(job_id, []) + self._note(self._left_out.pop(job_id, 0))

    def read(self, job_id: str) -> str:
        """The log as text."""
        rows = self._database.query("SELECT line FROM job_log WHERE job_id = ? ORDER BY rowid", job_id)
        lines = [row[0] for row in rows] + self._lines.get(job_id, [])
        lines += self._note(self._left_out.get(job_id, 0))
        return "".join(f"{line}\n" for line in lines)

    @staticmethod
    def _note(left_out: int) -> list[str]:
        """The line that stands for those that were too many."""
        return [f"{_time_stamp()} {left_out:,} more lines are not kept"] if left_out else []


def _time_stamp() -> str:
    return f"{datetime.now(timezone.utc):%Y-%m-%d %H:%M:%S.%f}"
