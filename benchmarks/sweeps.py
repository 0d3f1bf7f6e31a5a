"""Many tasks: a sweep plan beside two loops that only spawn, and single jobs under a client that polls."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import time
from typing import Any

import anyio
import httpx

from .figures import Figure
from .hub_rates import TRUE, hub_with_client

__all__ = ["polled_jobs", "sweep_of_true"]

SWEEP_APPLICATION = "530f36d73d00002d04548b0e"
_FINAL = ("DONE", "FAILED", "CANCELLED")


def _spawn_rate(count: int) -> float:
    """Processes a second that two shell loops start and wait for at the same time."""
    program = shutil.which("true")
    loop = f"i=0; while [ $i -lt {count // 2} ]; do {program}; i=$((i+1)); done"
    began = time.perf_counter()
    loops = [subprocess.Popen(["sh", "-c", loop]) for _ in range(2)]
    for process in loops:
        process.wait()
    return count / (time.perf_counter() - began)


async def _final(client: httpx.AsyncClient, job_id: str, pause: float) -> dict[str, Any]:
    while True:
        job: dict[str, Any] = (await client.get(f"/api/jobs/{job_id}")).json()
        if job["state"] in _FINAL:
            return job
        await asyncio.sleep(pause)


async def _sweep(count: int) -> list[Figure]:
    async with hub_with_client(slots=2) as (client, _):
        while not (await client.get("/api/resources")).json():
            await asyncio.sleep(0.05)
        before = await asyncio.to_thread(_spawn_rate, count // 2)
        plan = f"parameter n from 1 to {count} step 1\ncommand true\noutput_files stdout stderr\n"
        began = time.perf_counter()
        uploaded = await client.post("/api/files/temp", params={"filename": "plan.txt"}, content=plan.encode())
        body = {"name": "benchmark", "inputs": {"plan": uploaded.json()["uri"]}}
        job = (await client.post(f"/api/apps/{SWEEP_APPLICATION}", json=body)).raise_for_status().json()
        job = await _final(client, job["id"], 0.05)
        took = time.perf_counter() - began
        if job["tasksDone"] != count:
            raise RuntimeError(f"{job['state']}: {job['info']}")
        after = await asyncio.to_thread(_spawn_rate, count // 2)
    spawned, rate = (before + after) / 2, count / took
    detail = f"{rate:.0f} tasks/s to the archive, two loops {spawned:.0f} processes/s, {count} tasks"
    return [Figure("sweep of `true`, 2 slots / two loops that spawn", rate / spawned, "x", 0.6, False, detail)]


async def _polled(count: int) -> list[Figure]:
    async with hub_with_client(slots=2) as (client, app_id):
        while not (await client.get("/api/resources")).json():
            await asyncio.sleep(0.05)
        began = time.perf_counter()

        async def follow(job_id: str) -> None:
            await asyncio.sleep(1)  # as the old C++ client does: the first look comes after one period
            await _final(client, job_id, 1)

        async with anyio.create_task_group() as group:
            for _ in range(count):
                answer = await client.post(f"/api/apps/{app_id}", json={"name": TRUE["name"]})
                group.start_soon(follow, answer.raise_for_status().json()["id"])
            submitted = time.perf_counter() - began
        took = time.perf_counter() - began
    forced = submitted + 1
    detail = f"{took:.2f} s for {count} jobs, {submitted:.2f} s of it to submit them"
    return [Figure("single jobs, polled once a second / what polling forces", took / forced, "x", 1.3, detail=detail)]


def sweep_of_true(count: int = 10_000) -> list[Figure]:
    """A plan of tasks that do nothing, from submission to its results archive."""
    return asyncio.run(_sweep(count))


def polled_jobs(count: int = 500) -> list[Figure]:
    """Single jobs by REST with a client that polls each of them once a second."""
    return asyncio.run(_polled(count))
