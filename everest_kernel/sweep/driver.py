"""Does what the sweep's machine says: submits chunks, follows them, and brings answers to the grid and to the disk."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

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
from .outputs import SweepOutputError
from .run import Action, Cancel, Failed, Launch, Run, Stop
from .space import Space
from .target import ChunkJob, LaneTarget

__all__ = ["SweepDriver"]

_HOPELESS = (AuthenticationError, ConfigurationError, NoResourceError)
"""Errors that the next job of the same lane would meet as well."""
_NOT_THE_POINTS = frozenset({"lost", "start"})
"""Reasons of a failure that say nothing about the points; see the hub's `reason`."""
_Numbers = NDArray[np.int64]


@dataclass
class _Flight:
    """A chunk under way."""

    lane: str
    numbers: _Numbers
    job: ChunkJob
    scope: anyio.CancelScope


class SweepDriver:
    """Drives one sweep to its end. Belongs to the client's event loop.

    Args:
        run: decides.
        space: gives the points' values.
        grid: takes their results.
        targets: by name of the lane.
        keeper: of finished points on disk.
        tell: called after each change.
    """

    def __init__(
        self,
        run: Run,
        space: Space,
        grid: Grid,
        targets: Mapping[str, LaneTarget],
        keeper: Keeper,
        tell: Callable[[], None],
    ) -> None:
        self._run = run
        self._space = space
        self._grid = grid
        self._targets = targets
        self._keeper = keeper
        self._tell = tell
        self._flights: dict[int, _Flight] = {}
        self._events: asyncio.Queue[Callable[[float], Sequence[Action]]] = asyncio.Queue()
        self._stopped: str | None = None
        self._refused: EverestError | None = None
        self.jobs = 0
        """Jobs that were submitted."""

    async def drive(self, waiting: Sequence[Waiting] = ()) -> str:
        """Compute all points; why it stopped before, if it did.

        Args:
            waiting: chunks of an earlier kernel whose jobs may still run: they are followed, not computed again.

        Raises:
            CellError: the points cannot be sent.
            asyncio.CancelledError: it was interrupted; the jobs are cancelled, and the grid has what there is.
        """
        async with anyio.create_task_group() as group:
            for chunk in waiting:
                self._adopt(chunk, group)
            self._act(self._run.start(time.monotonic()), group)
            while self._stopped is None:
                event = await self._next()
                self._act(event(time.monotonic()), group)
                self._tell()
            for flight in self._flights.values():
                flight.scope.cancel()
        if self._refused is not None:
            raise self._refused
        await self._keeper.settled()
        return self._stopped

    def leave(self) -> None:
        """From now on a cancelled drive leaves its jobs running: the kernel ends, the sweep goes on in another one."""
        for flight in self._flights.values():
            flight.job.leaves = True

    # --- events

    async def _next(self) -> Callable[[float], Sequence[Action]]:
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
                    action.lane, action.numbers, ChunkJob(target, len(action.numbers)), anyio.CancelScope()
                )
                self._flights[action.flight] = flight
                group.start_soon(self._fly, action.flight, flight, action.budget)
            elif isinstance(action, Cancel):
                if action.flight in self._flights:
                    self._flights[action.flight].scope.cancel()
            elif isinstance(action, Failed):
                self._give_up(action.numbers, action.errors)
            elif isinstance(action, Stop):
                self._stopped = action.reason

    def _adopt(self, chunk: Waiting, group: anyio.abc.TaskGroup) -> None:
        number = self._run.adopt(chunk.numbers, chunk.lane, time.monotonic())
        job = ChunkJob(self._targets[chunk.lane], len(chunk.numbers), key=chunk.key, job_id=chunk.job_id)
        flight = self._flights[number] = _Flight(chunk.lane, chunk.numbers, job, anyio.CancelScope())
        group.start_soon(self._fly, number, flight, 0.0)

    # --- one chunk

    async def _fly(self, number: int, flight: _Flight, budget: float) -> None:
        """Submit a chunk, wait for its answer, and tell the machine."""
        try:
            with flight.scope:
                event = await self._answer(number, flight, budget)
                self._events.put_nowait(event)
        finally:
            del self._flights[number]

    async def _answer(self, number: int, flight: _Flight, budget: float) -> Callable[[float], Sequence[Action]]:
        job, run = flight.job, self._run

        def started(resource: str) -> None:
            self._events.put_nowait(lambda now: run.started(number, now, resource))

        try:
            if not job.job_id:
                await self._submit(flight, budget)
            answer = await job.follow(started)
        except CellError as error:  # no other chunk could be sent either
            self._refused, self._stopped = error, str(error)
            return lambda now: []
        except _HOPELESS as error:
            told = str(error)
            return lambda now: run.lane_closed(flight.lane, now, told)
        except EverestError as error:
            told, fault = error.message, _points_at_fault(error, job)
            if job.job_id:
                self._keeper.landed(job.key)
            return lambda now: run.lost(number, now, told, points_at_fault=fault)
        done, failed, errors = self._take(answer, flight)
        answered = np.concatenate([done, failed])
        left = flight.numbers[~np.isin(flight.numbers, answered)]
        return lambda now: run.answered(number, now, done, failed, errors, left, answer.seconds)

    async def _submit(self, flight: _Flight, budget: float) -> None:
        job, target = flight.job, flight.job.target
        await self._keeper.fly(job.key, target.server, target.route.name, flight.numbers)
        columns = self._space.columns(flight.numbers)
        self.jobs += 1
        try:
            await job.submit(columns, budget, self._keeper.description(job.key))
        except BaseException:
            self._keeper.landed(job.key)
            raise
        self._keeper.acknowledged(job.key, job.job_id)

    # --- results

    def _take(self, answer: Answer, flight: _Flight) -> tuple[_Numbers, _Numbers, list[str]]:
        """Put an answer into the grid and on disk; numbers of the points with results, and of those that failed."""
        job, done = flight.job, [np.empty(0, np.int64)]
        failed = {int(flight.numbers[place]): error for place, error in answer.failed.items()}
        for group in answer.groups:
            numbers = flight.numbers[group.index]
            try:
                self._grid.put(numbers, group.values, seconds=group.seconds, resource=job.resource, job_id=job.job_id)
            except SweepOutputError as error:
                failed.update((int(number), error.message) for number in numbers)
                continue
            done.append(numbers)
            self._keeper.save(numbers, group.values, group.seconds, job.resource, job.job_id)
        errors = list(failed.values())
        wrong = np.fromiter(failed, np.int64, len(failed))
        if errors:
            self._grid.fail(wrong, errors, resource=job.resource, job_id=job.job_id)
            self._keeper.save_failed(wrong, errors, job.resource, job.job_id)
        self._keeper.landed(job.key)
        return np.concatenate(done), wrong, errors

    def _give_up(self, numbers: _Numbers, errors: Sequence[str]) -> None:
        """Points of which the machine has given up the hope of an answer."""
        self._grid.fail(numbers, list(errors), resource="", job_id="")
        self._keeper.save_failed(numbers, list(errors), "", "")


def _points_at_fault(error: EverestError, job: ChunkJob) -> bool:
    """Whether the points themselves may be the cause: the program ran, and failed or left garbage."""
    return isinstance(error, (JobFailedError, ProtocolError)) and job.reason not in _NOT_THE_POINTS
