"""The magics, and what ties them to a shell."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..languages import Display
from ..wire import CellOptionError
from .again import decide
from .background import start_background
from .caller import caller_of
from .channels import LocalChannel, QueueChannel, channel_for, replaces_displays
from .dry_run import dry_run_display
from .everest_magic import EVEREST_HELP, EverestMagic
from .finish import finish, keep
from .interrupt import interrupted, pump_until_told, until_told, wake_at_signals
from .job_magics import register_job_magics, unregister_job_magics
from .job_options import check_job_id, parse_job_ids
from .job_output import save_output, show_output
from .job_source import AlreadyRunningError, ExistingJob, Submission
from .lyapunov_options import LYAPUNOV_HELP
from .namespace import mark_result, values_setter
from .options import HELP, parse_remote_line
from .outcome import Outcome
from .prepare import prepare
from .reminder import Reminder
from .remote_run import RemoteRun
from .route_magic import add_route_magics, remove_route_magics, routing_of
from .session import shared_session
from .sweep_magic import SWEEP_MARK, SweepMagic
from .sweep_options import SWEEP_HELP
from .transform import ENTRY, CellTransformer

if TYPE_CHECKING:
    from .channels import Channel
    from .job_source import JobSource
    from .options import RemoteOptions
    from .remote_job import RemoteJob

__all__ = ["Everest", "load", "unload"]


class Everest:
    """The magics of one shell. Each is a thin face of the modules beside this one."""

    def __init__(self, shell: Any) -> None:
        self.shell = shell
        self.session = shared_session()
        self.routing = routing_of(shell)
        self.transformer = CellTransformer(self.routing, shell)
        self.reminder = Reminder(shell, self.session)
        self.sweeps = SweepMagic(shell, self.session)

    async def run_cell(self, magic: str, line: str, body: str) -> Any:
        """What a rewritten cell awaits: the kernel's loop stays free meanwhile."""
        wake_at_signals()
        if magic in ("sweep", "lyapunov"):
            return await self.sweeps.run_cell(magic, line, body)
        if magic == "attach" and line.startswith(SWEEP_MARK):
            return await self.sweeps.find(line.strip())
        begun = self._begin(magic, line, body, channel_for(self.shell))
        if not isinstance(begun, RemoteRun):
            return begun
        while True:
            running = self.session.thread.start(begun.run(self.session))
            over = asyncio.wrap_future(running.over)
            try:
                await asyncio.shield(over)
            except AlreadyRunningError as found:
                decide(begun.source, found, self.shell)
                continue
            except asyncio.CancelledError:
                running.cancel()
                raise interrupted(begun, told=await until_told(over)) from None
            return self._finish(begun, over.result())

    def remote(self, line: str, cell: str) -> Any:
        """The ordinary magic, for use inside `%%time` and `%%capture`: waits on this thread."""
        return self._run_here("remote", line, cell)

    def attach(self, line: str) -> Any:
        """Follow a job that was submitted earlier, by this kernel or another one.

        %attach JOB     show all that it has written from its beginning, go on until it ends, and set its values

        Interrupting this cancels the job. `everest_kernel.job("JOB")` follows it in the background instead; `%jobs`
        lists the jobs that there are.

        Example: %attach 65f0c1d2e3a4b5c6d7e8f901
        """
        if line.startswith(SWEEP_MARK):
            return self.sweeps.find(line.strip()).result()
        return self._run_here("attach", line, "")

    def _run_here(self, magic: str, line: str, cell: str) -> Any:
        channel, local = QueueChannel(), LocalChannel()
        begun = self._begin(magic, line, cell, channel)
        if not isinstance(begun, RemoteRun):
            return begun
        while True:
            running = self.session.thread.start(begun.run(self.session))
            running.over.add_done_callback(lambda _: channel.close())
            try:
                channel.pump(local)
                outcome = running.over.result()
            except AlreadyRunningError as found:
                decide(begun.source, found, self.shell)
                continue
            except KeyboardInterrupt:
                running.cancel()
                told = pump_until_told(channel, local)
                if not told:
                    begun.redirect(channel_for(self.shell))  # nobody pumps any more
                raise interrupted(begun, told=told) from None
            begun.redirect(local)
            return self._finish(begun, outcome)

    def _begin(self, magic: str, line: str, body: str, channel: Channel) -> Any:
        """What the cell is to wait for, when that is anything; else its value."""
        if magic == "attach":
            (job_id,) = parse_job_ids(line, "attach", most=1)
            source: JobSource = ExistingJob(job_id, self.session.memory, "", Path.cwd())
            return self._run_for(source, channel)
        options = parse_remote_line(line)
        prepared = prepare(options, body, self.shell.user_ns, self.shell.user_ns_hidden, Path.cwd())
        if options.dry_run:
            LocalChannel().display(dry_run_display(prepared))
            return None
        source = Submission(
            prepared, self.session.memory, caller_of(self.shell), fresh=options.fresh, running=options.running
        )
        return self._start(source, options) if options.background else self._run_for(source, channel)

    def _start(self, source: JobSource, options: RemoteOptions) -> RemoteJob:
        """Start a background job; its output goes to this cell, whatever runs later."""
        setter = values_setter(self.shell) if options.set_values else None
        channel = channel_for(self.shell)
        job = start_background(self.session, source, channel, Path.cwd(), set_values=setter, reports=True)
        if options.into:
            self.shell.user_ns[options.into] = job
        return job

    def log(self, line: str) -> None:
        """Show the whole output of a job (of one that runs, what it has written until now), or save it to files.

        %log JOB            show its standard output and standard error
        %log JOB --save DIR    write them to DIR/stdout and DIR/stderr

        Example: %log 65f0c1d2e3a4b5c6d7e8f901 --save out
        """
        words = line.split()
        if len(words) not in (1, 3) or (len(words) == 3 and words[1] != "--save"):
            raise CellOptionError("write %log JOB, or %log JOB --save DIR")
        check_job_id(words[0])
        folder = Path(words[2]) if len(words) == 3 else None
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        self.session.thread.run(self._log(words[0], folder, channel_for(self.shell)))

    async def _log(self, job_id: str, folder: Path | None, channel: Channel) -> None:
        client = await self.session.client_of_job(job_id)
        if folder is None:
            if not await show_output(client, job_id, channel):
                channel.text("stderr", "There is no output (a real Everest gives it when the job has ended).\n")
            return
        for path in await save_output(client, job_id, folder):
            channel.text("stdout", f"{path}\n")

    def _run_for(self, source: JobSource, channel: Channel) -> RemoteRun:
        watched = getattr(self.shell, "kernel", None) is not None or sys.stderr.isatty()
        replaces = replaces_displays(self.shell)
        return RemoteRun(source, channel, os.urandom(8).hex(), replaces=replaces, watched=watched)

    def _finish(self, run: RemoteRun, outcome: Outcome) -> Any:
        back = finish(run, outcome, self.shell.user_ns, Path.cwd())
        keep(run, outcome, self.session.memory)
        mark_result(self.shell, run.provenance())
        if back.display is not None:
            return _Shown(back.display)
        return back.last


class _Shown:
    """A last value that stayed on the resource, in the forms in which it was shown there."""

    def __init__(self, display: Display) -> None:
        self._display = display

    def __repr__(self) -> str:
        return str(self._display.data.get("text/plain", "<a value on the resource>"))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict[str, Any], dict[str, Any]]:
        return self._display.data, self._display.metadata


_MAGICS = (
    *(("cell", "remote"), ("cell", "sweep")),
    *(("line", "log"), ("line", "attach"), ("line", "everest"), ("line", "lyapunov")),
)


def load(shell: Any) -> Everest:
    """Give a shell the magics."""
    everest = Everest(shell)
    connection = EverestMagic(shell, everest.session)
    everest.remote.__func__.__doc__ = HELP  # type: ignore[attr-defined]
    everest.sweeps.sweep.__func__.__doc__ = SWEEP_HELP  # type: ignore[attr-defined]
    everest.sweeps.lyapunov.__func__.__doc__ = LYAPUNOV_HELP  # type: ignore[attr-defined]
    connection.everest.__func__.__doc__ = EVEREST_HELP  # type: ignore[attr-defined]
    shell.register_magic_function(everest.remote, "cell", "remote")
    shell.register_magic_function(everest.sweeps.sweep, "cell", "sweep")
    shell.register_magic_function(everest.sweeps.lyapunov, "line", "lyapunov")
    shell.register_magic_function(everest.log, "line", "log")
    shell.register_magic_function(everest.attach, "line", "attach")
    shell.register_magic_function(connection.everest, "line", "everest")
    register_job_magics(shell, everest.session)
    shell.input_transformers_cleanup.append(everest.transformer)
    shell.events.register("pre_execute", everest.transformer.enter)
    shell.events.register("post_execute", everest.transformer.leave)
    shell.events.register("pre_run_cell", everest.reminder.first_cell)
    object.__setattr__(shell, ENTRY, everest.run_cell)
    add_route_magics(shell, everest.routing)
    return everest


def unload(shell: Any, everest: Everest) -> None:
    """Take them away again."""
    for kind, name in _MAGICS:
        shell.magics_manager.magics[kind].pop(name, None)
    unregister_job_magics(shell)
    shell.input_transformers_cleanup.remove(everest.transformer)
    shell.events.unregister("pre_execute", everest.transformer.enter)
    shell.events.unregister("post_execute", everest.transformer.leave)
    shell.events.unregister("pre_run_cell", everest.reminder.first_cell)
    delattr(shell, ENTRY)
    remove_route_magics(shell)
    everest.session.close()
