"""A hub in memory, a hub on loopback, and an agent that does as the test says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx
import websockets

from everest_kernel.hub import Hub, HubSettings
from everest_kernel.wire import (
    AGENT_PATH,
    SUBPROTOCOL,
    AgentHello,
    AgentInfo,
    StagedFile,
    TaskDelete,
    TaskInfo,
    TaskOutput,
    TaskStateReport,
    TaskSubmit,
    ToAgent,
    decode_to_agent,
    encode_message,
)

ECHO = {
    "alias": "echo",
    "name": "Echo",
    "inputs": {"text": {"type": "string"}, "data": {"type": "string", "format": "uri", "required": False}},
    "outputs": {
        "out": {"type": "string", "format": "uri", "required": False},
        "number": {"type": "number", "required": False},
        "stdout": {"type": "string", "required": False},
    },
    "config": {
        "command": "cat in.txt",
        "inputMappings": [{"param": "text", "file": "in.txt", "pattern": ""}],
        "outputMappings": [
            {"param": "out", "file": "out.txt", "pattern": ""},
            {"param": "number", "file": "number.txt", "pattern": ""},
            {"param": "stdout", "file": "stdout", "pattern": ""},
        ],
        "resourceRequirements": {"timeLimit": {"defaultValue": 0, "allowOverride": True}},
    },
}


@asynccontextmanager
async def memory_hub(home: Path, **settings: Any) -> AsyncIterator[tuple[Hub, httpx.AsyncClient]]:
    """A hub that is reached without a socket, and a client of its owner."""
    async with Hub(HubSettings(home=home, **settings)) as hub:
        headers = {"Authorization": f"Bearer {hub.client_token()}"}
        transport = httpx.ASGITransport(hub.asgi)
        async with httpx.AsyncClient(transport=transport, base_url="http://hub", headers=headers) as client:
            yield hub, client


@asynccontextmanager
async def served_hub(home: Path, **settings: Any) -> AsyncIterator[tuple[Hub, httpx.AsyncClient]]:
    """A hub on a loopback port, and a client of its owner."""
    ready = asyncio.Event()

    async def on_ready(url: str) -> None:
        ready.set()

    async with Hub(HubSettings(home=home, **settings)) as hub:
        headers = {"Authorization": f"Bearer {hub.client_token()}"}
        serving = asyncio.create_task(hub.serve(on_ready))
        try:
            await ready.wait()
            async with httpx.AsyncClient(base_url=hub.url, headers=headers, trust_env=False) as client:
                yield hub, client
        finally:
            hub.stop()
            await serving


class ScriptedAgent:
    """Speaks the agent protocol; every step is the test's."""

    def __init__(self, connection: websockets.ClientConnection) -> None:
        self.connection = connection
        self.pending: list[ToAgent] = []
        """Messages that came while others were waited for."""

    async def hello(self, slots: int = 1, tasks: dict[str, str] | None = None) -> None:
        info = AgentInfo("scripted", slots, "1", "Linux", ("stream", "data-uri"))
        await self.send(AgentHello(info, tasks or {}))

    async def send(self, message: Any) -> None:
        await self.connection.send(encode_message(message))

    async def receive(self) -> ToAgent:
        with anyio.fail_after(10):
            message = decode_to_agent(await self.connection.recv())
        assert message is not None
        return message

    async def expect_task(self) -> TaskSubmit:
        message = self.pending.pop(0) if self.pending else await self.receive()
        assert isinstance(message, TaskSubmit), message
        return message

    async def state(self, task_id: str, state: str, **info: Any) -> None:
        await self.send(TaskStateReport(task_id, state, TaskInfo(**info)))

    async def output(self, task_id: str, stream: str, offset: int, data: bytes) -> None:
        await self.send(TaskOutput(task_id, stream, offset, data))

    async def finish(self, task_id: str, state: str = "DONE", files: dict[str, str] | None = None, **info: Any) -> None:
        """From COMPLETED to the final state, and its acknowledgement."""
        await self.state(task_id, "COMPLETED")
        staged = tuple(StagedFile(path, uri) for path, uri in (files or {}).items())
        await self.state(task_id, "STAGED_OUT", output_data=staged)
        await self.state(task_id, state, **info)
        message = await self.receive()
        assert message == TaskDelete(task_id), message


@asynccontextmanager
async def scripted_agent(hub: Hub, name: str = "r", token: str | None = None) -> AsyncIterator[ScriptedAgent]:
    uri = hub.url.replace("http", "ws") + AGENT_PATH
    headers = {"Authorization": f"EverestAgentToken {token or hub.agent_token(name)}"}
    async with websockets.connect(
        uri, additional_headers=headers, subprotocols=[websockets.Subprotocol(SUBPROTOCOL)], proxy=None
    ) as connection:
        yield ScriptedAgent(connection)


async def final_job(client: httpx.AsyncClient, job_id: str) -> dict[str, Any]:
    """The job, once it is over; it is told by the event stream of nobody, so it is asked for."""
    with anyio.fail_after(10):
        while True:
            job: dict[str, Any] = (await client.get(f"/api/jobs/{job_id}")).json()
            if job["state"] in ("DONE", "FAILED", "CANCELLED"):
                return job
            await asyncio.sleep(0)
