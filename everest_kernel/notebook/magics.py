"""The magics, and what ties them to a shell."""

from __future__ import annotations

import asyncio
import codecs
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..languages import Display
from ..wire import CellOptionError, EverestError
from .channels import LocalChannel, QueueChannel, channel_for
from .dry_run import dry_run_display
from .everest_magic import EVEREST_HELP, EverestMagic
from .interrupt import interrupted, pump_until_told, until_told, wake_at_signals
from .job_magics import register_job_magics, unregister_job_magics
from .options import HELP, parse_remote_line
from .remote_cell import Outcome, Prepared, RemoteRun, finish, prepare
from .session import shared_session
from .transform import ENTRY, CellTransformer

if TYPE_CHECKING:
    from ..client import EverestClient
    from .channels import Channel

__all__ = ["Everest", "load", "unload"]


class Everest:
    """The magics of one shell. Each is a thin face of the modules beside this one."""

    def __init__(self, shell: Any) -> None:
        self.shell = shell
        self.session = shared_session()
        self.transformer = CellTransformer()

    async def run_cell(self, magic: str, line: str, body: str) -> Any:
        """What a rewritten cell awaits: the kernel's loop stays free meanwhile."""
        wake_at_signals()
        prepared = self._prepare(line, body)
        if prepared.options.dry_run:
            return LocalChannel().display(dry_run_display(prepared))
        run = self._run_for(prepared, channel_for(self.shell))
        running = self.session.thread.start(self._send(run))
        outcome = asyncio.wrap_future(running.over)
        try:
            await asyncio.shield(outcome)
        except asyncio.CancelledError:
            running.cancel()
            raise interrupted(run, told=await until_told(outcome)) from None
        return self._finish(run, outcome.result())

    def remote(self, line: str, cell: str) -> Any:
        """The ordinary magic, for use inside `%%time` and `%%capture`: waits on this thread."""
        prepared = self._prepare(line, cell)
        if prepared.options.dry_run:
            return LocalChannel().display(dry_run_display(prepared))
        channel, local = QueueChannel(), LocalChannel()
        run = self._run_for(prepared, channel)
        running = self.session.thread.start(self._send(run))
        running.over.add_done_callback(lambda _: channel.close())
        try:
            channel.pump(local)
            outcome = running.over.result()
        except KeyboardInterrupt:
            running.cancel()
            told = pump_until_told(channel, local)
            if not told:
                run.channel = channel_for(self.shell)  # nobody pumps any more
            raise interrupted(run, told=told) from None
        run.channel = local
        return self._finish(run, outcome)

    def log(self, line: str) -> None:
        """Show the whole output of a job, or save it to files.

        %log JOB            show its standard output and standard error
        %log JOB --save DIR    write them to DIR/stdout and DIR/stderr

        Example: %log 65f0c1d2e3a4b5c6d7e8f901 --save out
        """
        words = line.split()
        if len(words) not in (1, 3) or (len(words) == 3 and words[1] != "--save"):
            raise CellOptionError("write %log JOB, or %log JOB --save DIR")
        folder = Path(words[2]) if len(words) == 3 else None
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        self.session.thread.run(self._log(words[0], folder, channel_for(self.shell)))

    async def _log(self, job_id: str, folder: Path | None, channel: Channel) -> None:
        client = await self.session.client_of_job(job_id)
        job = await client.job(job_id)
        for stream in ("stdout", "stderr"):
            value = job.result.get(stream)
            if not isinstance(value, str):
                continue
            if folder is None:
                await _show_stream(client, value, stream, channel)
                continue
            await _save_stream(client, value, folder / stream)
            channel.text("stdout", f"{folder / stream}\n")

    def _prepare(self, line: str, body: str) -> Prepared:
        return prepare(parse_remote_line(line), body, self.shell.user_ns, self.shell.user_ns_hidden, Path.cwd())

    def _run_for(self, prepared: Prepared, channel: Channel) -> RemoteRun:
        return RemoteRun(prepared, channel, os.urandom(8).hex(), replaces=_replaces_displays(self.shell))

    async def _send(self, run: RemoteRun) -> Outcome:
        """On the client's thread. An interrupt arrives here as a cancellation and becomes a cancel of the job."""
        client = await self.session.client(run.prepared.route.server)
        try:
            return await run.run(client)
        except asyncio.CancelledError:
            run.end("cancelled" if run.is_cancelled else "interrupted")
            raise
        except EverestError:
            run.end("failed")
            raise
        finally:
            self.session.note_job(run.job_id, run.prepared.route.server)

    def _finish(self, run: RemoteRun, outcome: Outcome) -> Any:
        back = finish(run, outcome, self.shell.user_ns, Path.cwd())
        if back.display is not None:
            return _Shown(back.display)
        return back.last


async def _show_stream(client: EverestClient, value: str, stream: str, channel: Channel) -> None:
    """Show an output: a file, in pieces, or a text that the server gives as it is."""
    from ..client import is_file_uri

    decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def show(text: str) -> None:
        if text:  # a stream message without text is against the protocol
            channel.text(stream, text)

    if not is_file_uri(value):
        show(value)
        return
    async with client.stream(value) as blocks:
        async for block in blocks:
            show(decoder.decode(block))
    show(decoder.decode(b"", final=True))


async def _save_stream(client: EverestClient, value: str, target: Path) -> None:
    from ..client import is_file_uri

    if is_file_uri(value):
        await client.download_to(value, target)
    else:
        target.write_text(value, "utf-8")


class _Shown:
    """A last value that stayed on the resource, in the forms in which it was shown there."""

    def __init__(self, display: Display) -> None:
        self._display = display

    def __repr__(self) -> str:
        return str(self._display.data.get("text/plain", "<a value on the resource>"))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict[str, Any], dict[str, Any]]:
        return self._display.data, self._display.metadata


def _replaces_displays(shell: Any) -> bool:
    """Whether the front end replaces displays, as notebooks and what executes them do.

    Consoles do not. They name no cell, which notebooks do, and can be asked questions, which nbclient cannot.
    """
    kernel = getattr(shell, "kernel", None)
    if kernel is None:
        return False
    parent = kernel.get_parent("shell") or {}
    named = (parent.get("metadata") or {}).get("cellId")
    return bool(named) or not (parent.get("content") or {}).get("allow_stdin")


def load(shell: Any) -> Everest:
    """Give a shell the magics."""
    everest = Everest(shell)
    connection = EverestMagic(shell, everest.session)
    everest.remote.__func__.__doc__ = HELP  # type: ignore[attr-defined]
    connection.everest.__func__.__doc__ = EVEREST_HELP  # type: ignore[attr-defined]
    shell.register_magic_function(everest.remote, "cell", "remote")
    shell.register_magic_function(everest.log, "line", "log")
    shell.register_magic_function(connection.everest, "line", "everest")
    register_job_magics(shell, everest.session)
    shell.input_transformers_cleanup.append(everest.transformer)
    shell.events.register("pre_execute", everest.transformer.enter)
    shell.events.register("post_execute", everest.transformer.leave)
    object.__setattr__(shell, ENTRY, everest.run_cell)
    return everest


def unload(shell: Any, everest: Everest) -> None:
    """Take them away again."""
    for kind, name in (("cell", "remote"), ("line", "log"), ("line", "everest")):
        shell.magics_manager.magics[kind].pop(name, None)
    unregister_job_magics(shell)
    shell.input_transformers_cleanup.remove(everest.transformer)
    shell.events.unregister("pre_execute", everest.transformer.enter)
    shell.events.unregister("post_execute", everest.transformer.leave)
    delattr(shell, ENTRY)
    everest.session.close()
