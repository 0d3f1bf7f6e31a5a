"""The steps of `engine` on numpy's arrays, for machines without numba."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .program import Program
from .schedule import Schedule

__all__ = ["NumpyGroup", "NumpyKernel"]

_Array = NDArray[np.float64]

_CACHE_NUMBERS = 1 << 15
"""Numbers of one work array: five of them stay in a core's second-level cache."""
_LOG_EVERY = 8
"""Orthonormalisations between two logarithms."""
_FAR = (1e-75, 1e75)
"""A product of norms beyond these has its logarithm taken at once: it comes near the ends of what a number can hold."""


class NumpyKernel:
    """Integrates groups of points.

    Attributes:
        points: parameter points of one group.
    """

    def __init__(self, program: Program, schedule: Schedule) -> None:
        self._program, self._schedule = program, schedule
        names: dict[str, Any] = {}
        exec(compile(program.numpy, f"<{program.name or 'system'} for numpy>", "exec"), names)
        self._evaluate: Callable[..., _Array | None] = names["evaluate"]
        width = program.dimension * (1 + program.vectors)
        self.points = max(min(_CACHE_NUMBERS // width, 4096), 32)

    def begin(self, parameters: _Array, start: _Array) -> NumpyGroup:
        """One group of points, after its transient."""
        group = NumpyGroup(self._program, self._schedule, self._evaluate, parameters, start)
        group.average(self._schedule.warm_up)
        return group


class NumpyGroup:
    """Some points with their work arrays, of shape (n, 1 + k, points): the state, then the tangent vectors."""

    def __init__(
        self,
        program: Program,
        schedule: Schedule,
        evaluate: Callable[..., _Array | None],
        parameters: _Array,
        start: _Array,
    ) -> None:
        n, k, points = program.dimension, program.vectors, parameters.shape[1]
        self._flow, self._trace, self._schedule = program.flow, program.trace, schedule
        self._evaluate, self._p = evaluate, np.ascontiguousarray(parameters)
        self._y = np.zeros((n, 1 + k, points))
        self._y[:, 0] = start
        for vector in range(k):
            self._y[vector, 1 + vector] = 1.0
        self._slope, self._at, self._sum, self._work = (np.empty_like(self._y) for _ in range(4))
        self._norms = np.ones((k, points))
        self.integral = np.zeros(points)
        self._intervals = 0

    @property
    def state(self) -> _Array:
        """Where the orbits are, shape (n, points)."""
        return self._y[:, 0]

    def block(self) -> tuple[_Array, _Array]:
        """Means over the next block of time: of local exponents, shape (k, points), and of the divergence."""
        self.integral[:] = 0.0
        exponents = self.average(self._schedule.block_length)
        return exponents, self.integral / (self._schedule.block_length * self._schedule.interval)

    def average(self, intervals: int) -> _Array:
        """Mean exponents over the next so many intervals."""
        total = np.zeros_like(self._norms)
        self._norms.fill(1.0)
        for count in range(1, intervals + 1):
            began = self._intervals * self._schedule.interval
            for step in range(self._schedule.steps):
                if self._flow:
                    self._step(began + step * self._schedule.dt, self._schedule.dt)
                else:
                    self._rates(self._y, self._slope, 0.0, 0.0)
                    self._y, self._slope = self._slope, self._y
            self._intervals += 1
            self._orthonormalise()
            if count % _LOG_EVERY == 0 or count == intervals:
                total += np.log(self._norms)
                self._norms.fill(1.0)
            elif (far := (self._norms < _FAR[0]) | (self._norms > _FAR[1])).any():
                total[far] += np.log(self._norms[far])
                self._norms[far] = 1.0
        return np.asarray(total / (max(intervals, 1) * self._schedule.interval))

    def _rates(self, at: _Array, out: _Array, t: float, weight: float) -> None:
        divergence = self._evaluate(at[:, 0], at[:, 1:], self._p, t, out[:, 0], out[:, 1:])
        if self._trace and divergence is not None:
            self.integral += weight * divergence

    def _step(self, t: float, dt: float) -> None:
        """One step of the classical Runge-Kutta method (Kutta, Z. Math. Phys. 46 (1901) 435)."""
        y, slope, at, total, work = self._y, self._slope, self._at, self._sum, self._work
        self._rates(y, slope, t, dt / 6)
        np.multiply(slope, dt / 6, out=total)
        total += y
        for distance, weight in ((dt / 2, dt / 3), (dt / 2, dt / 3), (dt, dt / 6)):
            np.multiply(slope, distance, out=at)
            at += y
            self._rates(at, slope, t + distance, weight)
            np.multiply(slope, weight, out=work)
            total += work
        self._y, self._sum = total, y

    def _orthonormalise(self) -> None:
        """Modified Gram-Schmidt, Euclidean norm; norms are multiplied onto `_norms`."""
        vectors = self._y[:, 1:]
        for j in range(vectors.shape[1]):
            v = vectors[:, j]
            norm = np.sqrt(_column_sum(v * v))
            self._norms[j] *= norm
            gone = norm == 0.0
            v /= np.where(gone, 1.0, norm)
            if gone.any():  # it has to start anew somewhere
                v[j, gone] = 1.0
            rest = vectors[:, j + 1 :]
            if rest.shape[1]:
                rest -= _column_sum(rest * v[:, None]) * v[:, None]


def _column_sum(rows: _Array) -> _Array:
    # row after row, so that the order of additions does not depend on the number of points
    total: _Array = rows[0].copy()
    for row in rows[1:]:
        total += row
    return total
