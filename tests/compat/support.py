"""Old clients of Everest, byte by byte, on a raw loopback socket; and a hub whose agent runs what they submit."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import anyio
import httpx

from everest_kernel.agent import Agent, AgentSettings
from everest_kernel.hub import Hub
from everest_kernel.wire import AGENT_PATH

from ..hub.support import served_hub

CPP_HEADERS = {"Accept": "application/json", "Content-Type": "application/json", "charsets": "utf-8"}
"""What the C++ clients send with every request, and no User-Agent."""
FILE = {"type": "string", "format": "uri"}


class Answer(NamedTuple):
    """What came back: `interim` is the status of an answer before the final one."""

    status: int
    headers: dict[str, str]
    body: bytes
    interim: int | None = None

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class RawClient:
    """Sends exactly the bytes of a test on one connection, and keeps cookies as a cookie jar does."""

    def __init__(self, url: str, headers: dict[str, str] | None = None) -> None:
        address = urlsplit(url)
        self.host, self.port = address.hostname or "", address.port or 80
        self.headers = dict(CPP_HEADERS if headers is None else headers)
        self.cookies: dict[str, str] = {}

    async def __aenter__(self) -> RawClient:
        self.reader, self.writer = await asyncio.open_connection(self.host, self.port)
        return self

    async def __aexit__(self, *error: object) -> None:
        self.writer.close()
        await self.writer.wait_closed()

    async def send(
        self, method: str, path: str, body: bytes = b"", *, expect: bool = False, **headers: str | None
    ) -> Answer:
        """One request; headers named as `Content_Type`, None leaves one out."""
        sent = {**self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if body or method == "POST":
            sent["Content-Length"] = str(len(body))
        if expect:
            sent["Expect"] = "100-continue"
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self.host}:{self.port}"]
        lines += [f"{name}: {value}" for name, value in sent.items() if value is not None]
        self.writer.write("\r\n".join([*lines, "", ""]).encode())
        interim = None
        if expect:  # libcurl waits for this before it sends a body of more than a megabyte
            interim = int((await self.reader.readuntil(b"\r\n\r\n")).split()[1])
            if interim != 100:
                return Answer(interim, {}, b"")
        self.writer.write(body)
        await self.writer.drain()
        return (await self._answer())._replace(interim=interim)

    async def json(self, method: str, path: str, content: Any = None) -> Answer:
        return await self.send(method, path, b"" if content is None else json.dumps(content).encode())

    async def _answer(self) -> Answer:
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.strip().split("\r\n")
        headers = {}
        for line in lines:
            name, _, value = line.partition(": ")
            headers[name.lower()] = value
            if name.lower() == "set-cookie":
                key, _, rest = value.partition("=")
                self.cookies[key] = rest.split(";")[0]
        if headers.get("transfer-encoding") == "chunked":
            return Answer(int(first.split()[1]), headers, await self._chunks())
        return Answer(int(first.split()[1]), headers, await self.reader.readexactly(int(headers["content-length"])))

    async def _chunks(self) -> bytes:
        body = b""
        while size := int(await self.reader.readline(), 16):
            body += await self.reader.readexactly(size)
            await self.reader.readline()
        await self.reader.readline()
        return body

    async def log_in(self, user: str = "anna", password: str = "pw", path: str = "/auth/access_token") -> Answer:
        """As the C++ clients do it: afterwards the cookie alone says who they are."""
        body = {"label": "templet-session", "password": password, "username": user}
        return await self.json("POST", path, body)

    async def until_over(self, job_id: str) -> dict[str, Any]:
        """Ask for the job again and again, without any pause, as one of them does."""
        with anyio.fail_after(20):
            while True:
                answer = await self.send("GET", f"/api/jobs/{job_id}")
                assert answer.status == 200
                if answer.json["state"] in ("DONE", "FAILED", "CANCELLED"):
                    found: dict[str, Any] = answer.json
                    return found


def form(
    parts: list[tuple[str, str | None, bytes]], boundary: str = "------------------------d74496d66958873e"
) -> bytes:
    """A multipart body with parts (name, file name or None, content), as libcurl writes it."""
    body = b""
    for name, filename, content in parts:
        disposition = f'Content-Disposition: form-data; name="{name}"'
        if filename is not None:
            disposition += f'; filename="{filename}"\r\nContent-Type: application/octet-stream'
        body += f"--{boundary}\r\n{disposition}\r\n\r\n".encode() + content + b"\r\n"
    return body + f"--{boundary}--\r\n".encode()


FORM_TYPE = "multipart/form-data; boundary=------------------------d74496d66958873e"


class Everest(NamedTuple):
    """A hub on loopback with the user anna and an agent, and a client of the hub's owner."""

    hub: Hub
    owner: httpx.AsyncClient

    async def publish(self, alias: str, command: str, inputs: Any, outputs: Any, **maps: dict[str, str]) -> str:
        """An application of the hub's owner; its id. `into` and `out` map parameters to files."""
        config = {
            "command": command,
            "inputMappings": [{"param": p, "file": f, "pattern": ""} for p, f in maps.get("into", {}).items()],
            "outputMappings": [{"param": p, "file": f, "pattern": ""} for p, f in maps.get("out", {}).items()],
        }
        body = {"alias": alias, "name": alias, "inputs": inputs, "outputs": outputs, "config": config}
        answer = await self.owner.post("/api/apps", json=body)
        assert answer.status_code == 200, answer.text
        app_id: str = answer.json()["id"]
        return app_id

    def client(self, headers: dict[str, str] | None = None) -> RawClient:
        return RawClient(self.hub.url, headers)


@asynccontextmanager
async def everest(home: Path, *, agent: bool = True, **settings: Any) -> AsyncIterator[Everest]:
    """A hub with everything; `agent` says whether anything runs."""
    async with served_hub(home / "hub", **settings) as (hub, owner):
        hub.add_user("anna", "pw")
        running = None
        if agent:
            uri = hub.url.replace("http", "ws") + AGENT_PATH
            token = hub.agent_token("here")
            own = AgentSettings(server_uri=uri, token=token, name="here", slots=2, tasks_dir=home / "tasks")
            running = asyncio.create_task(Agent(own).run())
        try:
            yield Everest(hub, owner)
        finally:
            if running is not None:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)
