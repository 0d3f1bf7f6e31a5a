"""An agent in passive mode that knows what Everest's own knows, and serves its files on the same port.

It shares no code with the package: JSON arrays are written and read as such.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx
import websockets
from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

TOKEN = "client-secret"


class OldAgent:
    """Every step is the test's."""

    def __init__(self) -> None:
        self.port = 0
        self.files: dict[str, bytes] = {}
        self.requests: list[Request] = []
        self.connections: asyncio.Queue[ServerConnection] = asyncio.Queue()
        self.connection: ServerConnection | None = None

    @property
    def uri(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    async def process(self, connection: ServerConnection, request: Request) -> Response | None:
        self.requests.append(request)
        scheme, _, owner = request.headers.get("Authorization", "").partition(" ")
        if scheme != "EverestAgentClientToken" or owner.rpartition(":")[2] != TOKEN:
            return Response(401, "Unauthorized", Headers(), b"")
        if request.path == "/agent/ws":
            return None
        body = self.files.get(request.path)
        status = (404, "Not Found") if body is None else (200, "OK")
        headers = Headers({"Content-Length": str(len(body or b"")), "Connection": "close"})
        return Response(*status, headers, body or b"")

    async def handle(self, connection: ServerConnection) -> None:
        self.connections.put_nowait(connection)
        await connection.wait_closed()

    async def accept(self) -> None:
        """Wait for the hub to dial."""
        with anyio.fail_after(10):
            self.connection = await self.connections.get()

    async def send(self, *message: Any) -> None:
        assert self.connection is not None
        await self.connection.send(json.dumps(message))

    async def state(self, task: str, state: str, info: Any = None) -> None:
        await self.send("TASK_STATE", task, state, {} if info is None else info)

    async def receive(self) -> list[Any]:
        assert self.connection is not None
        with anyio.fail_after(10):
            message: list[Any] = json.loads(await self.connection.recv())
        return message

    async def expect_task(self) -> tuple[str, dict[str, Any]]:
        message = await self.receive()
        assert message[0] == "TASK_SUBMIT", message
        assert message[3] == {}, "a plain context is empty"
        return message[1], message[2]

    async def finish(self, task: str, files: dict[str, bytes], state: str = "DONE") -> None:
        """From COMPLETED to the end, with outputs that stay here until they are fetched."""
        await self.state(task, "COMPLETED")
        staged = []
        for path, content in files.items():
            uri = f"/files/{task}/{path}"
            self.files[uri] = content
            staged.append({"path": path, "uri": uri, "more": 1})
        await self.state(task, "STAGED_OUT", {"outputData": staged})
        await self.state(task, state)

    async def fetch(self, item: dict[str, str]) -> httpx.Response:
        """An input, as a real agent fetches it: `auth` verbatim as the Authorization header."""
        assert item["uri"].startswith("http://"), "an old agent knows no other addresses"
        headers = {"Authorization": item["auth"]} if item.get("auth") else {}
        async with httpx.AsyncClient(trust_env=False) as client:
            return await client.get(item["uri"], headers=headers)


@asynccontextmanager
async def old_agent() -> AsyncIterator[OldAgent]:
    agent = OldAgent()
    protocols = [websockets.Subprotocol("v1.agent.everest")]
    async with serve(
        agent.handle, "127.0.0.1", 0, process_request=agent.process, subprotocols=protocols, compression=None
    ) as server:
        agent.port = server.sockets[0].getsockname()[1]
        yield agent
