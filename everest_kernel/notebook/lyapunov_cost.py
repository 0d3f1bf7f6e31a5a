"""What a `%lyapunov` sweep will take, told before it starts: a rough model of the engine's costs."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass

from ..lyapunov import Schedule, System
from ..lyapunov.program import Program

__all__ = ["Plan", "announcement", "seconds_of"]

# Calibrated on one core of an x86 processor with AVX-512, with Lorenz, Duffing, Hénon and logistic: good to a factor of
# two or three elsewhere. Of each: per component of a stage, per pair of vectors of an orthonormalisation, per call of a
# function such as sin.
_NUMBA_POINT = (0.15e-9, 2e-9, 10e-9)
"""Seconds for one point in compiled code."""
_NUMPY_POINT = (3e-9, 4e-9, 10e-9)
"""Seconds for one point in numpy's loops."""
_NUMPY_GROUP = (1.5e-6, 10e-6, 20e-6)
"""Seconds for one group of points, which numpy's calls take however few the points are."""
_GROUP = 1000
"""Points of a group."""
_WORTH = 1.0
"""Seconds from which on it pays to compute elsewhere."""


@dataclass(frozen=True)
class Plan:
    """What is computed at each point.

    Attributes:
        program: of the system.
        schedule: times and step.
        starts: how many are averaged.
    """

    program: Program
    schedule: Schedule
    starts: int


def seconds_of(system: System, plan: Plan, points: int, code: str) -> float:
    """Roughly the seconds of computing on one processor; a factor of three is no surprise.

    Args:
        system: that is computed.
        plan: how.
        points: how many.
        code: `numba` or `numpy`.
    """
    counts = _counts(system, plan)
    orbits = points * plan.starts
    if code == "numba":
        return orbits * _cost(counts, _NUMBA_POINT)
    return orbits * _cost(counts, _NUMPY_POINT) + -(-orbits // _GROUP) * _cost(counts, _NUMPY_GROUP)


def announcement(system: System, plan: Plan, points: int, code: str) -> str:
    """What the sweep will be, in a line; and a second one where it does not pay.

    Args:
        system: that is computed.
        plan: how.
        points: how many.
        code: `auto`, `numba` or `numpy`.
    """
    fast = seconds_of(system, plan, points, "numpy" if code == "numpy" else "numba")
    other = f" ({_about(seconds_of(system, plan, points, 'numpy'))} where numba is missing)" if code == "auto" else ""
    facts = ", ".join([f"{points:,} point{'s' * (points != 1)}", *_times(system, plan)])
    text = f"{system.name or 'The system'}: {facts}: {_about(fast)} of computing{other}"
    here = "numba" if code != "numpy" and importlib.util.find_spec("numba") is not None else "numpy"
    if seconds_of(system, plan, points, here) < _WORTH:
        text += "\nThat is so little that everest_kernel.lyapunov.spectrum(...) here would do."
    return text


def _times(system: System, plan: Plan) -> list[str]:
    schedule = plan.schedule
    before = f" after {schedule.transient:,g}" if schedule.transient else ""
    starts = [f"{plan.starts} starts"] if plan.starts > 1 else []
    if system.kind == "map":
        return [f"{schedule.T:,g} iterations{before}", *starts]
    return [f"T = {schedule.T:,g}{before}", f"dt = {schedule.dt:g}", *starts]


def _counts(system: System, plan: Plan) -> tuple[float, float, float]:
    """Of one orbit: components of stages, pairs of vectors that are orthonormalised, and calls of functions."""
    import sympy

    schedule, vectors = plan.schedule, plan.program.vectors
    intervals = schedule.warm_up + schedule.blocks * schedule.block_length
    stages = intervals * schedule.steps * (4 if system.kind == "flow" else 1)
    calls = sum(equation.count(sympy.Function) for equation in system.equations)
    return stages * system.dimension * (1 + vectors), intervals * vectors * (vectors + 1), float(stages * calls)


def _cost(counts: tuple[float, float, float], each: tuple[float, float, float]) -> float:
    return sum(count * seconds for count, seconds in zip(counts, each, strict=True))


def _about(seconds: float) -> str:
    """A duration to one digit."""
    if seconds < _WORTH:
        return "under a second"
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 1.5 * size:
            return f"about {float(f'{seconds / size:.1g}'):,g} {unit}"
    return f"about {float(f'{seconds:.1g}'):g} s"
