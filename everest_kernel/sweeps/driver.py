"""Does what the sweep's machine says: submits chunks, follows them, and brings answers to the grid and to the disk."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import anyio
import numpy as np
from numpy.typing import NDArray

from ..wire import (
    AuthenticationError,
    CellError,
    ConfigurationError,
    EverestError,
    JobFailedError,
    NoResourceError,
    ProtocolError,
)
from .chunks import Answer
from .grid import Grid
from .keeper import Keeper, Waiting
from .run import Action, Cancel, Failed, Launch, Run, Stop
from .space import Space
from .taking import Taker
from .target import ChunkJob, LaneTarget

__all__ = ["SweepDriver"]

_HOPELESS = (AuthenticationError, ConfigurationError, NoResourceError)
"""Errors that the next job of the same lane would meet as well."""
_NOT_THE_POINTS = frozenset({"lost", "start"})
"""Reasons of a failure that say nothing about the points; see the hub's `reason`."""
_BUDGET = 3.0
"""Seconds for an earlier kernel's chunk whose submission was not answered: it is submitted once more."""
_Numbers = NDArray[np.int64]
_Event: TypeAlias = Callable[[float], Sequence[Action]]
"""Tells the machine what has happened, with the time; gives what is to be done."""


@dataclass
class _Flight:
    """A chunk under way."""

    lane: str
    numbers: _Numbers
    job: ChunkJob
    scope: anyio.CancelScope
    runs: bool = False
    answered: bool = False


class SweepDriver:
    """Drives one sweep to its end. Belongs to the client's event loop.

    Args:
        run: decides.
        space: gives the points' values.
        grid: takes their results.
        targets: by name of the lane.
        keeper: of finished points on disk.
        leaves: whether jobs are to go on when the drive is cancelled, because the kernel ends and not the sweep.
        submitted: is told the id of each job, and the name of its server.
    """

    def __init__(
        self,
        run: Run,
        space: Space,
        grid: Grid,
        targets: Mapping[str, LaneTarget],
        keeper: Keeper,
        leaves: Callable[[], bool] = lambda: False,
        submitted: Callable[[str, str], None] = lambda job_id, server: None,
    ) -> None:
        self._run = run
        self._space = space
        self._taker = Taker(grid, keeper)
        self._targets = targets
        self._keeper = keeper
        self._leaves = leaves
        self._submitted = submitted
        self._flights: dict[int, _Flight] = {}
        self._events: asyncio.Queue[_Event] = asyncio.Queue()
        self._stopped: str | None = None  # why, once it is over
        self._refused: Exception | None = None
        self._blamed = ("", "")
        self.jobs = 0
        """Jobs that were submitted."""

    async def drive(self, waiting: Sequence[Waiting] = ()) -> str:
        """Compute all points; why it stopped before, if it did.

        Args:
            waiting: chunks of an earlier kernel whose jobs may still run: they are followed, not computed again.

        Raises:
            CellError: the points cannot be sent.
            EverestError: the results cannot be taken.
            asyncio.CancelledError: it was interrupted; the jobs are cancelled, and the grid has what there is.
        """
        async with anyio.create_task_group() as group:
            for chunk in waiting:
                self._adopt(chunk, group)
            self._act(self._run.start(time.monotonic()), group)
            while self._stopped is None:
                event = await self._next()
                self._act(event(time.monotonic()), group)
            for flight in self._flights.values():
                flight.scope.cancel()
        if self._refused is not None:
            raise self._refused
        while not self._events.empty():  # answers that came too late to count: their jobs are over
            self._events.get_nowait()(time.monotonic())
        await self._keeper.settled()
        return self._stopped or ""

    # --- events

    async def _next(self) -> _Event:
        """The next event: an answer, or the time for which the machine asked."""
        due = self._run.next_tick
        if due is None:
            return await self._events.get()
        with anyio.move_on_after(max(due - time.monotonic(), 0.0)):
            return await self._events.get()
        return self._run.tick

    def _act(self, actions: Sequence[Action], group: anyio.abc.TaskGroup) -> None:
        for action in actions:
            if isinstance(action, Launch):
                target = self._targets[action.lane]
                flight = _Flight(
                    action.lane, action.numbers, self._job(target, len(action.numbers)), anyio.CancelScope()
                )
                self._flights[action.flight] = flight
                group.start_soon(self._fly, action.flight, flight, action.budget)
            elif isinstance(action, Cancel):
                if action.flight in self._flights:
                    self._flights[action.flight].scope.cancel()
            elif isinstance(action, Failed):
                self._taker.fail(action.numbers, action.errors, *self._blamed)
            elif isinstance(action, Stop):
                self._stopped = action.reason

    def _job(self, target: LaneTarget, count: int, *, key: str = "", job_id: str = "") -> ChunkJob:
        return ChunkJob(target, count, leaves=self._leaves, key=key, job_id=job_id)

    def _adopt(self, chunk: Waiting, group: anyio.abc.TaskGroup) -> None:
        number = self._run.adopt(chunk.numbers[chunk.numbers >= 0], chunk.lane, time.monotonic())
        job = self._job(self._targets[chunk.lane], len(chunk.numbers), key=chunk.key, job_id=chunk.job_id)
        flight = self._flights[number] = _Flight(chunk.lane, chunk.numbers, job, anyio.CancelScope())
        group.start_soon(self._fly, number, flight, _BUDGET)

    # --- one chunk

    async def _fly(self, number: int, flight: _Flight, budget: float) -> None:
        """Submit a chunk, wait for its answer, and tell the machine."""
        try:
            with flight.scope:
                event = await self._answer(number, flight, budget)
                self._events.put_nowait(event)
        except Exception as error:  # noqa: BLE001 - it is raised where the sweep is waited for, as it is
            refused = error
            self._events.put_nowait(lambda now: self._refuse(refused))
        finally:
            if not flight.answered and not self._leaves():
                self._keeper.landed(flight.job.key)
            del self._flights[number]

    async def _answer(self, number: int, flight: _Flight, budget: float) -> _Event:
        job, run = flight.job, self._run

        def started(resource: str) -> None:
            flight.runs = True
            self._events.put_nowait(lambda now: run.started(number, now, resource))

        try:
            if not job.job_id:
                await self._submit(flight, budget)
            answer = await job.follow(started, self._queue_limit(flight))
        except CellError as error:  # no other chunk could be sent either
            refused = error
            return lambda now: self._refuse(refused)
        except _HOPELESS as error:
            told = str(error)
            return lambda now: run.lane_closed(flight.lane, now, told)
        except EverestError as error:
            return self._lost(number, job, error)
        flight.answered = True
        return lambda now: self._take(number, flight, answer, now)

    def _take(self, number: int, flight: _Flight, answer: Answer, now: float) -> Sequence[Action]:
        """Take an answer as far as it is the first one: of a point that two jobs have, one answer counts."""
        job, numbers = flight.job, flight.numbers
        wanted = np.where(np.isin(numbers, self._run.open(number)), numbers, -1)
        try:
            done, failed, errors = self._taker.take(answer, wanted, job.resource, job.job_id)
        except (OSError, MemoryError) as error:
            hint = "They are on disk as far as they came; free space, and run the cell again."
            return self._refuse(EverestError(f"there is no room for the results: {error}", hint=hint))
        self._keeper.landed(job.key)  # after what it gave
        left = wanted[(wanted >= 0) & ~np.isin(wanted, np.concatenate([done, failed]))]
        return self._run.answered(number, now, done, failed, errors, left, answer.seconds)

    def _refuse(self, error: Exception) -> Sequence[Action]:
        """Nothing more can be computed."""
        if self._refused is None:
            self._refused, self._stopped = error, str(error)
        return []

    def _queue_limit(self, flight: _Flight) -> float | None:
        """How long it may queue: a lane that computes has not too few resources, and its next jobs wait for it."""
        busy = any(other.runs and other.lane == flight.lane for other in self._flights.values())
        return None if busy else flight.job.target.queue_limit

    def _lost(self, number: int, job: ChunkJob, error: EverestError) -> _Event:
        told, fault = error.message, _points_at_fault(error, job)

        def event(now: float) -> Sequence[Action]:
            self._blamed = (job.resource, job.job_id)  # for points that are given up because of it
            return self._run.lost(number, now, told, points_at_fault=fault)

        return event

    async def _submit(self, flight: _Flight, budget: float) -> None:
        job, target, numbers = flight.job, flight.job.target, flight.numbers
        where = (target.server, target.route.name, numbers)
        await self._keeper.fly(job.key, *where)
        self.jobs += 1
        await job.submit(self._space.columns(numbers), budget)
        self._submitted(job.job_id, target.server)
        self._keeper.acknowledged(job.key, job.job_id, *where)


def _points_at_fault(error: EverestError, job: ChunkJob) -> bool:
    """Whether the points themselves may be the cause: the program ran, and failed or left garbage."""
    return isinstance(error, (JobFailedError, ProtocolError)) and job.reason not in _NOT_THE_POINTS
