"""Output while things die: the hub is killed, connections are cut, and every byte arrives once and in order."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path

import anyio
import httpx
import msgspec

from everest_kernel.agent import Agent, AgentSettings
from everest_kernel.client import EverestClient, Server
from everest_kernel.wire import AGENT_PATH, HubRecord, JobRequest, JobState, record_path
from tests.client.support import SHELL, Record, loopback_client

LINES = 60_000
PROGRAM = """
seq -f 'line %06.0f' 1 20000; seq -f 'complaint %g' 1 2000 >&2
until [ -e "{gate}-1" ]; do sleep 0.01; done
seq -f 'line %06.0f' 20001 40000; seq -f 'complaint %g' 2001 4000 >&2
until [ -e "{gate}-2" ]; do sleep 0.01; done
seq -f 'line %06.0f' 40001 60000
"""
STDOUT = "".join(f"line {n:06}\n" for n in range(1, LINES + 1)).encode()
STDERR = "".join(f"complaint {n}\n" for n in range(1, 4001)).encode()


@contextmanager
def hub_process(home: Path, port: int) -> Iterator[tuple[HubRecord, subprocess.Popen[bytes]]]:
    """A hub without an agent: those of other machines outlive it."""
    words = ["hub", "--json", "--home", str(home), "--port", str(port), "--no-agent"]
    with subprocess.Popen([sys.executable, "-m", "everest_kernel", *words], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline()
            yield msgspec.json.decode(record_path(home).read_bytes(), type=HubRecord), process
        finally:
            process.kill()
            process.wait(20)


@asynccontextmanager
async def agent_at(url: str, token: str, home: Path) -> AsyncIterator[None]:
    settings = AgentSettings(
        server_uri=url.replace("http", "ws", 1) + AGENT_PATH, token=token, name="far", slots=1, tasks_dir=home
    )
    agent = asyncio.create_task(Agent(settings).run())
    try:
        yield
    finally:
        agent.cancel()
        await asyncio.wait([agent])


async def test_a_hub_that_is_killed_while_a_task_prints_loses_and_repeats_nothing(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    home, gate = tmp_path / "hub", tmp_path / "gate"
    seen: dict[int, asyncio.Event] = {size: asyncio.Event() for size in (1, len(STDOUT) // 3 + 1, len(STDOUT) // 2)}

    def look(text: bytes) -> None:
        for size, event in seen.items():
            if len(text) >= size:
                event.set()

    async def renew() -> Server | None:
        return Server(url, msgspec.json.decode(record_path(home).read_bytes(), type=HubRecord).token)

    record = Record(when=look)
    async with AsyncExitStack() as stack:
        with hub_process(home, port) as (first, process):
            url = first.url
            client = await stack.enter_async_context(EverestClient(Server(url, first.token, renew=renew)))
            async with httpx.AsyncClient(headers={"Authorization": f"Bearer {first.token}"}, trust_env=False) as raw:
                resource = (await raw.post(f"{url}/api/resources", json={"name": "far"})).json()
            await stack.enter_async_context(agent_at(url, resource["agentToken"], tmp_path / "tasks"))
            app_id = await client.ensure_application(SHELL)
            job = await client.submit(app_id, JobRequest("", {"program": PROGRAM.format(gate=gate)}))
            following = asyncio.create_task(client.follow(job.id, record, job=job))
            with anyio.fail_after(20):
                await seen[1].wait()  # somewhere in the first third
            os.kill(process.pid, signal.SIGKILL)
            process.wait(20)
        with hub_process(home, port) as (_, process):
            (tmp_path / "gate-1").touch()
            with anyio.fail_after(40):
                await seen[len(STDOUT) // 3 + 1].wait()  # somewhere in the second
            os.kill(process.pid, signal.SIGKILL)
            process.wait(20)
            (tmp_path / "gate-2").touch()  # the last third is written while there is no hub
        with hub_process(home, port):
            with anyio.fail_after(60):
                end = await following
            kept = await client.download(end.result["stdout"])
    assert (end.state, end.attempt, record.restarts) == (JobState.DONE, 0, []), end.info
    assert record.text["stderr"] == STDERR
    assert record.text["stdout"] == STDOUT
    assert kept == STDOUT


async def test_a_client_whose_connection_is_cut_again_and_again_gets_each_byte_once(tmp_path: Path) -> None:
    cuts = 0

    def cut(text: bytes) -> None:
        nonlocal cuts
        stream = client._events
        if stream is not None and stream._connection is not None and len(text) > cuts * len(STDOUT) // 6:
            cuts += 1
            stream._connection.transport.abort()

    async with loopback_client(tmp_path) as (client, _):
        for gate in (1, 2):
            (tmp_path / f"gate-{gate}").touch()
        record = Record(when=cut)
        app_id = await client.ensure_application(SHELL)
        job = await client.submit(app_id, JobRequest("", {"program": PROGRAM.format(gate=tmp_path / "gate")}))
        with anyio.fail_after(60):
            end = await client.follow(job.id, record, job=job)
    assert end.state is JobState.DONE
    assert cuts >= 2
    assert record.text == {"stdout": STDOUT, "stderr": STDERR}
