"""Bifurcation diagrams of a system: the points that suit its kind."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .bifurcation import flow_crossings, flow_maxima, map_iterates, stroboscopic_map
from .bifurcation_points import BifurcationPoints
from .drive import drive_periods
from .numeric import rates, state_index
from .orbits import first_states
from .spectrum import parameter_grid

if TYPE_CHECKING:
    from .system import System

__all__ = ["Section", "bifurcation"]

Array = NDArray[np.float64]

Section = tuple[int | str, float] | tuple[int | str, float, int]
"""A state, the level that it crosses, and the direction: 1 rising (the default), -1 falling, 0 both."""


def bifurcation(
    system: System,
    parameters: Mapping[str, ArrayLike],
    state: int | str = 0,
    *,
    T: float | None = None,  # noqa: N803 - the usual symbol
    dt: float | None = None,
    transient: float | None = None,
    section: Section | None = None,
    period: float | None = None,
    start: ArrayLike | None = None,
) -> BifurcationPoints:
    """Points of a bifurcation diagram along one parameter.

    Maps: the iterates. Autonomous flows: maxima of the state, or its values on a Poincaré section. Driven flows: values
    once a period of the drive, at the phase of t = 0.

    Args:
        system: a flow or a map.
        parameters: the values of one parameter, shape (points,), and numbers for others; the system's defaults stand
            for those not given.
        state: name or index of the state that is shown.
        T: time whose points are kept: 200 for autonomous flows, 100 periods for driven ones (whole ones are taken, of
            the longest drive along the axis), 200 iterations for maps.
        dt: step, by default the system's own; a driven flow has whole steps in a period.
        transient: time dropped before: 200, or 100 periods, or 1,000 iterations.
        section: (state, level) or (state, level, direction), for autonomous flows; its points are taken, not maxima.
        period: of the drive, where the equations do not show it.
        start: shape (n,) or (n, points); the system's own if not given.

    Returns:
        The points with the names of parameter and state; its `picture()` draws them.

    Raises:
        ValueError: not one parameter is varied, or states, times, section or period do not fit.
    """
    index = state_index(system, state)
    values, shape = parameter_grid(system, parameters)
    name = _axis(parameters, shape)
    axis, x = np.asarray(parameters[name], dtype=np.float64), first_states(system, start, shape)
    if section is not None and (system.kind == "map" or system.driven):
        raise ValueError("a section is for autonomous flows: points of maps and driven flows are chosen already")
    if period is not None and not system.driven:
        raise ValueError("period is that of a driven flow: this system does not depend on t")
    f = rates(system)
    label = system.states[index]
    if system.kind == "map":
        if dt not in (None, 1):
            raise ValueError(f"dt is the step of a flow; a map has iterations, and dt = {dt!r} makes no sense")
        keep, dropped = _count(T, 1, 200), _count(transient, 1, 1000)
        points = map_iterates(lambda y, _: f(y, values), axis, x, state=index, transient=dropped, keep=keep)
    elif system.driven:
        periods = drive_periods(system, values, period)
        step, longest = _step(system, dt), float(periods.max(initial=0.0))
        strobe = stroboscopic_map(lambda y, _, t: f(y, values, t), periods, max(math.ceil(longest / step), 1))
        keep, dropped = _count(T, longest, 100), _count(transient, longest, 100)
        points = map_iterates(strobe, axis, x, state=index, transient=dropped, keep=keep)
        label += " once a period of the drive"
    else:
        times: dict[str, Any] = {
            "T": 200.0 if T is None else T,
            "dt": _step(system, dt),
            "transient": 200.0 if transient is None else transient,
        }
        if section is None:
            points = flow_maxima(lambda y, _: f(y, values), axis, x, state=index, **times)
            label = f"maxima of {label}"
        else:
            at, level, direction = (*section, 1)[:3]
            crosses = state_index(system, at)
            places = {"section": crosses, "level": level, "direction": direction}
            points = flow_crossings(lambda y, _: f(y, values), axis, x, state=index, **places, **times)
            label += f" where {system.states[crosses]} = {level:g}"
    return BifurcationPoints(points.parameter, points.value, name, label)


def _axis(parameters: Mapping[str, ArrayLike], shape: tuple[int, ...]) -> str:
    """The parameter that is varied."""
    varied = [name for name, value in parameters.items() if np.ndim(value)]
    if len(varied) != 1 or len(shape) != 1:
        found = ", ".join(varied) or "none"
        raise ValueError(f"a bifurcation diagram has one axis: give one parameter as a list of values, not {found}")
    return varied[0]


def _step(system: System, dt: float | None) -> float:
    step = system.dt if dt is None else dt
    if not (math.isfinite(step) and step > 0):
        raise ValueError(f"dt must be a positive number, not {step!r}")
    return step


def _count(time: float | None, unit: float, usual: int) -> int:
    """Iterations in a time; at least one unless none were asked for."""
    if time is None:
        return usual
    if not (math.isfinite(time) and time >= 0):
        raise ValueError(f"T and transient must not be negative, and one is {time!r}")
    return math.ceil(time / unit * (1 - 1e-12)) if unit else 0
