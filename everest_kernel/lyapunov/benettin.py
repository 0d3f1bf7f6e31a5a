"""Lyapunov spectra of flows by Benettin's algorithm, many parameter points at a time.

The tangent flow V' = J(x(t)) V is integrated beside the orbit, and V is orthonormalised every τ; with r_j the norm
of the j-th vector before it is normalised,

    L_j = (1 / (N τ)) Σ ln r_j                                     (Benettin, Galgani, Giorgilli, Strelcyn,
                                                                    Meccanica 15 (1980) 9 and 21)

Orthonormalisation is modified Gram-Schmidt in the Euclidean norm. The orbit and its tangent vectors are one array of
shape (n, 1 + k, points), so that a Runge-Kutta step is a few passes over contiguous memory. Points are independent:
the same operations are done on each in the same order whatever its neighbours are, so a result does not depend on
how points are grouped, and one that diverges becomes NaN alone.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Flow", "Schedule", "benettin"]

Array = NDArray[np.float64]

BLOCKS = 20
"""Blocks of equal time from whose means the standard error is estimated."""
CHUNK = 256
"""Points that are integrated together; their arrays stay in a core's cache."""
_LOG_EVERY = 8
"""Renormalisations between two logarithms: their norms are multiplied, which stays far from overflow."""


class Flow(Protocol):
    """An autonomous flow x' = f(x) for many parameter points.

    Attributes:
        dimension: n, the number of states.
        points: number of parameter points.
    """

    @property
    def dimension(self) -> int: ...  # noqa: D102 - see above
    @property
    def points(self) -> int: ...  # noqa: D102 - see above

    def take(self, part: slice) -> Flow:
        """The same flow for some of the points."""

    def derivative(self, y: Array, out: Array) -> None:
        """Write f(x) and J(x) V into `out`.

        Args:
            y: shape (n, 1 + k, points); `y[:, 0]` is the state x and `y[:, 1:]` the k tangent vectors.
            out: same shape.
        """


@dataclass(frozen=True)
class Schedule:
    """When what happens, in units of the flow's time.

    Attributes:
        T: time over which exponents are averaged.
        dt: step of the classical fourth-order Runge-Kutta method.
        transient: time before that, dropped; the vectors align meanwhile.
        renormalize: τ, the time between two orthonormalisations.
    """

    T: float = 500.0
    dt: float = 0.005
    transient: float = 50.0
    renormalize: float = 0.1

    def __post_init__(self) -> None:
        for name in ("T", "dt", "renormalize"):
            value = getattr(self, name)
            if not (np.isfinite(value) and value > 0):
                raise ValueError(f"{name} must be a positive number, not {value!r}")
        if not (np.isfinite(self.transient) and self.transient >= 0):
            raise ValueError(f"transient must not be negative, and is {self.transient!r}")
        if self.renormalize < self.dt:
            raise ValueError(f"renormalize ({self.renormalize}) is shorter than one step dt ({self.dt})")
        if self.renormalize > self.T:
            raise ValueError(f"T ({self.T}) is shorter than the renormalisation interval ({self.renormalize})")

    @property
    def steps(self) -> int:
        """Steps between two orthonormalisations."""
        return max(round(self.renormalize / self.dt), 1)

    @property
    def warm_up(self) -> int:
        """Orthonormalisations in the transient."""
        return round(self.transient / (self.steps * self.dt))

    @property
    def blocks(self) -> int:
        """How many blocks the averaging time is cut into."""
        return min(BLOCKS, max(round(self.T / (self.steps * self.dt)), 1))

    @property
    def block_length(self) -> int:
        """Orthonormalisations in one block."""
        return max(round(self.T / (self.steps * self.dt) / self.blocks), 1)


def benettin(flow: Flow, start: Array, schedule: Schedule) -> tuple[Array, float]:
    """Means of the local exponents in each block of time, in the order of Gram-Schmidt.

    Args:
        flow: the flow with its parameter points.
        start: initial states, shape (n, points).
        schedule: times and step.

    Returns:
        The block means, shape (blocks, n, points), NaN for points that diverged; and the seconds it took.
    """
    began = time.perf_counter()
    found = np.empty((schedule.blocks, flow.dimension, flow.points))
    # overflow of a point that escapes to infinity is not an accident here: it becomes NaN
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for first in range(0, flow.points, CHUNK):
            part = slice(first, min(first + CHUNK, flow.points))
            _Run(flow.take(part), start[:, part], schedule).into(found[:, :, part])
    return found, time.perf_counter() - began


class _Run:
    """One chunk of points with its work arrays."""

    def __init__(self, flow: Flow, start: Array, schedule: Schedule) -> None:
        n, points = flow.dimension, flow.points
        self._flow = flow
        self._schedule = schedule
        self._y = np.empty((n, 1 + n, points))
        self._y[:, 0] = start
        self._y[:, 1:] = np.eye(n)[:, :, None]
        self._k, self._sum, self._at = (np.empty_like(self._y) for _ in range(3))
        self._norms = np.ones((n, points))
        self._work = np.empty((n, points))

    def into(self, found: Array) -> None:
        schedule = self._schedule
        self._average(schedule.warm_up)
        for block in range(schedule.blocks):
            found[block] = self._average(schedule.block_length)
        found[:, :, ~np.isfinite(found).all(axis=(0, 1))] = np.nan

    def _average(self, renormalisations: int) -> Array:
        """Mean exponents over the next so many intervals."""
        total = np.zeros_like(self._norms)
        self._norms.fill(1.0)
        for count in range(1, renormalisations + 1):
            for _ in range(self._schedule.steps):
                self._step(self._schedule.dt)
            self._orthonormalise()
            if count % _LOG_EVERY == 0 or count == renormalisations:
                total += np.log(self._norms)
                self._norms.fill(1.0)
        span = max(renormalisations, 1) * self._schedule.steps * self._schedule.dt
        return np.asarray(total / span)

    def _step(self, dt: float) -> None:
        """One step of the classical Runge-Kutta method (Kutta 1901)."""
        y, k, total, at = self._y, self._k, self._sum, self._at
        derivative = self._flow.derivative
        derivative(y, total)
        np.multiply(total, dt / 2, out=at)
        at += y
        derivative(at, k)
        for half_or_whole in (dt / 2, dt):
            np.multiply(k, half_or_whole, out=at)
            at += y
            k *= 2.0
            total += k
            derivative(at, k)
        total += k
        total *= dt / 6
        y += total

    def _orthonormalise(self) -> None:
        """Modified Gram-Schmidt, Euclidean norm; norms are multiplied onto `_norms`."""
        vectors, work = self._y[:, 1:], self._work
        for j in range(vectors.shape[1]):
            v = vectors[:, j]
            for i in range(j):
                np.multiply(vectors[:, i], v, out=work)
                v -= _column_sum(work) * vectors[:, i]
            np.multiply(v, v, out=work)
            norm = np.sqrt(_column_sum(work))
            v /= norm
            self._norms[j] *= norm


def _column_sum(rows: Array) -> Array:
    # row after row, so that the order of additions does not depend on the number of points
    total: Array = rows[0].copy()
    for row in rows[1:]:
        total += row
    return total
