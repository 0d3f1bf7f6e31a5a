"""Jobs that are deleted before they have ended."""

from __future__ import annotations

from pathlib import Path

import anyio
import anyio.lowlevel
import httpx

from everest_kernel.wire import TaskCancel, TaskDelete

from .support import ECHO, scripted_agent, served_hub


async def submitted(client: httpx.AsyncClient) -> str:
    job_id: str = (await client.post("/api/apps/local/echo", json={"inputs": {"text": "x"}})).json()["id"]
    return job_id


async def until_gone(client: httpx.AsyncClient, job_id: str) -> None:
    with anyio.fail_after(10):
        while (await client.get(f"/api/jobs/{job_id}")).status_code != 404:
            await anyio.lowlevel.checkpoint()
    assert (await client.get("/api/jobs")).json() == []


async def test_a_running_job_is_cancelled_first(tmp_path: Path) -> None:
    async with served_hub(tmp_path / "hub") as (hub, client), scripted_agent(hub) as agent:
        await agent.hello()
        await client.post("/api/apps", json=ECHO)
        job_id = await submitted(client)
        task = await agent.expect_task()
        await agent.state(task.task_id, "RUNNING")
        assert (await client.delete(f"/api/jobs/{job_id}")).status_code == 200
        assert await agent.receive() == TaskCancel(task.task_id)
        assert (await client.get(f"/api/jobs/{job_id}")).status_code == 200  # until its agent has confirmed
        await agent.finish(task.task_id, "CANCELED")
        await until_gone(client, job_id)


async def test_a_deletion_outlives_the_hub(tmp_path: Path) -> None:
    async with served_hub(tmp_path / "hub") as (hub, client):
        token = hub.agent_token("r")
        async with scripted_agent(hub, token=token) as agent:
            await agent.hello()
            await client.post("/api/apps", json=ECHO)
            job_id = await submitted(client)
            task = (await agent.expect_task()).task_id
            await client.delete(f"/api/jobs/{job_id}")
            await agent.receive()
    async with served_hub(tmp_path / "hub") as (hub, client), scripted_agent(hub, token=token) as agent:
        await until_gone(client, job_id)  # nobody has it as far as this hub knows
        await agent.hello(tasks={task: "RUNNING"})
        assert await agent.receive() == TaskDelete(task)


async def test_a_job_whose_end_is_just_being_written_goes_too(tmp_path: Path) -> None:
    async with served_hub(tmp_path / "hub") as (hub, client), scripted_agent(hub) as agent:
        await agent.hello()
        await client.post("/api/apps", json=ECHO)
        job_id = await submitted(client)
        task = (await agent.expect_task()).task_id
        await agent.state(task, "DONE")
        live = hub._jobs.live(job_id)
        with anyio.fail_after(10):
            while live is not None and not live.ending:  # its write is queued, and not done
                await anyio.lowlevel.checkpoint()
        await hub._jobs.delete("local", job_id)
        await until_gone(client, job_id)
