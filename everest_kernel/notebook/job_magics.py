"""`%jobs`, `%job` and `%cancel`: jobs of this kernel, of earlier ones, and of other notebooks."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio

from ..languages import Display
from ..wire import EverestError, JobError
from .channels import LocalChannel
from .place import notebook_identity
from .remembered import close_records

if TYPE_CHECKING:
    from .session import NotebookSession

__all__ = ["JobMagics", "register_job_magics", "unregister_job_magics"]

_JOBS_HELP = """\
The jobs that this kernel, earlier ones and other notebooks have started, newest first.

    %jobs [options]

--state STATE      only those in this state: submitted, scheduled, running, done, failed, cancelled ...;
                   `active` and `finished` stand for several (may be repeated, or a list with commas)
--route ROUTE      only those of this route
--notebook NAME    only those of this notebook: its file's name or path; `this` is the one you are in
--age TIME         only those of the last 90s, 10m, 12h or 7d
--server NAME      only those at this server
-n NUMBER          how many to show (20)
--all              show all

Examples

    %jobs
    %jobs --state running --notebook this
    %jobs --state failed,cancelled --age 1d
    %jobs --route maple -n 50

`%job ID` tells all about one, `%log ID` shows its output, `%cancel ID` stops it.
"""
_JOB_HELP = """\
Everything that is known of one job: where and when it ran, what went and came back, and its code.

    %job ID

Works also when the server does not answer or does not have the job any more, from what this machine remembers, and
for jobs that were started elsewhere, from what the server says.

Example

    %job 65f0c1d2e3a4b5c6d7e8f901
"""
_CANCEL_HELP = """\
Stop jobs, wait a moment for the far side to confirm it, and say what came of each.

    %cancel ID [ID ...]

Examples

    %cancel 65f0c1d2e3a4b5c6d7e8f901
    %jobs --state running
"""


class JobMagics:
    """The magics of one shell.

    Args:
        session: whose connections are used.
    """

    def __init__(self, session: NotebookSession) -> None:
        self._session = session

    def jobs(self, line: str) -> None:
        """Replaced by the help text when the magic is registered."""
        from .job_options import parse_jobs_line  # here and below: a kernel starts sooner without
        from .job_table import jobs_bundle, list_jobs

        options, now = parse_jobs_line(line), time.time()
        listed = self._session.thread.run(list_jobs(self._session, options, Path.cwd(), notebook_identity(), now))
        _show(jobs_bundle(listed, now))

    def job(self, line: str) -> None:
        """Replaced by the help text when the magic is registered."""
        from .job_options import parse_job_ids
        from .job_page import job_bundle
        from .job_servers import find_job

        (job_id,) = parse_job_ids(line, "job", most=1)
        found = self._session.thread.run(find_job(self._session, job_id, Path.cwd()))
        _show(job_bundle(found, time.time()))

    def cancel(self, line: str) -> None:
        """Replaced by the help text when the magic is registered."""
        from .job_options import parse_job_ids

        said = self._session.thread.run(_cancel_all(self._session, parse_job_ids(line, "cancel"), Path.cwd()))
        channel = LocalChannel()
        errors = [item for item in said if isinstance(item, EverestError)]
        for item in said:
            if isinstance(item, str):
                channel.text("stdout", f"{item}\n")
        for error in errors[1:]:
            channel.text("stderr", f"{error}\n")
        if errors:
            raise errors[0]


async def _cancel_all(session: NotebookSession, job_ids: list[str], folder: Path) -> list[str | EverestError]:
    """What came of each, in the order of the ids."""
    said: dict[str, str | EverestError] = {}

    async def one(job_id: str) -> None:
        if job_id in session.sweeps:
            session.sweeps[job_id].cancel()
            said[job_id] = f"{job_id}: its jobs are being cancelled; finished points are kept"
            return
        try:
            said[job_id] = await _cancel(session, job_id, folder)
        except EverestError as error:
            said[job_id] = error

    async with anyio.create_task_group() as group:
        for job_id in job_ids:
            group.start_soon(one, job_id)
    return [said[job_id] for job_id in job_ids]


async def _cancel(session: NotebookSession, job_id: str, folder: Path) -> str:
    """What came of it.

    Raises:
        JobError: nobody knows the job, or its server could not be told.
    """
    from .cancelling import cancel_job
    from .job_servers import find_job, note_found

    found = await find_job(session, job_id, folder, start=True)
    if found.gone:
        return f"job {job_id} is over: {found.problem} any more"
    if found.job is None:
        raise JobError(f"it could not be told to stop, and may go on: {found.problem}", job_id=job_id)
    if found.job.state.is_final:
        return f"job {job_id} had ended before ({str(found.job.state).lower()})"
    outcome = await cancel_job(await session.client(found.server), job_id)
    if outcome.job is None and outcome.problem:
        raise JobError(outcome.sentence("it"), job_id=job_id)
    if outcome.job is not None:
        note_found(found.record, outcome.job)
    return outcome.sentence(f"job {job_id}")


def register_job_magics(shell: Any, session: NotebookSession) -> None:
    """Give a shell the magics."""
    magics = JobMagics(session)
    for name, text in _HELP.items():
        magic = getattr(magics, name)
        magic.__func__.__doc__ = text
        shell.register_magic_function(magic, "line", name)


def unregister_job_magics(shell: Any) -> None:
    """Take them away again."""
    for name in _HELP:
        shell.magics_manager.magics["line"].pop(name, None)
    close_records()


_HELP = {"jobs": _JOBS_HELP, "job": _JOB_HELP, "cancel": _CANCEL_HELP}


def _show(bundle: dict[str, str]) -> None:
    LocalChannel().display(Display(dict(bundle)))
