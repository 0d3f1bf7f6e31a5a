"""Programs on this machine: each started in a session of its own, read as it writes, ended with all its descendants.

`subprocess.Popen` with readers on the event loop, rather than asyncio's subprocesses, because it starts a process by
vfork; on pipes of our own, because it would wrap each in a file object, and a sweep starts thousands. The end is seen
on a pidfd where the system has them, else by a waiting thread.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from functools import lru_cache
from pathlib import Path

import anyio

from ..marked import TASK_VARIABLE, kill_marked
from .base import Ending, Launch

__all__ = ["LocalHandler", "TaskProcess", "cores"]

_READ = 65_536
_TERM_SECONDS = 0.2
"""What a cancelled process gets to clean up before it is killed."""
_EOF_SECONDS = 0.2


def cores() -> int:
    """Processors that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


class LocalHandler:
    """Starts programs on this machine."""

    name = "local"

    def __init__(self) -> None:
        self.slots = cores()

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[None]:
        """Nothing surrounds a process."""
        yield

    async def start(self, launch: Launch) -> TaskProcess:
        """Start a process.

        Raises:
            OSError: it cannot be started.
        """
        words = [_find_program(launch.words[0], launch.environment.get("PATH")) or launch.words[0], *launch.words[1:]]
        try:
            return TaskProcess(words, launch.directory, launch.environment, launch.on_output)
        except FileNotFoundError as error:
            raise FileNotFoundError(f"there is no program {launch.words[0]!r} on this resource") from error


@lru_cache(maxsize=64)
def _which(name: str, path: str | None) -> str | None:
    return shutil.which(name, path=path)


def _find_program(name: str, path: str | None) -> str | None:
    """Where a program is: looked up once, and again when it is no longer there."""
    found = _which(name, path)
    if found is None or not os.access(found, os.X_OK):
        _which.cache_clear()
        found = _which(name, path)
    return found


class TaskProcess:
    """A started process.

    Args:
        words: program and arguments; no shell is involved.
        directory: its working directory.
        environment: complete.
        on_output: called with `stdout` or `stderr` and bytes, as they come.

    Raises:
        OSError: the program cannot be started.
    """

    def __init__(
        self,
        words: list[str],
        directory: Path,
        environment: Mapping[str, str],
        on_output: Callable[[str, bytes], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._mark = environment[TASK_VARIABLE]
        self._on_output = on_output
        self._open: dict[int, str] = {}
        self._process = self._start(words, directory, environment)
        self._eof = asyncio.Event()
        self._exited = asyncio.Event()
        self._pidfd = -1
        for descriptor in self._open:
            self._loop.add_reader(descriptor, self._readable, descriptor)
        self._watch_exit()

    def _start(self, words: list[str], directory: Path, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
        (out, out_end), (err, err_end) = os.pipe(), os.pipe()
        try:
            process = subprocess.Popen(
                words,
                cwd=directory,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=out_end,
                stderr=err_end,
                start_new_session=True,
            )
        except BaseException:
            os.close(out)
            os.close(err)
            raise
        finally:
            os.close(out_end)
            os.close(err_end)
        for descriptor, name in ((out, "stdout"), (err, "stderr")):
            os.set_blocking(descriptor, False)
            self._open[descriptor] = name
        return process

    @property
    def pid(self) -> int:
        """Process id, which is also that of its group."""
        return self._process.pid

    async def started(self) -> None:
        """It runs already."""

    async def wait(self) -> Ending:
        """Wait for the end and for all output.

        Children that are left in the process group are killed: a task's output is complete when it is over.
        """
        await self._exited.wait()
        self._signal_group(signal.SIGKILL)  # before the zombie is reaped, so that its id is still ours
        status = self._process.wait()
        if not self._eof.is_set():
            with anyio.move_on_after(_EOF_SECONDS):
                await self._eof.wait()
        if not self._eof.is_set():  # somebody outside the group holds a pipe
            await asyncio.to_thread(kill_marked, self._mark)
            with anyio.move_on_after(_EOF_SECONDS):
                await self._eof.wait()
        return Ending(status)

    async def kill(self) -> None:
        """End the process and all its descendants, gently for a moment; safe to call at any time."""
        if not self._exited.is_set():
            self._signal_group(signal.SIGTERM)
            with anyio.move_on_after(_TERM_SECONDS):
                await self._exited.wait()
        self._signal_group(signal.SIGKILL)
        await asyncio.to_thread(kill_marked, self._mark)
        await self._exited.wait()
        self._process.wait()

    def close(self) -> None:
        """Let go of the pipes. The process must have ended."""
        for descriptor in list(self._open):
            self._forget(descriptor)
        if self._pidfd >= 0:
            self._loop.remove_reader(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = -1

    def _signal_group(self, number: signal.Signals) -> None:
        if self._process.returncode is not None:
            return  # reaped: the group's id may be another's by now
        with suppress(ProcessLookupError, PermissionError):  # nobody is left; macOS says so by EPERM
            os.killpg(self._process.pid, number)

    def _readable(self, descriptor: int) -> None:
        try:
            data = os.read(descriptor, _READ)
        except BlockingIOError:
            return
        if data:
            self._on_output(self._open[descriptor], data)
        else:
            self._forget(descriptor)

    def _forget(self, descriptor: int) -> None:
        del self._open[descriptor]
        self._loop.remove_reader(descriptor)
        os.close(descriptor)
        if not self._open:
            self._eof.set()

    def _watch_exit(self) -> None:
        if hasattr(os, "pidfd_open"):
            self._pidfd = os.pidfd_open(self._process.pid)
            self._loop.add_reader(self._pidfd, self._on_exit)
        else:
            waiting = self._loop.run_in_executor(None, self._process.wait)
            waiting.add_done_callback(lambda _: self._exited.set())

    def _on_exit(self) -> None:
        self._loop.remove_reader(self._pidfd)
        self._exited.set()
