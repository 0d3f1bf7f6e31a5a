"""The agent as a process that dials a hub, and the programs that run under it."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import anyio

from .hub.support import ECHO, final_job, served_hub


async def test_an_agent_that_dials_in_runs_jobs_until_it_is_told_to_stop(tmp_path: Path) -> None:
    async with served_hub(tmp_path / "hub") as (hub, client):
        await client.post("/api/apps", json={**ECHO, "config": {**ECHO["config"], "command": "env"}})
        answer = await client.post("/api/resources", json={"name": "far"})
        token = answer.json()["agentToken"]
        uri = hub.url.replace("http", "ws") + "/compute/agent/v1"
        words = ["--server", uri, "--slots", "3", "--name", "its own name", "--tasks-dir", str(tmp_path / "tasks")]
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "everest_kernel", "agent", *words,
            env={**os.environ, "EVEREST_AGENT_TOKEN": token}, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            job_id = (await client.post("/api/apps/local/echo", json={"inputs": {"text": "x"}})).json()["id"]
            with anyio.fail_after(20):
                job = await final_job(client, job_id)
            (found,) = (await client.get("/api/resources")).json()
        finally:
            process.terminate()
            assert await process.wait() == 0
        assert (found["name"], found["slots"], found["state"]) == ("its own name", 3, "ONLINE")
        lines = job["result"]["stdout"].splitlines()
        assert f"EVEREST_AGENT_TASK_ID={job_id}-0-0" in lines
        assert not [line for line in lines if token in line], "a task sees the agent's token"
        assert list((tmp_path / "tasks").iterdir()) == []
