"""What a remote cell does at its end: sets values, shows new files, saves fetched ones; or says what went wrong."""

from __future__ import annotations

import io
import time
from pathlib import Path
from typing import Any

import msgspec

from ..languages import Returned, read_shown
from ..wire import CellError, EverestError, JobState, ProtocolError
from .job_source import Submission
from .local_files import save_files
from .memory import Memory
from .outcome import Outcome, failure_of
from .remote_run import RemoteRun

__all__ = ["finish", "keep"]

_MOST_FETCHED = 64 << 20
"""Bytes of fetched files above which a result is not kept."""


def finish(run: RemoteRun, outcome: Outcome, namespace: dict[str, Any], folder: Path) -> Returned:
    """Set values, save files, and end the header line; or raise what went wrong.

    Raises:
        JobFailedError: the job failed; nothing is set.
        JobCancelledError: it was cancelled; nothing is set.
        CellError: it succeeded, but something that was asked for did not come; the rest is set.
    """
    job = outcome.job
    try:
        if outcome.pictures is not None:
            for display in read_shown(io.BytesIO(outcome.pictures)):
                run.channel.display(display)
        back = _read_back(run, outcome)
        back.error = back.error or outcome.error
        if job.state is JobState.DONE and not back.finished:  # it exits with 0 whatever happens
            back.error = back.error or "the program stopped before the end of the cell"
        if job.state is not JobState.DONE or back.error:
            run.end("failed" if job.state is JobState.DONE else str(job.state).lower())
            raise failure_of(job, back, outcome)
        namespace.update(back.values)
        saved = _save(run, outcome, folder)
    except EverestError as error:
        error.job_id = error.job_id or job.id
        error.resource = error.resource or job.resource_name or None
        raise
    run.header.returned = {**back.sizes, **saved}
    run.header.left = back.left
    run.end("done" if not back.problems else "incomplete")
    if back.problems:
        raise CellError(
            "the job succeeded, but not all came back: " + "; ".join(back.problems),
            job_id=job.id,
            resource=job.resource_name or None,
        )
    return back


def keep(run: RemoteRun, outcome: Outcome, memory: Memory) -> None:
    """Keep the result of a cell that has succeeded, where its route is repeatable."""
    source = run.source
    if not isinstance(source, Submission) or not source.keeps or outcome.kept or outcome.output is None:
        return
    from ..records import CachedResult

    fetched = None
    if outcome.fetched is not None:
        outcome.fetched.seek(0)
        fetched = outcome.fetched.read(_MOST_FETCHED + 1)
        if len(fetched) > _MOST_FETCHED:
            return
    result = CachedResult(
        job=msgspec.structs.replace(outcome.job, inputs={}, result={}),  # what counts of them is here
        output=outcome.output,
        values=outcome.values,
        pictures=outcome.pictures,
        fetched=fetched,
        stored=time.time(),
        route=source.route,
    )
    memory.keep(source.content, result, source.prepared.folder)


def _read_back(run: RemoteRun, outcome: Outcome) -> Returned:
    """The values file, which a program that was killed may have left half written."""
    language = run.source.language
    if language is None:  # no cell: its results are what the server says of them
        return Returned(values={})
    try:
        return language.read_back(None if outcome.values is None else io.BytesIO(outcome.values))
    except ProtocolError:
        if outcome.job.state is JobState.DONE:
            raise
        return Returned(finished=False)  # its failure is the news


def _save(run: RemoteRun, outcome: Outcome, folder: Path) -> dict[str, int]:
    """Save what was fetched; names and sizes."""
    if outcome.fetched is None or run.source.language is None:
        return {}
    outcome.fetched.seek(0)
    files = run.source.language.read_fetched(outcome.fetched)
    return {name: files[name].size for name in save_files(files, folder)}
