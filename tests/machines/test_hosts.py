"""A sweep over three hosts while links are cut, agents die, the hub dies, and clocks differ.

Each task writes a line of its own into a folder that all hosts share: the record of what really ran.
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from everest_kernel.hub import Hub
from tests.hub.support import served_hub
from tests.hub.test_sweeps import results, submit

from .hosts import Network, network
from .proxy import proxy

pytestmark = [
    pytest.mark.system("iproute2", "faketime"),
    pytest.mark.skipif(sys.platform != "linux", reason="Linux's namespaces"),
]

POINTS = 24


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[Network]:
    with network(3, tmp_path / "hosts") as made:
        yield made
        for host in made.hosts:
            host.stop_agent()
            assert host.leftovers() == [], "an agent that ends leaves nothing"


@pytest.fixture
def record(tmp_path: Path) -> Path:
    folder = tmp_path / "record"
    folder.mkdir()
    return folder


@asynccontextmanager
async def hub_for(hosts: Network, home: Path, **settings: Any) -> AsyncIterator[tuple[Hub, httpx.AsyncClient]]:
    async with served_hub(home, host=hosts.address, **settings) as both:
        yield both


async def attach(client: httpx.AsyncClient, name: str) -> str:
    answer = await client.post("/api/resources", json={"name": name})
    token: str = answer.raise_for_status().json()["agentToken"]
    return token


async def attach_all(client: httpx.AsyncClient, hosts: Network, url: str, **how: Any) -> None:
    for host in hosts.hosts:
        host.start_agent(url, await attach(client, host.namespace), **how)


async def sweep(client: httpx.AsyncClient, record: Path, seconds: float = 0.2, points: int = POINTS) -> str:
    script = f'echo started >> {record}/$1\nsleep {seconds}\necho "said $1"\necho $(($1 * $1)) > out.txt\n'
    plan = f"""
parameter n from 1 to {points} step 1
input_files run.sh
command sh run.sh ${{n}}
output_files out.txt stdout
"""
    return await submit(client, plan, {"run.sh": script.encode()})


async def until(condition: Callable[[], Any], seconds: float = 30) -> None:
    """Wait for what other processes do."""
    with anyio.fail_after(seconds):
        while not (await condition() if asyncio.iscoroutinefunction(condition) else condition()):  # noqa: ASYNC110 - of others there are no events
            await anyio.sleep(0.02)


async def ran(record: Path, tasks: int) -> None:
    """Wait until so many have begun."""
    await until(lambda: len(list(record.iterdir())) >= tasks, 60)


async def state_is(client: httpx.AsyncClient, name: str, state: str) -> None:
    """Wait for a resource's state."""

    async def there() -> bool:
        found = (await client.get("/api/resources")).json()
        return any((resource["name"], resource["state"]) == (name, state) for resource in found)

    await until(there)


async def nothing_left(hosts: Network) -> None:
    await until(lambda: not any(host.leftovers() for host in hosts.hosts))


async def over(client: httpx.AsyncClient, job_id: str) -> dict[str, Any]:
    job: dict[str, Any] = {}

    async def ended() -> bool:
        job.update((await client.get(f"/api/jobs/{job_id}")).json())
        return job["state"] in ("DONE", "FAILED", "CANCELLED")

    await until(ended, 90)
    return job


async def check(client: httpx.AsyncClient, job: dict[str, Any], points: int = POINTS) -> None:
    """Each point has one result, and it is right."""
    assert job["state"] == "DONE", job
    found = await results(client, job)
    numbers = {name: content for name, content in found.items() if name.endswith("out.txt")}
    assert sorted(int(content) for content in numbers.values()) == [n * n for n in range(1, points + 1)]
    said = sorted(content.decode() for name, content in found.items() if name.endswith("stdout"))
    assert said == sorted(f"said {n}\n" for n in range(1, points + 1))


def starts(record: Path) -> dict[int, int]:
    return {int(path.name): len(path.read_text().splitlines()) for path in record.iterdir()}


async def test_all_hosts_take_part(hosts: Network, record: Path, tmp_path: Path) -> None:
    async with hub_for(hosts, tmp_path / "hub") as (hub, client):
        await attach_all(client, hosts, hub.url)
        job = await over(client, await sweep(client, record))
        await check(client, job)
        assert set(starts(record).values()) == {1}
        found = (await client.get("/api/resources")).json()
        assert [resource["state"] for resource in found] == ["ONLINE"] * 3
        log = (await client.get(f"/api/jobs/{job['id']}/log")).text
        assert all(host.namespace in log for host in hosts.hosts), "a host had nothing to do"


async def test_a_link_that_is_cut_for_a_while_costs_no_attempt(hosts: Network, record: Path, tmp_path: Path) -> None:
    async with hub_for(hosts, tmp_path / "hub", ping=(0.5, 0.5)) as (hub, client):
        await attach_all(client, hosts, hub.url, ping=0.5)
        job_id = await sweep(client, record, 0.5)
        await ran(record, 6)
        hosts.hosts[0].cut()
        await state_is(client, hosts.hosts[0].namespace, "OFFLINE")
        hosts.hosts[0].mend()
        await check(client, await over(client, job_id))
        assert set(starts(record).values()) == {1}, "what ran while it was cut off was delivered, not run again"


async def test_a_host_that_stays_away_is_replaced_and_its_late_results_do_not_count(
    hosts: Network, record: Path, tmp_path: Path
) -> None:
    async with hub_for(hosts, tmp_path / "hub", ping=(0.5, 0.5), agent_grace=1.0) as (hub, client):
        await attach_all(client, hosts, hub.url, ping=0.5)
        job_id = await sweep(client, record, 0.5)
        await ran(record, 6)
        hosts.hosts[0].cut()
        job = await over(client, job_id)
        await check(client, job)
        hosts.hosts[0].mend()
        await state_is(client, hosts.hosts[0].namespace, "ONLINE")
        await check(client, await over(client, job_id))
        again = [n for n, times in starts(record).items() if times > 1]
        assert 1 <= len(again) <= 2, "only what ran there was started again"
        log = (await client.get(f"/api/jobs/{job_id}/log")).text
        assert hosts.hosts[0].namespace in log
        await nothing_left(hosts)


async def test_an_agent_that_is_killed_loses_its_tasks_and_no_more(
    hosts: Network, record: Path, tmp_path: Path
) -> None:
    async with hub_for(hosts, tmp_path / "hub", agent_grace=0.5) as (hub, client):
        tokens = [await attach(client, host.namespace) for host in hosts.hosts]
        for host, token in zip(hosts.hosts, tokens, strict=True):
            host.start_agent(hub.url, token)
        job_id = await sweep(client, record, 0.4)
        await ran(record, 6)
        victim = hosts.hosts[1]
        victim.kill_agent()
        assert victim.leftovers(), "killed in the middle of a task"
        await state_is(client, victim.namespace, "OFFLINE")
        victim.start_agent(hub.url, tokens[1])
        await check(client, await over(client, job_id))
        assert sum(starts(record).values()) <= POINTS + 1
        await nothing_left(hosts)


async def test_a_hub_that_restarts_finds_its_hosts_again(hosts: Network, record: Path, tmp_path: Path) -> None:
    async with hub_for(hosts, tmp_path / "hub", port=18_765) as (hub, client):
        await attach_all(client, hosts, hub.url)
        job_id = await sweep(client, record, 0.6)
        await ran(record, 6)
    async with hub_for(hosts, tmp_path / "hub", port=18_765) as (hub, client):
        await check(client, await over(client, job_id))
        assert set(starts(record).values()) == {1}


async def test_resets_and_delay_lose_and_double_nothing(hosts: Network, record: Path, tmp_path: Path) -> None:
    seed = 20_261_130
    chance = random.Random(seed)
    async with (
        served_hub(tmp_path / "hub") as (hub, client),
        proxy("127.0.0.1", int(hub.url.rpartition(":")[2]), delay=0.02) as line,
    ):
        token = await attach(client, "far")
        host = hosts.hosts[0]
        host.start_agent(f"http://127.0.0.1:{line.port}", token, slots=4, outside=True)
        job_id = await sweep(client, record, 0.05)
        ended = asyncio.create_task(over(client, job_id))
        while not ended.done():
            await asyncio.sleep(chance.uniform(0.05, 0.4))
            line.reset()
        await check(client, await ended)
        assert set(starts(record).values()) == {1}, f"seed {seed}"


async def test_a_clock_an_hour_ahead_changes_nothing(hosts: Network, record: Path, tmp_path: Path) -> None:
    async with hub_for(hosts, tmp_path / "hub") as (hub, client):
        skewed, straight = hosts.hosts[:2]
        skewed.start_agent(hub.url, await attach(client, skewed.namespace), prefix=("faketime", "-f", "+1h"))
        straight.start_agent(hub.url, await attach(client, straight.namespace))
        job = await over(client, await sweep(client, record))
        await check(client, job)
        assert set(starts(record).values()) == {1}


async def test_a_second_agent_with_a_token_is_refused_and_told(hosts: Network, record: Path, tmp_path: Path) -> None:
    async with hub_for(hosts, tmp_path / "hub") as (hub, client):
        token = await attach(client, "one")
        first, second = hosts.hosts[:2]
        first.start_agent(hub.url, token, name="one")
        await state_is(client, "one", "ONLINE")
        second.start_agent(hub.url, token, name="one")
        await check(client, await over(client, await sweep(client, record)))
        assert set(starts(record).values()) == {1}
        await until(lambda: "has an agent with this token" in second.log.read_text())
        assert second.log.read_text().count("has an agent") == 1, "said once, not at each attempt"
        first.stop_agent()
        await state_is(client, "one", "ONLINE")  # now it may
