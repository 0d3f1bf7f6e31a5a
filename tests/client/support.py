"""A client of a hub: in memory, and on loopback with a true agent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from everest_kernel.agent import Agent, AgentSettings
from everest_kernel.client import EverestClient, LogLine, Server
from everest_kernel.hub import Hub
from everest_kernel.wire import (
    AGENT_PATH,
    Application,
    ApplicationConfig,
    InputMapping,
    Job,
    OutputMapping,
    Parameter,
    file_list_parameter,
    file_parameter,
)
from tests.hub.support import memory_hub, served_hub

SHELL = Application(
    alias="sh",
    name="sh",
    inputs={"program": Parameter(), "files": file_list_parameter("Files", required=False)},
    outputs={
        "out": file_parameter("Out", required=False),
        "stdout": file_parameter("Standard output", required=False),
        "stderr": file_parameter("Standard error", required=False),
    },
    config=ApplicationConfig(
        command="sh program.sh",
        input_mappings=(InputMapping("program", "program.sh"),),
        output_mappings=(
            OutputMapping("out", "out.txt"),
            OutputMapping("stdout", "stdout"),
            OutputMapping("stderr", "stderr"),
        ),
    ),
)


@dataclass
class Record:
    """A sink that remembers, and calls when something is written."""

    states: list[str] = field(default_factory=list)
    text: dict[str, bytes] = field(default_factory=lambda: {"stdout": b"", "stderr": b""})
    restarts: list[int] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    when: Callable[[bytes], Any] | None = None

    def on_state(self, job: Job) -> None:
        self.states.append(str(job.state))

    def on_output(self, stream: str, data: bytes) -> None:
        self.text[stream] += data
        if self.when is not None:
            self.when(self.text["stdout"])

    def on_restart(self, attempt: int) -> None:
        self.restarts.append(attempt)
        self.text = {"stdout": b"", "stderr": b""}

    def on_log(self, lines: list[LogLine]) -> None:
        self.log += [line.text for line in lines]


@asynccontextmanager
async def memory_client(home: Path) -> AsyncIterator[tuple[EverestClient, Hub, httpx.AsyncClient]]:
    """A client whose transport is the hub's own application; nothing runs its jobs."""
    async with memory_hub(home) as (hub, raw):
        server = Server("http://hub", hub.client_token())
        raw.headers["Authorization"] = f"Bearer {server.token}"
        async with EverestClient(server, transport=httpx.ASGITransport(hub.asgi)) as client:
            yield client, hub, raw


@asynccontextmanager
async def running_agent(hub: Hub, home: Path, name: str = "local", slots: int = 2) -> AsyncIterator[None]:
    """A true agent of the hub."""
    settings = AgentSettings(
        server_uri=hub.url.replace("http", "ws", 1) + AGENT_PATH,
        token=hub.agent_token(name),
        name=name,
        slots=slots,
        tasks_dir=home / "tasks",
    )
    agent = asyncio.create_task(Agent(settings).run())
    try:
        yield
    finally:
        agent.cancel()
        await asyncio.wait([agent])


@asynccontextmanager
async def loopback_client(home: Path) -> AsyncIterator[tuple[EverestClient, Hub]]:
    """A client of a hub with an agent, all on sockets."""
    async with (
        served_hub(home / "hub") as (hub, _),
        running_agent(hub, home),
        EverestClient(Server(hub.url, hub.client_token())) as client,
    ):
        yield client, hub
