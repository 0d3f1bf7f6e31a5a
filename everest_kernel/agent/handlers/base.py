"""What starts the programs of tasks: one interface for this machine and for the engines that an agent stands before."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

__all__ = ["Ending", "Handler", "Launch", "Program"]


@dataclass(frozen=True)
class Launch:
    """A program to start.

    Attributes:
        task: names the task to people and in the engine's own lists; unique at this agent.
        command: the command line, for messages.
        words: program and arguments; no shell is involved.
        directory: its working directory, with its inputs in it.
        environment: complete, for a program on this machine.
        added: the part of `environment` that belongs to the task, for a program elsewhere.
        on_output: called on the event loop with `stdout` or `stderr` and bytes, as they come.
        time_limit: seconds of wall time once it runs; None for no limit. The task ends a program that outstays it;
            an engine that wants to know beforehand is told here.
        requirements: the task's `resourceRequirements`, with the options of its route.
    """

    task: str
    command: str
    words: list[str]
    directory: Path
    environment: Mapping[str, str] = field(repr=False)
    added: Mapping[str, str] = field(repr=False)
    on_output: Callable[[str, bytes], None]
    time_limit: float | None = None
    requirements: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Ending:
    """How a program ended.

    Attributes:
        status: exit status, negative for a signal; None when something else ended it.
        reason: one word for programs, where there is no status (`node-failed`, `preempted`, `time-limit`).
        message: the same for people.
    """

    status: int | None
    reason: str = ""
    message: str = ""


class Program(Protocol):
    """A program that a handler has taken."""

    async def started(self) -> None:
        """Wait until it runs, or has ended; an engine may let it queue before."""

    async def wait(self) -> Ending:
        """Wait for its end and for all its output."""

    async def kill(self) -> None:
        """End it and all that it started, wherever it is; safe to call at any time, returns when it is gone."""

    def close(self) -> None:
        """Let go of what the handler holds for it. It has ended."""


class Handler(Protocol):
    """Starts programs.

    Attributes:
        name: `resource.taskHandler.type` of an agent's configuration.
        slots: how many programs it takes at once if nobody says otherwise.
    """

    name: str
    slots: int

    def serve(self) -> AbstractAsyncContextManager[None]:
        """What surrounds all its work: its connection to the engine.

        Raises:
            ConfigurationError: the engine is not there.
        """

    async def start(self, launch: Launch) -> Program:
        """Start a program, or give it to the engine. Cancelling this leaves nothing behind.

        Raises:
            OSError: it cannot be started, or the engine refuses it; the message says why.
            ValueError: there is something wrong with the launch itself.
        """
