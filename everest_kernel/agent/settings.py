"""How an agent runs."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from .handlers import Handler, LocalHandler

__all__ = ["AgentSettings", "PassiveSettings"]


@dataclass(frozen=True)
class PassiveSettings:
    """The door through which controllers dial in.

    Attributes:
        tokens: any of them opens the door.
        port: 0 for any free one.
        keep: seconds that a finished task and its files stay, because an Everest controller never deletes them.
    """

    tokens: tuple[str, ...] = field(repr=False)
    port: int = 8891
    host: str = "127.0.0.1"
    keep: float = 86_400.0


@dataclass(frozen=True)
class AgentSettings:
    """Where an agent dials in or listens, and what it offers.

    Attributes:
        server_uri: `ws://` or `wss://` address of the server's gateway; empty for an agent that does not dial.
        token: the agent token that came with the resource.
        name: of the resource, for people.
        slots: tasks that the handler has at once; None for as many as it takes.
        tasks_dir: folder in which each task gets a folder; whatever is in it is removed at the start.
        reconnect: shortest and longest pause in seconds between attempts to connect.
        passive: how to listen; None for an agent that only dials.
        allowed_commands: a task runs only if one of them matches its whole command line; None admits all.
        task_port: loopback port of the task socket, 0 for any free one; None for no socket.
        ping: seconds between keep-alive pings, and how long the answer may take.
        handler: starts the programs of tasks.
    """

    server_uri: str
    token: str = field(repr=False)
    name: str
    tasks_dir: Path
    slots: int | None = None
    reconnect: tuple[float, float] = (0.2, 30.0)
    passive: PassiveSettings | None = None
    allowed_commands: tuple[re.Pattern[str], ...] | None = None
    task_port: int | None = 0
    ping: tuple[float, float] = (20.0, 20.0)
    handler: Handler = field(default_factory=LocalHandler)

    @property
    def slot_count(self) -> int:
        """Tasks that the handler has at once."""
        return self.handler.slots if self.slots is None else self.slots
