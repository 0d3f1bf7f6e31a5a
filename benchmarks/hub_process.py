"""A hub with an endpoint that does nothing, as a process of its own: `python -m benchmarks.hub_process HOME SLOTS`."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import uvloop

from everest_kernel.agent import Agent, AgentSettings
from everest_kernel.hub import Hub, HubSettings
from everest_kernel.wire import AGENT_PATH


async def main(home: Path, slots: int) -> None:
    async with Hub(HubSettings(home=home)) as hub:
        application = hub.asgi

        async def with_empty(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "http" and scope["path"] == "/empty":
                await receive()
                await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
                await send({"type": "http.response.body", "body": b"{}"})
            else:
                await application(scope, receive, send)

        hub.asgi = with_empty
        tasks = []

        async def ready(url: str) -> None:
            print(json.dumps({"url": url, "token": hub.client_token()}), flush=True)
            if slots:
                uri = url.replace("http", "ws", 1) + AGENT_PATH
                token = hub.agent_token("local")
                settings = AgentSettings(server_uri=uri, token=token, name="r", slots=slots, tasks_dir=home / "tasks")
                tasks.append(asyncio.create_task(Agent(settings).run()))

        await hub.serve(on_ready=ready)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


if __name__ == "__main__":
    uvloop.run(main(Path(sys.argv[1]), int(sys.argv[2])))
