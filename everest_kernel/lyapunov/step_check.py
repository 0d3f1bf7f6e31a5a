"""Whether a step is small enough: one step against two of half the length, along the orbits of a few points."""

from __future__ import annotations

from typing import Any

import numpy as np

from .engine import Array
from .program import Program
from .schedule import Schedule

__all__ = ["StepWarning", "step_advice"]

_POINTS = 8
_STATES = 16
_MOST_BETWEEN = 15
"""Steps between two of them."""
_TOLERANCE = 3e-3
"""Local error per unit of time, relative to the size of the orbit. For Lorenz at dt = 0.02 it is 1e-3."""


class StepWarning(UserWarning):
    """The step is too large for what is computed."""


def step_advice(program: Program, parameters: Array, start: Array, schedule: Schedule) -> str:
    """What to say of the step; nothing when it is small enough.

    The difference between one step and two half steps of a fourth-order method is 15/16 of the local error, which
    falls as the fifth power of the step (Hairer, Nørsett, Wanner, Solving Ordinary Differential Equations I, II.4).

    Args:
        program: a flow.
        parameters: shape (parameters, points).
        start: the initial state, shape (n,).
        schedule: with the step in question.
    """
    points = parameters.shape[1]
    some = np.unique(np.linspace(0, points - 1, min(points, _POINTS)).astype(int)) if points else np.arange(0)
    if not some.size:
        return ""
    with np.errstate(all="ignore"):
        errors = _errors(program, parameters[:, some], np.repeat(start[:, None], some.size, axis=1), schedule)
    which = int(np.argmax(errors))
    worst = float(errors[which])
    if worst <= _TOLERANCE:
        return ""
    better = schedule.dt * (_TOLERANCE / 10 / worst) ** 0.25 if np.isfinite(worst) else schedule.dt / 10
    where = ", ".join(f"{n} = {v:g}" for n, v in zip(program.parameters, parameters[:, some[which]], strict=True))
    error = f"{worst:.1g} of the orbit's size per unit of time" if np.isfinite(worst) else "without bound"
    return (
        f"dt = {schedule.dt:g} is too large{f' at {where}' if where else ''}: the error of the steps is {error}. "
        f"Try dt = {_rounded(better):g}."
    )


def _errors(program: Program, parameters: Array, start: Array, schedule: Schedule) -> Array:
    """The largest local error at each point; infinite where only the step makes the orbit escape."""
    dt, rates, x = schedule.dt, _rates(program, parameters), start
    between = min(max(round((schedule.T + schedule.transient) / dt / _STATES), 1), _MOST_BETWEEN)
    size, errors = np.abs(x).max(axis=0), np.zeros(x.shape[1])
    lost = np.zeros(x.shape[1], dtype=int)  # the step at which the orbit was seen to be gone
    for sample in range(_STATES):
        for step in range(sample * between, (sample + 1) * between):
            x = _step(rates, x, step * dt, dt)
        t = (sample + 1) * between * dt
        here = np.isfinite(x).all(axis=0)
        lost[~here & (lost == 0)] = (sample + 1) * between
        half = _step(rates, _step(rates, x, t, dt / 2), t + dt / 2, dt / 2)
        size = np.fmax(size, np.abs(x).max(axis=0))
        if sample >= _STATES // 4:  # a start may lie far from where the orbit will be
            error = np.abs(_step(rates, x, t, dt) - half).max(axis=0) / (size * dt)
            errors = np.where(here, np.fmax(errors, error), errors)
    gone = lost > 0
    if gone.any():
        stays = _stays(program, parameters[:, gone], start[:, gone], lost[gone], dt)
        errors[gone] = np.where(stays, np.inf, 0.0)
    return errors


def _stays(program: Program, parameters: Array, start: Array, steps: Any, dt: float) -> Any:
    """Whether orbits that a step has driven away stay with a quarter of it; else it is no fault of the step."""
    rates, x = _rates(program, parameters), start
    for step in range(4 * int(steps.max())):
        x = _step(rates, x, step * dt / 4, dt / 4)
    return np.isfinite(x).all(axis=0)


def _step(rates: Any, x: Array, t: float, dt: float) -> Array:
    first = rates(x, t)
    second = rates(x + dt / 2 * first, t + dt / 2)
    third = rates(x + dt / 2 * second, t + dt / 2)
    fourth = rates(x + dt * third, t + dt)
    return np.asarray(x + dt / 6 * (first + 2 * (second + third) + fourth))


def _rates(program: Program, parameters: Array) -> Any:
    names: dict[str, Any] = {}
    exec(compile(program.numpy, "<generated>", "exec"), names)

    def rates(x: Array, t: float) -> Array:
        out = np.empty_like(x)
        names["rates"](x, parameters, t, out)
        return out

    return rates


def _rounded(step: float) -> float:
    digits = -int(np.floor(np.log10(step)))
    return max(float(np.floor(step * 10**digits) / 10**digits), 10.0**-digits)
