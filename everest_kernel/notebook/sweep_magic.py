"""The `%%sweep` magic: a thin face of `sweep_run`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..wire import CellError, JobCancelledError
from .channels import Channel, LocalChannel, QueueChannel, channel_for, replaces_displays
from .interrupt import pump_until_told, until_told
from .sweep_options import parse_sweep_line

if TYPE_CHECKING:
    from .session import NotebookSession
    from .sweep_cell import PreparedSweep
    from .sweep_job import SweepJob
    from .sweep_run import SweepRun

__all__ = ["SWEEP_MARK", "SweepMagic"]

SWEEP_MARK = "sweep-"
"""With which the ids of sweeps begin; those of jobs are hexadecimal."""


class SweepMagic:
    """Sweeps of one shell.

    Args:
        shell: whose names the cells use; the grid is set there.
        session: of the notebook.
    """

    def __init__(self, shell: Any, session: NotebookSession) -> None:
        self._shell = shell
        self._session = session

    async def run_cell(self, magic: str, line: str, body: str) -> Any:
        """What a rewritten cell awaits: the kernel's loop stays free meanwhile."""
        begun, value = self._begin(self._prepared(magic, line, body), channel_for(self._shell))
        if begun is None:
            return value
        running = self._session.thread.start(begun.run(self._session))
        over = asyncio.wrap_future(running.over)
        try:
            return await asyncio.shield(over)
        except asyncio.CancelledError:
            running.cancel()
            raise _interrupted(begun, told=await until_told(over)) from None

    def sweep(self, line: str, cell: str) -> Any:
        """The ordinary magic, for use inside `%%time` and `%%capture`: waits on this thread."""
        return self._run_here("sweep", line, cell)

    def lyapunov(self, line: str) -> Any:
        """The same of `%lyapunov`."""
        return self._run_here("lyapunov", line, "")

    def _run_here(self, magic: str, line: str, cell: str) -> Any:
        channel, local = QueueChannel(), LocalChannel()
        begun, value = self._begin(self._prepared(magic, line, cell), channel)
        if begun is None:
            return value
        running = self._session.thread.start(begun.run(self._session))
        running.over.add_done_callback(lambda _: channel.close())
        try:
            channel.pump(local)
            return running.result()
        except KeyboardInterrupt:
            running.cancel()
            raise _interrupted(begun, told=pump_until_told(channel, local)) from None

    def find(self, sweep_id: str) -> SweepJob:
        """A sweep of this kernel's that runs in the background.

        Raises:
            CellError: there is none of this id.
        """
        try:
            return self._session.sweeps[sweep_id]
        except KeyError:
            raise CellError(
                f"this kernel has no sweep {sweep_id} in the background",
                hint="Run the sweep's cell again: it follows its jobs that still run, and computes what is missing.",
            ) from None

    def _prepared(self, magic: str, line: str, body: str) -> PreparedSweep:
        names, hidden, folder = self._shell.user_ns, self._shell.user_ns_hidden, Path.cwd()
        if magic == "lyapunov":
            from .lyapunov_cell import prepare_lyapunov  # here and below: a kernel starts sooner without numpy
            from .lyapunov_options import parse_lyapunov_line

            return prepare_lyapunov(parse_lyapunov_line(line), names, hidden, folder)
        from .sweep_cell import prepare_sweep

        return prepare_sweep(parse_sweep_line(line), body, names, hidden, folder)

    def _begin(self, prepared: PreparedSweep, channel: Channel) -> tuple[SweepRun | None, SweepJob | None]:
        """A sweep that is to be waited for; or the cell's value."""
        from .sweep_dry_run import sweep_dry_run
        from .sweep_job import SweepJob
        from .sweep_run import SweepRun

        shell, options = self._shell, prepared.options
        if options.dry_run:
            LocalChannel().display(sweep_dry_run(prepared))
            return None, None
        watched = getattr(shell, "kernel", None) is not None or sys.stderr.isatty()
        if options.background:
            channel = channel_for(shell)
        run = SweepRun(prepared, channel, replaces=replaces_displays(shell), watched=watched)
        shell.user_ns[options.into or "grid"] = run.grid  # now: partial results, also after an interrupt
        if options.background:
            job = SweepJob(run, self._session.thread.start(run.run(self._session)))
            self._session.sweeps[run.id] = job
            return None, job
        return run, None


def _interrupted(run: SweepRun, *, told: bool) -> JobCancelledError:
    state = "its jobs are cancelled" if told else "nobody waited for its end, and the cancels are still on their way"
    return JobCancelledError(f"the sweep was interrupted; {state}", hint=run.hint())
