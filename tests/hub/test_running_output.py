"""What a job has written, read while it runs."""

from __future__ import annotations

import asyncio
from pathlib import Path

import anyio
import httpx
import pytest

from everest_kernel.hub import Hub
from everest_kernel.hub.contents import INLINE_LIMIT
from tests.hub.support import ECHO, ScriptedAgent, final_job, scripted_agent, served_hub


async def started(client: httpx.AsyncClient, agent: ScriptedAgent) -> tuple[str, str, str]:
    """A running job: its id, its task's, and the address of its standard output."""
    await agent.hello()
    await client.post("/api/apps", json=ECHO)
    job_id = (await client.post("/api/apps/local/echo", json={"inputs": {"text": "hi"}})).json()["id"]
    task_id = (await agent.expect_task()).task_id
    await agent.state(task_id, "RUNNING")
    return job_id, task_id, f"/api/files/jobs/{job_id}/stdout"


async def arrived(hub: Hub, job_id: str, size: int) -> None:
    """The hub has so much of the job's standard output."""
    changed = asyncio.Event()

    def watch(_: str) -> None:
        changed.set()

    hub._jobs.watchers.add(watch)
    try:
        with anyio.fail_after(10):
            while (live := hub._jobs.live(job_id)) is None or sum(o.length for o in live.outputs.values()) < size:
                await changed.wait()
                changed.clear()
    finally:
        hub._jobs.watchers.discard(watch)


@pytest.mark.parametrize("size", [3, INLINE_LIMIT + 5, 4 * INLINE_LIMIT])
async def test_it_grows_and_is_the_owners_alone(tmp_path: Path, size: int) -> None:
    content = bytes(range(251)) * (size // 251 + 1)
    async with served_hub(tmp_path) as (hub, client), scripted_agent(hub) as agent:
        job_id, task_id, uri = await started(client, agent)
        assert (await client.get(uri)).status_code == 404, "nothing was written yet"
        for at, end in ((0, size // 2), (size // 2, size)):
            await agent.output(task_id, "stdout", at, content[at:end])
            await arrived(hub, job_id, end)
            answer = await client.get(uri)
            assert answer.content == content[:end]
            head = await client.head(uri)
            assert (head.headers["content-length"], head.content) == (str(end), b"")
        hub.add_user("eve", "secret word")
        login = {"username": "eve", "password": "secret word", "label": "x"}
        token = (await client.post("/auth/access_token", json=login)).json()["access_token"]
        assert (await client.get(uri, headers={"Authorization": f"Bearer {token}"})).status_code == 404
        assert (await client.get(uri, headers={"Authorization": "Bearer no"})).status_code == 401
        await agent.finish(task_id)
        await final_job(client, job_id)
        assert (await client.get(uri)).content == content[:size]


async def test_a_reader_that_is_slow_gets_what_there_was_when_it_asked(tmp_path: Path) -> None:
    size = 8 << 20  # more than the sockets between them hold
    async with served_hub(tmp_path) as (hub, client), scripted_agent(hub) as agent:
        job_id, task_id, uri = await started(client, agent)
        for at in range(0, size, 1 << 20):
            await agent.output(task_id, "stdout", at, b"x" * (1 << 20))
        await arrived(hub, job_id, size)
        async with client.stream("GET", uri) as answer:
            blocks = answer.aiter_raw(1 << 16)
            read = len(await anext(blocks))
            await agent.output(task_id, "stdout", size, b"more")
            await agent.finish(task_id)
            await final_job(client, job_id)  # the file moves to its place on the disk meanwhile
            async for block in blocks:
                read += len(block)
        assert read == size
        assert len((await client.get(uri)).content) == size + 4


async def test_output_that_is_just_being_stored_is_waited_for(tmp_path: Path) -> None:
    async with served_hub(tmp_path) as (hub, client), scripted_agent(hub) as agent:
        job_id, task_id, uri = await started(client, agent)
        await agent.output(task_id, "stdout", 0, b"all")
        await arrived(hub, job_id, 3)
        live = hub._jobs.live(job_id)
        assert live is not None
        live.ending = True
        asked = asyncio.create_task(client.get(uri))
        await client.get("/api/extensions")  # by then the first request has been read, too
        assert not asked.done()
        live.ending = False
        await agent.finish(task_id)
        with anyio.fail_after(10):
            assert (await asked).content == b"all"
