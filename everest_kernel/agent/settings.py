"""How an agent runs."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["AgentSettings"]


def _cores() -> int:
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


@dataclass(frozen=True)
class AgentSettings:
    """Where an agent dials in, and what it offers.

    Attributes:
        server_uri: `ws://` or `wss://` address of the server's gateway.
        token: the agent token that came with the resource.
        name: of the resource, for people.
        slots: tasks that run at once; None for one a core.
        tasks_dir: folder in which each task gets a folder.
        reconnect: shortest and longest pause in seconds between attempts to connect.
    """

    server_uri: str
    token: str = field(repr=False)
    name: str
    tasks_dir: Path
    slots: int | None = None
    reconnect: tuple[float, float] = (0.2, 30.0)

    @property
    def slot_count(self) -> int:
        """Tasks that run at once."""
        return _cores() if self.slots is None else self.slots
