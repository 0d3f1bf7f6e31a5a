"""An Everest in memory for chunks of `y = 2 x`, with the faults that a test asks for, and a sweep that meets them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import IO, Any

import anyio
import httpx
import numpy as np
import pytest

from everest_kernel.client import EverestClient, Server, follow, follower, transport
from everest_kernel.languages import Program
from everest_kernel.records import PointStore
from everest_kernel.sweeps import Grid, Keeper, SweepDriver, parse_space, target
from everest_kernel.sweeps import lanes as lane_states
from everest_kernel.sweeps.chunks import Answer, ChunkLanguage, PointGroup
from everest_kernel.sweeps.keeper import Waiting
from everest_kernel.sweeps.python_chunks import check_places
from everest_kernel.sweeps.run import Lane, Rules, Run
from everest_kernel.sweeps.target import LaneTarget
from everest_kernel.wire import JobFailedError

__all__ = ["LIMIT", "JobInMemory", "MemoryEverest", "Sweep", "TwiceX", "hurry"]

LIMIT = 30.0
"""Seconds after which a sweep counts as hung."""


class TwiceX:
    """Chunks whose program is the list of its points."""

    one_by_one = False

    def render(self, columns: Mapping[str, Any], count: int, budget: float) -> Program:
        return Program(json.dumps({"x": columns["x"].tolist(), "budget": budget}), "")

    def read(self, values: IO[bytes] | None, count: int, problem: str, output: Mapping[str, bytes]) -> Answer:
        if values is None:
            raise JobFailedError(problem)
        told = json.loads(values.read())
        index = np.array(told["index"], np.int64)
        failed = {int(place): error for place, error in told.get("failed", {}).items()}
        seconds = np.full(len(index), 0.01)
        answer = Answer([PointGroup(index, {"y": np.array(told["y"])}, seconds)] if len(index) else [], failed, 0.01)
        check_places(answer, count)
        return answer


@dataclass
class JobInMemory:
    """A job: number in order of submission, its points, and what it says of itself."""

    id: str
    number: int
    key: str
    points: list[float]
    fields: dict[str, Any] = field(default_factory=lambda: {"state": "RUNNING"})
    values: bytes = b""

    @property
    def state(self) -> str:
        return str(self.fields["state"])

    @property
    def over(self) -> bool:
        return self.state in ("DONE", "FAILED", "CANCELLED")

    def done(self, *, skip: Sequence[float] = (), y: Callable[[float], float] = lambda x: 2 * x) -> None:
        """It has computed its points, but for some that it did not reach."""
        index = [place for place, x in enumerate(self.points) if x not in skip]
        self.answer(json.dumps({"index": index, "y": [float(y(self.points[place])) for place in index]}).encode())

    def answer(self, content: bytes) -> None:
        """It is done, and this is its values file."""
        self.values = content
        self.fields = {"state": "DONE", "result": {"values": f"/files/{self.id}"}, "resourceName": "far"}

    def failed(self, info: str, reason: str = "exit") -> None:
        self.fields = {"state": "FAILED", "info": info, "reason": reason, "result": {}}


Step = Callable[[JobInMemory], Awaitable[None]]


async def _compute(job: JobInMemory) -> None:
    job.done()


@dataclass
class MemoryEverest:
    """The server.

    Attributes:
        compute: called when a job that runs is looked at; it may change the job, or wait.
        refuse: called before a request is answered; what it gives is the answer.
        after: called with a request when it was done and before it is answered; it may wait.
        keys: whether submissions are known by their keys.
        calls: how often a method and path, without what is behind an id, was asked.
    """

    compute: Step = _compute
    refuse: Callable[[httpx.Request], Awaitable[httpx.Response | None]] | None = None
    after: Callable[[httpx.Request], Awaitable[None]] | None = None
    keys: bool = True
    jobs: dict[str, JobInMemory] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)

    async def handle(self, request: httpx.Request) -> httpx.Response:
        kind = f"{request.method} {'/'.join(request.url.path.split('/')[1:3])}"
        self.calls[kind] += 1
        if self.refuse is not None and (refusal := await self.refuse(request)) is not None:
            return refusal
        answer = await self._handle(request)
        if self.after is not None:
            await self.after(request)
        return answer

    async def _handle(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path == "/api/extensions":
            return httpx.Response(200, json={"server": "memory", "idempotencyKey": self.keys})
        if path.startswith("/api/apps/"):
            return self._submit(request)
        job = self.jobs.get(path.split("/")[-2 if path.endswith("/cancel") else -1])
        if job is None:
            return httpx.Response(404, json={"error": "no such job"})
        if path.startswith("/files/"):
            return httpx.Response(200, content=job.values)
        if path.endswith("/cancel"):
            if not job.over:
                job.fields = {"state": "CANCELLED"}
            return httpx.Response(200)
        if not job.over:
            await self.compute(job)
        return httpx.Response(200, json={"id": job.id, **job.fields})

    def _submit(self, request: httpx.Request) -> httpx.Response:
        body, key = json.loads(request.content), request.headers.get("idempotency-key", "")
        job = next((job for job in self.jobs.values() if self.keys and job.key == key), None)
        if job is None:
            number = len(self.jobs)
            job = JobInMemory(f"job{number}", number, key, json.loads(body["inputs"]["program"])["x"])
            self.jobs[job.id] = job
        return httpx.Response(201, json={"id": job.id, "state": "SUBMITTED"})

    @property
    def alive(self) -> list[JobInMemory]:
        """Jobs that go on."""
        return [job for job in self.jobs.values() if not job.over]

    @property
    def computed(self) -> Counter[float]:
        """How often each point was computed in a job that ended well."""
        return Counter(x for job in self.jobs.values() if job.state == "DONE" for x in job.points)


def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pauses between requests."""

    class Quick(follow.Follow):
        def __post_init__(self) -> None:
            super().__post_init__()
            self._pause = 0.001

    monkeypatch.setattr(follower, "Follow", Quick)
    monkeypatch.setattr(follow, "FIRST_PAUSE", 0.001)
    monkeypatch.setattr(follow, "LONGEST_PAUSE", 0.001)
    monkeypatch.setattr(transport, "_PAUSE", 0.0)
    monkeypatch.setattr(target, "_PAUSES", (0.0,) * 5)
    monkeypatch.setattr(lane_states, "_FIRST_PAUSE", 0.0)


@dataclass
class Sweep:
    """A sweep over x = 0, 1, …, with a lane for each server.

    Attributes:
        store: of finished points; None keeps none.
        kernel_ends: whether its jobs are to be left running.
    """

    count: int
    servers: Mapping[str, MemoryEverest]
    rules: Rules = field(default_factory=lambda: Rules(chunk=10))
    slots: int = 2
    store: PointStore | None = None
    chunks: Mapping[str, ChunkLanguage] = field(default_factory=dict)
    kernel_ends: bool = False
    queue_limit: float | None = None

    def __post_init__(self) -> None:
        self.space = parse_space([f"x=0:{self.count - 1}:{self.count}"], {})
        self.grid = Grid(self.space, ("y",))
        self.keeper = Keeper(self.store, "ab" * 32, "{}", self.space)

    async def missing(self) -> np.ndarray[Any, Any]:
        """Open the record of points; those that are not in it, the others in the grid."""
        await self.keeper.open()
        known = await self.keeper.known(np.arange(self.count))
        for numbers, values, seconds in known.groups:
            self.grid.put(numbers, values, seconds=seconds, computed=False)
        return known.missing

    async def waiting(self) -> list[Waiting]:
        """Chunks of an earlier kernel."""
        return await self.keeper.waiting(await self.missing(), {(name, name): name for name in self.servers})

    @asynccontextmanager
    async def driver(self, waiting: Sequence[Waiting] = ()) -> AsyncIterator[SweepDriver]:
        """What drives it, with clients that are closed at the end."""
        missing = await self.missing()
        taken = np.concatenate([np.empty(0, np.int64), *(chunk.numbers for chunk in waiting)])
        blocks = [missing[~np.isin(missing, taken)]]
        clients = {
            name: EverestClient(Server(f"http://{name}", "token"), transport=httpx.MockTransport(server.handle))
            for name, server in self.servers.items()
        }
        targets = {
            name: LaneTarget(
                route=SimpleNamespace(name=name),  # type: ignore[arg-type]
                server=name,
                client=client,
                app_id="app",
                chunks=self.chunks.get(name, TwiceX()),
                queue_limit=self.queue_limit,
            )
            for name, client in clients.items()
        }
        lanes = [Lane(name, self.slots) for name in self.servers]
        self.run = Run(blocks, sum(map(len, blocks)), lanes, self.rules)
        try:
            yield SweepDriver(self.run, self.space, self.grid, targets, self.keeper, leaves=lambda: self.kernel_ends)
        finally:
            self.keeper.close()
            for client in clients.values():
                await client.aclose()

    async def drive(self, waiting: Sequence[Waiting] = ()) -> str:
        """To its end, within a limit."""
        async with self.driver(waiting) as driver:
            with anyio.fail_after(LIMIT):
                return await driver.drive(waiting)

    def all_right(self) -> bool:
        """Whether every point has its result."""
        return self.grid.done == self.count and bool((self.grid.y == 2 * np.arange(self.count)).all())
