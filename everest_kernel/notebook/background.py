"""Jobs that run while other cells do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..languages import Display, Returned
from ..wire import CellError, EverestError
from .caller import caller_of
from .channels import Channel, LocalChannel, Nowhere, channel_for
from .finish import finish, keep
from .job_options import check_job_id
from .job_source import Caller, ExistingJob, JobSource, Submission
from .options import RemoteOptions
from .prepare import prepare
from .remote_job import RemoteJob
from .remote_run import RemoteRun
from .session import NotebookSession

__all__ = ["open_job", "start_background", "start_remote"]


def start_background(
    session: NotebookSession,
    source: JobSource,
    channel: Channel,
    folder: Path,
    *,
    set_values: Callable[[dict[str, Any]], None] | None = None,
    reports: bool = False,
) -> RemoteJob:
    """Start what gives a job, and follow it while other cells run.

    Args:
        session: the notebook's.
        source: of the job.
        channel: of the cell that started it: all its output goes there.
        folder: where files that come back are saved.
        set_values: called on the client's thread with the outputs of a job that succeeded.
        reports: whether failure and last value are shown on the channel, too.
    """
    run = RemoteRun(source, channel, "", shows_header=False)

    async def work() -> dict[str, Any]:
        values: dict[str, Any] = {}
        try:
            outcome = await run.run(session)
            back = await asyncio.to_thread(finish, run, outcome, values, folder)
        except EverestError as error:
            if reports:
                channel.text("stderr", f"{type(error).__name__}: {error}\n")
            raise
        keep(run, outcome, session.memory)
        if reports:
            _show_last(back, channel)
        if set_values is not None:
            set_values(values)
        return values

    return RemoteJob(run, session.thread.start(work()), session)


def start_remote(
    session: NotebookSession,
    route: str,
    code: str,
    *,
    inputs: Mapping[str, Any] | None = None,
    outputs: Sequence[str] = (),
    files: Sequence[str] = (),
    fetch: Sequence[str] = (),
    name: str = "",
    time_limit: float | None = None,
    queue_limit: float | None = None,
    settings: Mapping[str, Any] | None = None,
    fresh: bool = True,
) -> RemoteJob:
    """Start a program on a route; see `everest_kernel.remote`."""
    if isinstance(outputs, str):
        raise CellError(f"outputs must be a list of names, not the text {outputs!r}")
    given = dict(inputs or {})
    options = RemoteOptions(route, tuple(given), tuple(outputs), list(files), list(fetch), name, time_limit)
    options.settings.update(settings or {})
    options.queue_limit = queue_limit
    prepared = prepare(options, code, given, {}, Path.cwd())
    shell = _shell()
    caller = Caller() if shell is None else caller_of(shell)
    running = "new" if fresh else "attach"
    source = Submission(prepared, session.memory, caller, fresh=fresh, running=running)
    channel = LocalChannel() if shell is None else channel_for(shell)
    return start_background(session, source, channel, prepared.folder)


def open_job(session: NotebookSession, job_id: str) -> RemoteJob:
    """A job that was submitted earlier; see `everest_kernel.job`."""
    check_job_id(job_id)
    source = ExistingJob(job_id, session.memory, "", Path.cwd())
    session.thread.run(_look_up(session, source))
    return start_background(session, source, Nowhere(), Path.cwd())


async def _look_up(session: NotebookSession, source: ExistingJob) -> None:
    """Fail at once when there is no such job, or its server cannot be reached."""
    await source.recall()
    await source.obtain(await session.client(source.server))


def _show_last(back: Returned, channel: Channel) -> None:
    """The value of the cell's last line, as the cell would have shown it."""
    if back.display is not None:
        channel.display(back.display)
    elif back.has_last and back.last is not None:
        from IPython.core.interactiveshell import InteractiveShell

        data, metadata = InteractiveShell.instance().display_formatter.format(back.last)
        if data:
            channel.display(Display(data, metadata))


def _shell() -> Any:
    from IPython.core.getipython import get_ipython

    return get_ipython()
