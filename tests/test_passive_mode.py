"""Our hub and our agent with the hub dialling: in our dialect, and in the plain one that they would use with others."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from everest_kernel.hub import Hub

from .agent.controller import TOKEN, passive_agent
from .hub.support import ECHO, final_job, served_hub

Both = tuple[Hub, httpx.AsyncClient]


@asynccontextmanager
async def both(folder: Path, command: str, **settings: Any) -> AsyncIterator[Both]:
    """A hub that has dialled an agent, and an application with this command."""
    async with passive_agent(folder, **settings) as address, served_hub(folder / "hub") as (hub, client):
        await client.post("/api/apps", json={**ECHO, "config": {**ECHO["config"], "command": command}})
        hub.add_passive_agent("passive", f"ws://{address}", TOKEN, 2)
        yield hub, client


@pytest.fixture(params=["dialect", "plain"])
def dialect(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "plain":  # the hub offers something that the agent does not know
        monkeypatch.setattr("everest_kernel.hub.dialer.DIALECT_SUBPROTOCOL", "v9.unknown")
    name: str = request.param
    return name


async def submit(client: httpx.AsyncClient, **inputs: Any) -> str:
    job_id: str = (await client.post("/api/apps/local/echo", json={"inputs": {"text": "hi", **inputs}})).json()["id"]
    return job_id


async def test_values_and_files_go_and_come_back(tmp_path: Path, dialect: str) -> None:
    command = "sh -c 'cat in.txt; cat data.bin data.bin > out.txt; printf 0.25 > number.txt; echo err >&2'"
    async with both(tmp_path, command) as (_, client):
        data = os.urandom(300_000)
        uri = (await client.post("/api/files/temp", params={"filename": "data.bin"}, content=data)).json()["uri"]
        job = await final_job(client, await submit(client, text="привет", data=uri))
        assert job["state"] == "DONE", job["info"]
        assert job["result"]["stdout"] == "привет"
        assert job["result"]["number"] == 0.25
        assert (await client.get(job["result"]["out"])).content == data + data
        assert (await client.get(f"/api/files/jobs/{job['id']}/stderr")).text == "err\n"
        assert job["exitCode"] == 0


async def test_failure_says_why_and_keeps_outputs(tmp_path: Path, dialect: str) -> None:
    async with both(tmp_path, "sh -c 'printf partial > out.txt; exit 3'") as (_, client):
        job = await final_job(client, await submit(client))
        assert (job["state"], job["reason"], job["exitCode"]) == ("FAILED", "exit", 3)
        assert "exit code 3" in job["info"]
        assert (await client.get(job["result"]["out"])).text == "partial"


async def test_cancel_is_confirmed(tmp_path: Path, dialect: str) -> None:
    async with both(tmp_path, "sleep 300") as (_, client):
        job_id = await submit(client)
        await running(client, job_id)
        await client.post(f"/api/jobs/{job_id}/cancel")
        assert (await final_job(client, job_id))["state"] == "CANCELLED"


async def eventually(true: Callable[[], bool]) -> None:
    with anyio.fail_after(10):
        while True:
            if true():
                return
            await asyncio.sleep(0)


async def running(client: httpx.AsyncClient, job_id: str) -> None:
    with anyio.fail_after(10):
        while (await client.get(f"/api/jobs/{job_id}")).json()["state"] != "RUNNING":
            pass


async def test_a_task_goes_on_while_the_connection_is_away(tmp_path: Path, dialect: str) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    async with both(tmp_path, f"sh -c 'printf before-; cat {fifo}'") as (hub, client):
        job_id = await submit(client)
        await running(client, job_id)
        (link,) = hub._gateway._links.values()
        link.close()
        await eventually(lambda: bool(set(hub._gateway._links.values()) - {link}))
        fifo.write_bytes(b"after")
        job = await final_job(client, job_id)
        assert (job["state"], job["attempt"], job["result"]["stdout"]) == ("DONE", 0, "before-after")


async def test_only_the_dialect_shows_output_while_the_task_runs(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    async with both(tmp_path, f"sh -c 'echo up; cat {fifo}'") as (_, client):
        job_id = await submit(client)
        with anyio.fail_after(10):
            while (await client.get(f"/api/files/jobs/{job_id}/stdout")).text != "up\n":
                pass
        fifo.write_bytes(b"x")
        assert (await final_job(client, job_id))["result"]["stdout"] == "up\nx"


async def test_in_our_dialect_nothing_stays_with_the_agent(tmp_path: Path) -> None:
    async with both(tmp_path, "true") as (_, client):
        await final_job(client, await submit(client))
        await eventually(lambda: not list((tmp_path / "tasks").iterdir()))


VARIABLES = """
import os, socket, struct
connection = socket.create_connection((os.environ["EVEREST_AGENT_ADDRESS"], int(os.environ["EVEREST_AGENT_PORT"])))
send = lambda text: connection.sendall(struct.pack(">I", len(text)) + text)
def receive():
    size = connection.recv(4, socket.MSG_WAITALL)
    return connection.recv(struct.unpack(">I", size)[0], socket.MSG_WAITALL).decode()
send(b"\\0" + os.environ["EVEREST_AGENT_TASK_ID"].encode())
send(b"VAR_GET best")
print(receive())
send(b"VAR_SET_MD best 2.5:eA==")
send(b"VAR_SET_MD best 3")
send(b"VAR_GET best")
print(receive())
"""


async def test_a_program_shares_variables_through_the_hub(tmp_path: Path, dialect: str) -> None:
    (tmp_path / "program.py").write_text(VARIABLES)
    async with both(tmp_path, f"{sys.executable} {tmp_path}/program.py") as (_, client):
        job = await final_job(client, await submit(client))
        assert job["result"]["stdout"] == "VAR_VALUE best NULL\nVAR_VALUE best 2.5:eA==\n", job["info"]
        log = (await client.get(f"/api/jobs/{job['id']}/log")).text
        messages = [line.split("Received ")[1] for line in log.splitlines() if "TASK_MESSAGE" in line]
        assert f'["TASK_MESSAGE","{job["id"]}-0-0","VAR_SET_MD best 3"]' in messages


async def test_setting_a_variable_tells_the_jobs_other_tasks(tmp_path: Path) -> None:
    """One program waits for what the other sets; they run as two tasks of a sweep."""
    program = tmp_path / "pair.py"
    program.write_text(
        VARIABLES.split('send(b"VAR_GET')[0]
        + "import sys\n"
        + "if sys.argv[1] == '1':\n"
        + "    send(b'VAR_GET ready')\n"
        + "    while receive() == 'VAR_VALUE ready NULL': pass\n"  # the answer, then what the other one set
        + "    send(b'VAR_SET_MD seen 1')\n"
        + "else:\n"
        + "    send(b'VAR_SET_MD ready 1')\n"
        + "    while receive() != 'VAR_VALUE seen 1': pass\n"
    )
    async with both(tmp_path, "true") as (_, client):
        plan = f"parameter n 1 2\ncommand {sys.executable} {program} ${{n}}"
        uri = (await client.post("/api/files/temp", params={"filename": "p.plan"}, content=plan.encode())).json()["uri"]
        answer = await client.post("/api/apps/530f36d73d00002d04548b0e", json={"inputs": {"plan": uri}})
        job = await final_job(client, answer.json()["id"])
        assert job["state"] == "DONE", (await client.get(f"/api/jobs/{job['id']}/log")).text
