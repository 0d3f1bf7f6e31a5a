"""Chaos indicators of a system on grids of parameters: the 0-1 test, and SALI and GALI."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .alignment import Alignment, alignment
from .numeric import runge_kutta, state_index, tangent_rates
from .orbits import orbit, orbit_schedule
from .spectrum import parameter_grid
from .zero_one import SHORTEST, ZeroOne, sampling_stride, zero_one

if TYPE_CHECKING:
    from .system import System

__all__ = ["alignment_of", "zero_one_test"]

Array = NDArray[np.float64]

_PILOT = 4000
"""Steps from which the distance of samples is chosen."""


def zero_one_test(
    system: System,
    parameters: Mapping[str, ArrayLike] | None = None,
    state: int | str = 0,
    *,
    samples: int = 1000,
    every: int | None = None,
    dt: float | None = None,
    transient: float | None = None,
    start: ArrayLike | None = None,
    frequencies: int = 100,
    seed: int = 0,
) -> ZeroOne:
    """The 0-1 test for chaos at every point of a parameter grid.

    Args:
        system: a flow or a map.
        parameters: values by name, broadcast against each other; the system's defaults stand for those not given.
        state: name or index of the state whose values are tested.
        samples: their number, at least 100; 1,000 to 5,000 are usual.
        every: steps between two samples. By default one iteration of a map, and for a flow about a quarter of its
            period: the median over the grid of what 4,000 steps show.
        dt: step, by default the system's own.
        transient: time dropped before, by default 50; for maps 1,000.
        start: shape (n,) or (n, *grid); the system's own if not given.
        frequencies: number of random frequencies c.
        seed: of the random frequencies.

    Returns:
        K and what is to be said of the sampling, each of the grid's shape; NaN where the orbit escaped. A warning says
        when series are sampled too finely.

    Raises:
        ValueError: parameters, the state, times or numbers do not fit.
    """
    index = state_index(system, state)
    if samples < SHORTEST:
        raise ValueError(f"samples = {samples} are too few; give at least {SHORTEST}, better 1,000 or more")
    step = 1.0 if system.kind == "map" else system.dt if dt is None else dt
    if every is None:
        every = 1
        if system.kind == "flow":
            pilot = orbit(system, parameters, T=_PILOT * step, dt=dt, transient=transient, start=start)
            every = _common_stride(pilot.states[:, index].reshape(len(pilot.times), -1).T)
    if every < 1:
        raise ValueError(f"every = {every}: give the number of steps between two samples, at least 1")
    length = (samples - 1) * every * step
    series = orbit(system, parameters, T=length, dt=dt, transient=transient, start=start, every=every).states[:, index]
    return zero_one(np.moveaxis(series, 0, -1), frequencies=frequencies, seed=seed)


def _common_stride(series: Array) -> int:
    """One stride for all series; those at rest and those that escaped have none."""
    strides = [stride for row in series if (stride := sampling_stride(row))]
    return max(round(float(np.median(strides))), 1) if strides else 1


def alignment_of(
    system: System,
    parameters: Mapping[str, ArrayLike] | None = None,
    k: int = 2,
    *,
    T: float | None = None,  # noqa: N803 - the usual symbol
    dt: float | None = None,
    transient: float | None = None,
    start: ArrayLike | None = None,
    every: int = 1,
    stop: float = 1e-14,
    seed: int = 0,
) -> Alignment:
    """SALI and GALI_2 … GALI_k at every point of a parameter grid.

    Args:
        system: a flow or a map.
        parameters: values by name, broadcast against each other; the system's defaults stand for those not given.
        k: number of tangent vectors, 2 … n.
        T: the longest time, by default 100; for maps iterations, by default 1,000.
        dt: Runge-Kutta step, by default the system's own.
        transient: time dropped before, by default 50; for maps 1,000.
        start: shape (n,) or (n, *grid); the system's own if not given.
        every: steps between two records.
        stop: end early once GALI_k is at most this in every orbit.
        seed: of the random first vectors.

    Returns:
        The histories, with the grid's shape in place of the points; `steps` times dt are their times since the
        transient.

    Raises:
        ValueError: parameters, times, starts or k do not fit.
    """
    schedule = orbit_schedule(system, T=T, dt=dt, transient=transient)
    values, shape = parameter_grid(system, parameters or {})
    if not 2 <= k <= system.dimension:
        raise ValueError(f"k = {k} tangent vectors; give 2 … {system.dimension}, the number of states")
    step = schedule.dt
    settled = orbit(system, parameters, T=step, dt=dt, transient=schedule.transient, start=start)
    state = settled.states[0].reshape(system.dimension, -1)
    advance = _Tangent(system, values, step, settled.times[0])
    found = alignment(advance, state, steps=round(schedule.T / step), k=k, every=every, stop=stop, seed=seed)
    parts = {name: getattr(found, name) for name in ("sali", "gali", "state", "vectors")}
    return replace(found, **{name: part.reshape(*part.shape[:-1], *shape) for name, part in parts.items()})


class _Tangent:
    """Steps of the tangent flow or map, one after another: a driven flow needs to know when it is."""

    def __init__(self, system: System, values: Array, dt: float, t: float) -> None:
        self._f, self._values, self._flow = tangent_rates(system), values, system.kind == "flow"
        self._dt, self._begin, self._steps = dt, t, 0

    def __call__(self, x: Array, v: Array) -> tuple[Array, Array]:
        y = np.concatenate([x[:, None], v], axis=1)
        t = self._begin + self._steps * self._dt
        self._steps += 1
        after = self._f(y, self._values, t)
        if self._flow:
            after = runge_kutta(lambda at, later: self._f(at, self._values, t + later), y, after, self._dt)
        return after[:, 0], after[:, 1:]
