"""What the hub sustains: submissions a second and jobs a second, through REST one by one."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import httpx

from .figures import Figure

__all__ = ["accepted_jobs", "finished_jobs", "hub_process"]

TRUE = {
    "alias": "true",
    "name": "true",
    "inputs": {},
    "outputs": {},
    "config": {"command": "true", "inputMappings": [], "outputMappings": [], "resourceRequirements": {}},
}


@contextmanager
def hub_process(slots: int, home: str | None = None) -> Iterator[tuple[str, str, int]]:
    """A hub in a process of its own, with an endpoint that does nothing: its address, a token, its process id."""
    with tempfile.TemporaryDirectory() as temporary:
        command = [sys.executable, "-m", "benchmarks.hub_process", home or temporary, str(slots)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            found = json.loads(process.stdout.readline())
            try:
                yield found["url"], found["token"], process.pid
            finally:
                process.terminate()


@asynccontextmanager
async def hub_with_client(slots: int) -> AsyncIterator[tuple[httpx.AsyncClient, str]]:
    """Such a hub; a client of it, and the id of `true`."""
    with hub_process(slots) as (url, token, _):
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(base_url=url, headers=headers, trust_env=False) as client:
            made = await client.post("/api/apps", json=TRUE)
            yield client, made.raise_for_status().json()["id"]


async def _rate(client: httpx.AsyncClient, path: str, seconds: float) -> float:
    body, count, began = {"name": "benchmark", "inputs": {}}, 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        (await client.post(path, json=body)).raise_for_status()
        count += 1
    return count / (time.perf_counter() - began)


async def _accepted(rounds: int) -> list[Figure]:
    async with hub_with_client(slots=0) as (client, app_id):
        empty, jobs = [], []
        await _rate(client, "/empty", 0.5)
        for _ in range(rounds):  # in turn, so that both see the same machine
            empty.append(await _rate(client, "/empty", 1.0))
            jobs.append(await _rate(client, f"/api/apps/{app_id}", 1.0))
        ratio = sum(jobs) / sum(empty)
        detail = f"{sum(jobs) / rounds:.0f} jobs/s, empty endpoint {sum(empty) / rounds:.0f}/s, httpx, each on disk"
        return [Figure("jobs accepted over REST / empty endpoint", ratio, "x", 0.6, at_most=False, detail=detail)]


async def _finished(count: int) -> list[Figure]:
    async with hub_with_client(slots=2) as (client, app_id):
        while not (await client.get("/api/resources")).json():
            await asyncio.sleep(0.05)
        for _ in range(20):
            await client.post(f"/api/apps/{app_id}", json={"name": "warm-up"})
        began = time.perf_counter()
        for _ in range(count):
            (await client.post(f"/api/apps/{app_id}", json={"name": "counted"})).raise_for_status()
        accepted = time.perf_counter() - began
        while True:
            states = [job["state"] for job in (await client.get("/api/jobs", params={"name": "counted"})).json()]
            if states.count("DONE") == count:
                break
            if "FAILED" in states:
                raise RuntimeError("a job failed")
            await asyncio.sleep(0.05)
        rate = count / (time.perf_counter() - began)
        detail = f"{count} jobs, accepted at {count / accepted:.0f}/s while they ran"
        return [Figure("jobs of `true` to DONE, 2 slots", rate, "jobs/s", 150, at_most=False, detail=detail)]


def accepted_jobs(rounds: int = 5) -> list[Figure]:
    """Submissions one after another from one client, beside an empty endpoint of the same server."""
    return asyncio.run(_accepted(rounds))


def finished_jobs(count: int = 1500) -> list[Figure]:
    """Submissions one by one until the last job is DONE."""
    return asyncio.run(_finished(count))
