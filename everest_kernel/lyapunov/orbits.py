"""Orbits of a system, at many parameter points at a time, sampled in time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .numeric import rates, runge_kutta
from .schedule import Schedule
from .spectrum import parameter_grid, schedule_for

if TYPE_CHECKING:
    from .system import System

__all__ = ["Orbit", "first_states", "orbit", "orbit_schedule"]

Array = NDArray[np.float64]


class Orbit(NamedTuple):
    """Sampled trajectories.

    Attributes:
        times: shape (samples,); since the start, so the first is the transient. Iterations for maps.
        states: shape (samples, n, *grid). NaN from where an orbit has escaped to infinity.
    """

    times: Array
    states: Array


def orbit(
    system: System,
    parameters: Mapping[str, ArrayLike] | None = None,
    *,
    T: float | None = None,  # noqa: N803 - the usual symbol
    dt: float | None = None,
    transient: float | None = None,
    start: ArrayLike | None = None,
    every: int = 1,
) -> Orbit:
    """Trajectories at every point of a parameter grid, by the classical Runge-Kutta method; maps are iterated.

    Args:
        system: a flow or a map.
        parameters: values by name, broadcast against each other; the system's defaults stand for those not given.
        T: time that is sampled, by default 100; for maps iterations, by default 1,000.
        dt: step, by default the system's own.
        transient: time dropped before, by default 50; for maps 1,000.
        start: shape (n,), or (n, *grid) for a start of each point's own; the system's start if not given. A driven
            flow starts at t = 0.
        every: steps between two samples.

    Returns:
        Times and states. The first sample is the state after the transient.

    Raises:
        ValueError: parameters, times, starts or `every` do not fit.
    """
    schedule = orbit_schedule(system, T=T, dt=dt, transient=transient)
    values, shape = parameter_grid(system, parameters or {})
    x = first_states(system, start, shape)
    if every < 1:
        raise ValueError(f"every = {every}: give the number of steps between two samples, at least 1")
    f, dt, flow = rates(system), schedule.dt, system.kind == "flow"
    dropped, steps = round(schedule.transient / dt), round(schedule.T / dt)
    states = np.empty((steps // every + 1, *x.shape))
    with np.errstate(all="ignore"):  # an orbit that escapes becomes NaN alone
        for step in range(dropped + steps + 1):
            sample, between = divmod(step - dropped, every)
            if step >= dropped and not between:
                states[sample] = x
            t = step * dt
            slope = f(x, values, t)
            x = runge_kutta(lambda y, later, t=t: f(y, values, t + later), x, slope, dt) if flow else slope  # type: ignore[misc]
    lost = np.logical_or.accumulate(~np.isfinite(states).all(axis=1, keepdims=True), axis=0)
    times = dt * (dropped + every * np.arange(len(states), dtype=np.float64))
    return Orbit(times, np.where(lost, np.nan, states).reshape(len(states), system.dimension, *shape))


def orbit_schedule(
    system: System,
    *,
    T: float | None,  # noqa: N803 - the usual symbol
    dt: float | None,
    transient: float | None,
) -> Schedule:
    """Times of an orbit: what is given, else what suits the system; nothing is orthonormalised.

    Raises:
        ValueError: a time that makes no sense.
    """
    flow = system.kind == "flow"
    step = dt if dt is not None else system.dt
    length = T if T is not None else max(100.0, step) if flow else 1000.0
    if 0 < length < step:
        raise ValueError(f"T ({length}) is shorter than one step ({step})")
    return schedule_for(system, T=length, dt=dt, transient=transient, renormalize=step)


def first_states(system: System, start: ArrayLike | None, shape: tuple[int, ...]) -> Array:
    """Initial states of all points, shape (n, points).

    Args:
        system: whose start is taken if none is given.
        start: shape (n,), (n, points) or (n, *grid).
        shape: of the grid.

    Raises:
        ValueError: another shape, or not finite.
    """
    n, points = system.dimension, int(np.prod(shape))
    given = np.asarray(system.start if start is None else start, dtype=np.float64)
    if given.shape not in ((n,), (n, points), (n, *shape)):
        raise ValueError(f"start of shape {given.shape}: give ({n},) or one for each point, {(n, *shape)}")
    if not np.isfinite(given).all():
        raise ValueError("start has values that are not finite")
    return np.array(np.broadcast_to(given.reshape(n, -1), (n, points)))
