"""The journal: which jobs this user's kernels have started, and what was last seen of each.

A record is written before its job is submitted, so that a kernel that is killed at any moment leaves no job that
nobody knows of. There is never a token in it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from ..wire import FINAL_STATES, MALFORMED, Job, JobState
from .database import RecordsFile

if TYPE_CHECKING:
    import sqlite3

__all__ = ["GONE", "JobRecord", "Journal", "describe", "submission_key"]

log = logging.getLogger(__name__)

_MARK = "Jupyter cell "
GONE = "GONE"
"""Stands in a record for the state of a job that its server does not have any more."""
_KEEP = 20_000
"""How many records of finished jobs are kept."""
_PRUNE_EVERY = 100


class JobRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One job.

    Attributes:
        key: of its submission (the Idempotency-Key).
        job_id: empty until the server has acknowledged it.
        server: as the configuration names it.
        language: its name.
        settings: of the language.
        notebook: its identity; empty when unknown.
        cell: the front end's id of the cell; empty when unknown.
        content: SHA-256, hexadecimal, of all that decides the result.
        line: the magic's line.
        code: the user's text.
        outputs_named: outputs that `--out` names; None when the text decides.
        outputs_found: outputs found in the text.
        fetch: patterns of files to bring back.
        sent: values and files with their sizes in bytes.
        recorded: seconds since the epoch.
        state: the last that was seen, an Everest state or GONE; empty before the first.
        submitted, started, finished: milliseconds since the epoch by the server's clock; 0 when unknown.
        info: the server's words about a failure.
        exit_code: of the program, when it is known.
        collected: whether a kernel has fetched its result.
    """

    key: str
    job_id: str = ""
    server: str = ""
    url: str = ""
    route: str = ""
    language: str = ""
    settings: dict[str, Any] = {}
    notebook: str = ""
    cell: str = ""
    content: str = ""
    line: str = ""
    code: str = ""
    outputs_named: tuple[str, ...] | None = None
    outputs_found: tuple[str, ...] = ()
    fetch: tuple[str, ...] = ()
    sent: dict[str, int] = {}
    name: str = ""
    recorded: float = msgspec.field(default_factory=time.time)
    state: str = ""
    resource: str = ""
    submitted: int = 0
    started: int = 0
    finished: int = 0
    info: str = ""
    exit_code: int | None = None
    collected: bool = False


_COLUMNS = tuple(field.name for field in msgspec.structs.fields(JobRecord))
_AS_JSON = frozenset({"settings", "outputs_named", "outputs_found", "fetch", "sent", "collected"})
_NUMBERS = {"recorded": "REAL", "submitted": "INTEGER", "started": "INTEGER", "finished": "INTEGER"}
_TYPES = {"key": "TEXT PRIMARY KEY", "exit_code": "INTEGER"} | {
    name: f"{kind} NOT NULL" for name, kind in _NUMBERS.items()
}
_SCHEMA = f"""
CREATE TABLE jobs ({", ".join(f"{name} {_TYPES.get(name, 'TEXT NOT NULL')}" for name in _COLUMNS)});
CREATE INDEX by_job ON jobs (job_id);
CREATE INDEX by_content ON jobs (content);
CREATE INDEX by_time ON jobs (recorded, state);
"""
_FINAL = f"({', '.join(repr(str(state)) for state in [*sorted(FINAL_STATES), GONE])})"
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM jobs"
_NEWEST = "ORDER BY recorded DESC, rowid DESC"
# what a server does not tell stays as it was, and a job that is over never runs again, however late the news
_SAW = f"""
UPDATE jobs SET
  state = :state,
  resource = coalesce(nullif(:resource, ''), resource),
  submitted = coalesce(nullif(:submitted, 0), submitted),
  started = coalesce(nullif(:started, 0), started),
  finished = coalesce(nullif(:finished, 0), finished),
  info = coalesce(nullif(:info, ''), info),
  exit_code = coalesce(:exit_code, exit_code)
WHERE job_id = :job_id AND job_id != '' AND (state NOT IN {_FINAL} OR :state IN {_FINAL})
"""
_PRUNE = f"""
DELETE FROM jobs WHERE state IN {_FINAL} AND recorded < (
  SELECT recorded FROM jobs WHERE state IN {_FINAL} ORDER BY recorded DESC LIMIT 1 OFFSET {_KEEP - 1}
)
"""


def describe(key: str) -> str:
    """What a job's description says, so that it is known again when its acknowledgement was lost."""
    return f"{_MARK}{key}"


def submission_key(job: Job) -> str:
    """The key of a job's submission, when its description tells it; else empty."""
    return job.description.removeprefix(_MARK) if job.description.startswith(_MARK) else ""


class Journal:
    """The journal in a file, which several kernels share. Opened at its first use; may be used from any thread.

    Every method raises ConfigurationError when the file cannot be used; then nothing is remembered, and nothing else
    need be wrong.

    Args:
        path: of the file; made when it does not exist.
    """

    def __init__(self, path: Path) -> None:
        self._file = RecordsFile(path, _SCHEMA)
        self._begun = 0

    def begin(self, record: JobRecord) -> None:
        """Remember a job that is about to be submitted; one of the same key is replaced."""
        marks = ", ".join("?" * len(_COLUMNS))
        row = _row(record)

        def write(connection: sqlite3.Connection) -> None:
            connection.execute(f"INSERT OR REPLACE INTO jobs ({', '.join(_COLUMNS)}) VALUES ({marks})", row)
            self._begun += 1
            if self._begun % _PRUNE_EVERY == 0:
                connection.execute(_PRUNE)

        self._file.run(write)

    def acknowledged(self, key: str, job: Job) -> None:
        """The server has the job that was begun under this key."""

        def write(connection: sqlite3.Connection) -> None:
            connection.execute("UPDATE jobs SET job_id = ? WHERE key = ?", (_clean(job.id), key))
            connection.execute(_SAW, _seen(job))

        self._file.run(write)

    def saw(self, job: Job) -> None:
        """What a server says of a job; one that is not in the journal is ignored."""
        self.saw_all([job])

    def saw_all(self, jobs: Iterable[Job]) -> None:
        """The same for many jobs at once.

        Among them may be one whose acknowledgement was lost: its description tells the key of its submission.
        """
        found = list(jobs)
        rows = [_seen(job) for job in found]
        keys = [(_clean(job.id), key) for job in found if (key := submission_key(job))]

        def write(connection: sqlite3.Connection) -> None:
            connection.executemany("UPDATE jobs SET job_id = ? WHERE key = ? AND job_id = ''", keys)
            connection.executemany(_SAW, rows)

        self._file.run(write)

    def collected(self, job_id: str) -> None:
        """A kernel has fetched the job's result: nobody need be led to it any more."""
        self._file.run(lambda c: c.execute("UPDATE jobs SET collected = 'true' WHERE job_id = ?", [job_id]))

    def gone(self, job_id: str) -> None:
        """The server does not have this job any more, so it is over."""
        statement = f"UPDATE jobs SET state = ? WHERE job_id = ? AND state NOT IN {_FINAL}"
        self._file.run(lambda connection: connection.execute(statement, [GONE, job_id]))

    def find(self, job_id: str) -> JobRecord | None:
        """The job of that id."""
        found = self._select("job_id = ? AND job_id != ''", [job_id], limit=1)
        return found[0] if found else None

    def unfinished(self, notebook: str | None = None) -> list[JobRecord]:
        """Jobs that are not known to be over, the newest first; those never acknowledged are among them.

        Args:
            notebook: only this notebook's.
        """
        condition, values = f"state NOT IN {_FINAL}", []
        if notebook is not None:
            condition, values = f"{condition} AND notebook = ?", [notebook]
        return self._select(condition, values)

    def same(self, content: str, notebook: str, cell: str) -> list[JobRecord]:
        """Jobs with the same result that are this cell's, the newest first: unfinished, or done and never collected.

        Args:
            content: hash of all that decides the result.
            notebook: its identity.
            cell: the front end's id of the cell; where either is unknown, the notebook alone decides.
        """
        wanted = f"(state NOT IN {_FINAL} OR (state = '{JobState.DONE}' AND collected = 'false'))"
        condition = f"content = ? AND notebook = ? AND (? = '' OR cell IN ('', ?)) AND {wanted}"
        return self._select(condition, [content, notebook, cell, cell])

    def search(
        self,
        *,
        states: Collection[str] = (),
        route: str = "",
        notebook: str = "",
        server: str = "",
        since: float = 0.0,
        limit: int | None = None,
    ) -> list[JobRecord]:
        """Jobs, the newest first; what is empty does not restrict.

        Args:
            states: Everest's words; `""` stands for jobs that were never acknowledged.
            route: name of a route.
            notebook: identity of a notebook.
            server: name of a server.
            since: only those recorded later, in seconds since the epoch.
            limit: at most so many.
        """
        condition, values = _condition(states, route, notebook, server, since)
        return self._select(condition, values, limit)

    def count(
        self,
        *,
        states: Collection[str] = (),
        route: str = "",
        notebook: str = "",
        server: str = "",
        since: float = 0.0,
    ) -> int:
        """How many jobs `search` finds without a limit."""
        condition, values = _condition(states, route, notebook, server, since)
        statement = f"SELECT count(*) FROM jobs WHERE {condition}"
        (found,) = self._file.run(lambda connection: connection.execute(statement, values).fetchone(), write=False)
        return int(found)

    def notebooks(self) -> list[str]:
        """The identities of the notebooks whose jobs are known, sorted."""
        statement = "SELECT DISTINCT notebook FROM jobs WHERE notebook != '' ORDER BY notebook"
        return [name for (name,) in self._file.run(lambda c: c.execute(statement).fetchall(), write=False)]

    def known(self, job_ids: Collection[str]) -> set[str]:
        """Those of the jobs that are in the journal."""
        statement = "SELECT job_id FROM jobs WHERE job_id IN (SELECT value FROM json_each(?))"
        asked = [msgspec.json.encode([_clean(job_id) for job_id in job_ids]).decode()]
        rows = self._file.run(lambda connection: connection.execute(statement, asked).fetchall(), write=False)
        return {job_id for (job_id,) in rows} - {""}

    def forget(self, job_id: str) -> None:
        """Drop the record of a job, by its id or by its key."""
        statement = "DELETE FROM jobs WHERE (job_id = ? AND job_id != '') OR key = ?"
        self._file.run(lambda connection: connection.execute(statement, [job_id, job_id]))

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _select(self, condition: str, values: list[Any], limit: int | None = None) -> list[JobRecord]:
        cut = "" if limit is None else f" LIMIT {limit:d}"
        clean = [_clean(value) for value in values]
        statement = f"{_SELECT} WHERE {condition} {_NEWEST}{cut}"
        rows = self._file.run(lambda connection: connection.execute(statement, clean).fetchall(), write=False)
        return [record for row in rows if (record := _record(row)) is not None]


def _condition(states: Collection[str], route: str, notebook: str, server: str, since: float) -> tuple[str, list[Any]]:
    conditions = ["recorded >= ?"]
    values: list[Any] = [since]
    if states:
        conditions.append(f"state IN ({', '.join('?' * len(states))})")
        values += [str(state) for state in states]
    for column, wanted in (("route", route), ("notebook", notebook), ("server", server)):
        if wanted:
            conditions.append(f"{column} = ?")
            values.append(_clean(wanted))
    return " AND ".join(conditions), values


def _clean(value: Any) -> Any:
    """SQLite takes no lone surrogates, which a front end could send, and no numbers of more than 64 bits."""
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**63 else 0
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def _row(record: JobRecord) -> list[Any]:
    values = ((name, getattr(record, name)) for name in _COLUMNS)
    return [msgspec.json.encode(value).decode() if name in _AS_JSON else _clean(value) for name, value in values]


def _record(row: tuple[Any, ...]) -> JobRecord | None:
    named = dict(zip(_COLUMNS, row, strict=True))
    try:
        coded = {name: msgspec.json.decode(named[name]) for name in _AS_JSON}
        return msgspec.convert({**named, **coded}, JobRecord)
    except MALFORMED as error:
        log.warning("the record of job %s in the journal is damaged: %s", named["job_id"], error)
        return None


def _seen(job: Job) -> dict[str, Any]:
    finished = job.finished or (job.last_update_time if job.state.is_final else 0)
    told = {
        "job_id": job.id,
        "state": str(job.state),
        "resource": job.resource_name,
        "submitted": job.submitted,
        "started": job.started,
        "finished": finished,
        "info": job.info,
        "exit_code": job.exit_code,
    }
    return {name: _clean(value) for name, value in told.items()}
