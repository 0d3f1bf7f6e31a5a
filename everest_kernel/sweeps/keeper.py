"""Finished points of one sweep on disk: found again at its start, written in order as they come, off the event loop."""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..wire import ConfigurationError
from .kept import pack_failure, pack_many, point_keys, unpack_failure, unpack_many
from .space import Space

if TYPE_CHECKING:
    from ..records import PointStore

__all__ = ["Keeper", "Known", "Waiting"]

log = logging.getLogger(__name__)
_Numbers = NDArray[np.int64]
_T = TypeVar("_T")


@dataclass(frozen=True)
class Known:
    """What is on disk of some points.

    Attributes:
        groups: points with results of one form each: numbers, values by output, seconds.
        failed: numbers of points that failed, and their errors.
        missing: numbers of points that are to be computed.
    """

    groups: list[tuple[_Numbers, dict[str, NDArray[Any]], NDArray[np.float64]]]
    failed: tuple[_Numbers, list[str]]
    missing: _Numbers


@dataclass(frozen=True)
class Waiting:
    """A chunk that an earlier kernel submitted and of which no end is known."""

    key: str
    job_id: str
    server: str
    lane: str
    numbers: _Numbers


class Keeper:
    """Keeps the points of one program. A disk that cannot be used costs the keeping, not the sweep.

    Args:
        store: of this machine; None keeps nothing.
        content: hash of the program.
        facts: about it, for people, as JSON.
        space: gives the points' values.
    """

    def __init__(self, store: PointStore | None, content: str, facts: str, space: Space) -> None:
        self._store = store
        self._content, self._facts = content, facts
        self._space = space
        self._program = 0
        self._thread = concurrent.futures.ThreadPoolExecutor(1, "everest-points")
        self.problem = ""
        """Why nothing is kept any more; empty when all is well."""

    async def open(self, *, fresh: bool = False, retry_failed: bool = False) -> None:
        """Begin; forget what the user wants computed again."""

        def begin(store: PointStore) -> None:
            self._program = store.program(self._content, self._facts)
            if retry_failed:
                store.forget(self._program, failed_only=True)

        self._fresh = fresh
        await self._do(begin, None)

    async def known(self, numbers: _Numbers) -> Known:
        """What is on disk of these points."""
        nothing = Known([], (np.empty(0, np.int64), []), numbers)
        if self._fresh:
            return nothing
        return await self._do(lambda store: self._known(store, numbers), nothing)

    def _known(self, store: PointStore, numbers: _Numbers) -> Known:
        keys = self._keys(numbers)
        found = store.read(self._program, keys)
        if not found:
            return Known([], (np.empty(0, np.int64), []), numbers)
        states = [found.get(key) for key in keys]
        good = np.array([place for place, state in enumerate(states) if state is not None and state[0]], np.int64)
        bad = np.array([place for place, state in enumerate(states) if state is not None and not state[0]], np.int64)
        groups = [
            (numbers[good[kept.indices]], kept.values, kept.seconds)
            for kept in unpack_many([found[keys[place]][1] for place in good])
        ]
        failures = [unpack_failure(found[keys[place]][1]) for place in bad]
        errors = ["it failed before" if failure is None else failure.error for failure in failures]
        read = np.concatenate([*(group[0] for group in groups), numbers[bad]])
        return Known(groups, (numbers[bad], errors), numbers[~np.isin(numbers, read)])

    # --- while it runs; everything is done in this order

    def save(
        self,
        numbers: _Numbers,
        values: Mapping[str, NDArray[Any]],
        seconds: NDArray[np.float64],
        resource: str,
        job_id: str,
    ) -> None:
        """Keep results."""

        def write(store: PointStore) -> None:
            payloads = pack_many(values, seconds, resource, job_id)
            keys = self._keys(numbers)
            store.write(self._program, [(key, True, payload) for key, payload in zip(keys, payloads, strict=True)])

        self._later(write)

    def save_failed(self, numbers: _Numbers, errors: Sequence[str], resource: str, job_id: str) -> None:
        """Keep failures: they are not computed again either, unless the user says so."""

        def write(store: PointStore) -> None:
            keys = self._keys(numbers)
            told = [pack_failure(error, 0.0, resource, job_id) for error in errors]
            rows = [(key, False, payload) for key, payload in zip(keys, told, strict=True)]
            store.write(self._program, rows)

        self._later(write)

    async def fly(self, key: str, server: str, route: str, numbers: _Numbers) -> None:
        """Note a chunk that is about to be submitted; it is on disk when this returns."""
        await self._do(lambda store: self._fly(store, key, "", server, route, numbers), None)

    def acknowledged(self, key: str, job_id: str, server: str, route: str, numbers: _Numbers) -> None:
        """Note the id of its job."""
        self._later(lambda store: self._fly(store, key, job_id, server, route, numbers))

    def _fly(self, store: PointStore, key: str, job_id: str, server: str, route: str, numbers: _Numbers) -> None:
        from ..records import Flight

        points = b"".join(self._keys(numbers))
        flight = Flight(key=key, points=points, job_id=job_id, server=server, route=route, begun=time.time())
        store.fly(self._program, flight)

    def landed(self, key: str) -> None:
        """The chunk's job is over, and what it gave is kept."""
        self._later(lambda store: store.landed(key))

    async def waiting(self, missing: _Numbers, lanes: Mapping[tuple[str, str], str]) -> list[Waiting]:
        """Chunks of an earlier kernel with points that are still missing.

        Args:
            missing: numbers.
            lanes: server and route to lane.
        """
        return await self._do(lambda store: self._waiting(store, missing, lanes), [])

    def _waiting(self, store: PointStore, missing: _Numbers, lanes: Mapping[tuple[str, str], str]) -> list[Waiting]:
        flights = store.flights(self._program)
        if not flights:
            return []
        numbers = dict(zip(self._keys(missing), missing.tolist(), strict=True))
        found: list[Waiting] = []
        for flight in reversed(flights):  # of a point that several have, the newest: the others were overdue
            lane, keys = lanes.get((flight.server, flight.route)), flight.keys()
            points = [numbers.get(key, -1) for key in keys]
            if lane is None or all(number < 0 for number in points):
                continue
            if not flight.job_id and min(points) < 0:
                continue  # to be submitted once more under its key, it would have to be the same chunk
            for key in keys:
                numbers.pop(key, None)
            found.append(Waiting(flight.key, flight.job_id, flight.server, lane, np.array(points, np.int64)))
        return found[::-1]

    async def settled(self) -> None:
        """Wait until all is on disk."""
        await self._do(lambda store: None, None)

    def close(self) -> None:
        """Finish what is to be written, and drop the oldest points where there are too many."""
        self._later(lambda store: store.prune())
        self._thread.shutdown(wait=False)

    # --- the thread

    def _keys(self, numbers: _Numbers) -> list[bytes]:
        return point_keys(self._space.columns(numbers))

    async def _do(self, work: Callable[[PointStore], _T], otherwise: _T) -> _T:
        return await asyncio.shield(asyncio.wrap_future(self._thread.submit(self._guarded, work, otherwise)))

    def _later(self, work: Callable[[PointStore], object]) -> None:
        self._thread.submit(self._guarded, work, None)

    def _guarded(self, work: Callable[[PointStore], _T], otherwise: _T) -> _T:
        if self._store is None or self.problem:
            return otherwise
        try:
            return work(self._store)
        except ConfigurationError as error:
            self.problem = f"finished points are not kept: {error.message}"
            log.warning("%s", self.problem)
            return otherwise
        except Exception as error:  # whatever it is, the points can be computed without
            self.problem = f"finished points are not kept: {type(error).__name__}: {error}"
            log.exception("the record of finished points cannot be used")
            return otherwise
