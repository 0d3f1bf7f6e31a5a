"""A controller that knows what Everest's own test bed knows: TASK_SUBMIT, TASK_STATE, TASK_MESSAGE, and downloads.

It shares no code with the package: JSON arrays are written and read as such.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx
import websockets

from everest_kernel.agent import Agent, AgentSettings, PassiveSettings

TOKEN = "12345"


class OldController:
    def __init__(self, connection: websockets.ClientConnection, address: str, authorization: str) -> None:
        self.connection = connection
        self.address = address
        self.authorization = authorization

    async def send(self, *message: Any) -> None:
        await self.connection.send(json.dumps(message))

    async def submit(self, task: str, command: str, outputs: list[str] | None = None, **spec: Any) -> None:
        whole = {"name": task, "command": command, "inputData": [], "outputData": [{"paths": outputs or []}], **spec}
        await self.send("TASK_SUBMIT", task, whole, {})

    async def receive(self) -> list[Any]:
        with anyio.fail_after(20):
            message: list[Any] = json.loads(await self.connection.recv())
        return message

    async def until_final(self, task: str) -> list[list[Any]]:
        """Messages of a task up to its end; all states must come with an info object."""
        messages: list[list[Any]] = []
        while True:
            message = await self.receive()
            assert message[0] in ("TASK_STATE", "TASK_MESSAGE"), f"an old controller does not know {message}"
            if message[1] != task:
                continue
            messages.append(message)
            if message[0] == "TASK_STATE" and message[2] in ("DONE", "FAILED", "CANCELED"):
                return messages

    async def outputs(self, task: str) -> dict[str, str]:
        """Where the outputs of a task are, once it is DONE."""
        messages = await self.until_final(task)
        assert messages[-1][2] == "DONE", messages
        (staged,) = [m[3]["outputData"] for m in messages if m[2] == "STAGED_OUT"]
        return {item["path"]: item["uri"] for item in staged}

    async def download(self, uri: str, authorization: str | None = None) -> httpx.Response:
        headers = {"Authorization": authorization or self.authorization}
        async with httpx.AsyncClient(trust_env=False) as client:
            return await client.get(f"http://{self.address}{uri}", headers=headers)


@asynccontextmanager
async def passive_agent(folder: Path, **settings: Any) -> AsyncIterator[str]:
    """An agent that listens; its `host:port`."""
    passive = PassiveSettings((TOKEN, "other-token"), port=0, keep=settings.pop("keep", 3600.0))
    agent = Agent(AgentSettings("", "", "passive", folder / "tasks", passive=passive, **{"slots": 2, **settings}))
    assert agent.door is not None
    running = asyncio.create_task(agent.run())
    try:
        with anyio.fail_after(10):
            await agent.door.ready.wait()
        yield f"127.0.0.1:{agent.door.port}"
    finally:
        running.cancel()
        await asyncio.wait([running])


@asynccontextmanager
async def controller(address: str, owner: str = f"run-1:{TOKEN}") -> AsyncIterator[OldController]:
    authorization = f"EverestAgentClientToken {owner}"
    headers = {"Authorization": authorization}
    protocols = [websockets.Subprotocol("v1.agent.everest")]
    async with websockets.connect(
        f"ws://{address}/agent/ws", additional_headers=headers, subprotocols=protocols, proxy=None, compression=None
    ) as connection:
        yield OldController(connection, address, authorization)
