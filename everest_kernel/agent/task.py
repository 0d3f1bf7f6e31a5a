"""One task at the agent: staged in, run, staged out, reported."""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import anyio
import msgspec

from ..wire import ProtocolError, StagedFile, TaskInfo, TaskState, TaskSubmit
from .handlers import Ending, Handler, Launch, LocalHandler, Program
from .marked import TASK_VARIABLE
from .output import Output
from .staging import Stager, StagingError, present
from .task_socket import TaskSocket

__all__ = ["AgentTask", "TaskRules"]

STREAMS = ("stdout", "stderr")
_MOST_MESSAGES = 100
"""Messages of a task that wait for the connection; after that the task's own sending waits."""
_WITHHELD = ("EVEREST_TOKEN", "EVEREST_AGENT_TOKEN", "EVEREST_AGENT_CLIENT_TOKEN", "JUPYTERHUB_", "JPY_")
"""Variables of the agent's own environment that no task may see."""


def own_environment() -> dict[str, str]:
    """The agent's own environment, less what no task may see."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_WITHHELD)}


@dataclass(frozen=True)
class TaskRules:
    """What holds for all tasks of a controller.

    Attributes:
        allowed: one must match the whole command line; None admits all.
        files: server-relative address below which the agent itself serves outputs; empty when it does not.
        socket: the task socket, when it is open.
        environment: the agent's own, less what no task may see.
        handler: starts their programs.
    """

    allowed: tuple[re.Pattern[str], ...] | None = None
    files: str = ""
    socket: TaskSocket | None = None
    environment: Mapping[str, str] = field(default_factory=own_environment, repr=False)
    handler: Handler = field(default_factory=LocalHandler)


class AgentTask:
    """A task that the agent knows, until the server lets it forget.

    Args:
        submit: the message that brought it.
        directory: its own folder, in which the program works; long output is kept beside it.
        changed: called when there is something new to send.
        rules: what it may do.

    Attributes:
        reports: every state it has reached, with its info, in order.
        outputs: what it has written.
        messages: what it said to the server over the task socket.
        served: its output files by path, where the agent itself serves them.
        stream: whether its output is wanted while it runs.
    """

    def __init__(
        self,
        submit: TaskSubmit,
        directory: Path,
        changed: Callable[[AgentTask], None],
        rules: TaskRules | None = None,
    ) -> None:
        self.id = submit.task_id
        self.stream = submit.context.stream
        self.served: dict[str, Path] = {}
        self._tell, self.messages = anyio.create_memory_object_stream[str](_MOST_MESSAGES)
        self._rules = rules or TaskRules()
        self._deliver: Callable[[str], None] | None = None
        self.reports: list[tuple[str, TaskInfo]] = []
        self.outputs = {name: Output(directory.with_name(f"{directory.name}.{name}")) for name in STREAMS}
        self.ended = anyio.Event()
        self._spec = submit.spec
        self._context = submit.context
        self._directory = directory
        self._changed = changed
        self._scope = anyio.CancelScope()

    @property
    def finished(self) -> bool:
        """Whether its processes are gone and its final state is reported."""
        return self.ended.is_set()

    @property
    def state(self) -> str:
        """The last state that was reached, or empty."""
        return self.reports[-1][0] if self.reports else ""

    def cancel(self) -> None:
        """End it; it reports CANCELED, or whatever final state it has reached."""
        self._scope.cancel()

    async def run(self, stager: Stager, slots: anyio.Semaphore) -> None:
        """Do all of it. Cancelling this coroutine ends the task without a report."""
        end = (TaskState.CANCELED, TaskInfo(message="cancelled"))
        try:
            with self._scope:
                async with slots:
                    end = await self._attempt(stager)
        finally:
            self.ended.set()
        state, info = end
        lengths = {name: output.length for name, output in self.outputs.items()}
        self._report(state, msgspec.structs.replace(info, streams=lengths if self.stream else {}))

    def hear(self, text: str) -> None:
        """The server says something to the program; nobody listens unless it is connected to the task socket."""
        if self._deliver is not None:
            self._deliver(text)

    async def tell(self, text: str) -> None:
        """The program says something to the server."""
        await self._tell.send(text)
        self._changed(self)

    def remove(self) -> None:
        """Forget its files."""
        self._tell.close()
        self.messages.close()
        for output in self.outputs.values():
            output.remove()
        try:
            self._directory.rmdir()  # most tasks of a sweep leave nothing
        except OSError:
            shutil.rmtree(self._directory, ignore_errors=True)

    async def _attempt(self, stager: Stager) -> tuple[TaskState, TaskInfo]:
        if not self._allowed():
            message = f"the command {self._spec.command!r} is not one that this resource allows"
            return TaskState.FAILED, TaskInfo(reason="start", message=message)
        try:
            self._directory.mkdir(mode=0o700)
            await stager.fetch(self._spec.input_data, self._directory)
        except (StagingError, OSError) as error:
            return TaskState.FAILED, TaskInfo(reason="staging", message=str(error))
        try:
            program = await self._rules.handler.start(self._launch())
        except FileNotFoundError as error:
            return TaskState.FAILED, TaskInfo(reason="start", message=str(error))
        except (OSError, ValueError) as error:
            message = f"the command {self._spec.command!r} cannot be started: {error}"
            return TaskState.FAILED, TaskInfo(reason="start", message=message)
        try:
            ending = await self._talk_and_wait(program)
        finally:
            program.close()
        end = self._verdict(ending)
        self._report(TaskState.COMPLETED, TaskInfo(exit_code=end[1].exit_code))
        return await self._stage_out(stager, end)

    def _launch(self) -> Launch:
        words = shlex.split(self._spec.command)
        if not words:
            raise ValueError("the command is empty")
        own = self._rules.environment
        added = {name: _expand(value, own) for name, value in self._spec.environment.items()}
        # the mark is the directory's name: two controllers may choose the same task id
        added |= {**self._socket_variables(), TASK_VARIABLE: self._directory.name}
        return Launch(
            task=self._directory.name,
            command=self._spec.command,
            words=words,
            directory=self._directory,
            environment={**own, **added},
            added=added,
            on_output=self._on_output,
            time_limit=self._spec.time_limit,
            requirements=self._spec.resource_requirements,
        )

    def _allowed(self) -> bool:
        allowed = self._rules.allowed
        return allowed is None or any(pattern.fullmatch(self._spec.command) for pattern in allowed)

    def _socket_variables(self) -> dict[str, str]:
        """What Everest's programs look for to find the task socket."""
        socket = self._rules.socket
        if socket is None or socket.port is None:
            return {}
        return {
            "EVEREST_AGENT_ADDRESS": "127.0.0.1",
            "EVEREST_AGENT_PORT": str(socket.port),
            "EVEREST_AGENT_TASK_ID": self.id,
        }

    async def _talk_and_wait(self, program: Program) -> Ending:
        socket = self._rules.socket
        if socket is None:
            return await self._wait(program)
        async with socket.admit(self.id, self.tell) as entry:
            self._deliver = lambda text: socket.deliver(entry, text)
            return await self._wait(program)

    async def _wait(self, program: Program) -> Ending:
        """Wait for the end, and bring it about at the time limit and when the task is cancelled."""
        limit, ending = self._spec.time_limit, None
        try:
            await program.started()
            self._report(TaskState.RUNNING, TaskInfo())
            with anyio.move_on_after(limit):
                ending = await program.wait()
        finally:
            if ending is None:
                with anyio.CancelScope(shield=True):
                    await program.kill()
                    await program.wait()
        return ending or Ending(None, "time-limit", f"it was killed at its time limit of {limit:g} s")

    def _verdict(self, ending: Ending) -> tuple[TaskState, TaskInfo]:
        status = ending.status
        if status is None:
            return TaskState.FAILED, TaskInfo(reason=ending.reason, message=ending.message)
        if status < 0:
            message = f"the program was killed by {_signal_name(-status)}"
            return TaskState.FAILED, TaskInfo(reason="signal", message=message)
        if status > 0:
            message = f"the program ended with exit code {status}"
            return TaskState.FAILED, TaskInfo(reason="exit", message=message, exit_code=status)
        return TaskState.DONE, TaskInfo(exit_code=0)

    async def _stage_out(self, stager: Stager, end: tuple[TaskState, TaskInfo]) -> tuple[TaskState, TaskInfo]:
        paths = [path for group in self._spec.output_data for path in group.paths]
        try:
            asked = [path for path in paths if not (self.stream and path in STREAMS)]
            if self._rules.files and not self._context.upload_uri:
                self.served = {path: self.outputs[path].save() for path in asked if path in STREAMS}
                self.served |= present([path for path in asked if path not in STREAMS], self._directory)
                staged = tuple(
                    StagedFile(path, f"{self._rules.files}/{quote(self.id, safe='')}/{quote(path)}")
                    for path in self.served
                )
            else:
                streams = {path: self.outputs[path] for path in asked if path in STREAMS}
                staged = await stager.deliver(asked, streams, self._directory, self._context)
        except (StagingError, ProtocolError, OSError) as error:
            failed = TaskInfo(reason="staging", message=str(error), exit_code=end[1].exit_code)
            return (TaskState.FAILED, failed) if end[0] is TaskState.DONE else end
        self._report(TaskState.STAGED_OUT, TaskInfo(output_data=staged))
        return end

    def _on_output(self, stream: str, data: bytes) -> None:
        self.outputs[stream].append(data)
        self._changed(self)

    def _report(self, state: TaskState, info: TaskInfo) -> None:
        self.reports.append((state.value, info))
        self._changed(self)


def _expand(value: str, own: Mapping[str, str]) -> str:
    """`$VAR` is the agent's own variable, `@PATH_SEP` the separator of its paths."""
    parts = value.replace("@PATH_SEP", os.pathsep).split("$")
    out = parts[0]
    for part in parts[1:]:
        name = part[: next((i for i, c in enumerate(part) if not (c.isalnum() or c == "_")), len(part))]
        out += (own.get(name, "") if name else "$") + part[len(name) :]
    return out


def _signal_name(number: int) -> str:
    import signal

    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
