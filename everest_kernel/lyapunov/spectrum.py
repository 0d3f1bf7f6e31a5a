"""Lyapunov spectra on grids of parameters."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .codegen import program_for
from .computing import compute
from .engine import Array
from .result import LyapunovSpectrum
from .schedule import Schedule
from .starts import starting_states
from .step_check import StepWarning, step_advice

if TYPE_CHECKING:
    from .system import System

__all__ = ["check_options", "parameter_grid", "schedule_for", "spectrum"]


def spectrum(
    system: System,
    parameters: Mapping[str, ArrayLike] | None = None,
    *,
    T: float | None = None,  # noqa: N803 - the field's symbol
    dt: float | None = None,
    transient: float | None = None,
    renormalize: float | None = None,
    starts: int | Sequence[float] | NDArray[np.float64] = 1,
    leading: int | None = None,
    trace_rule: bool = False,
    tolerance: float | None = None,
    code: str = "auto",
    threads: int | None = None,
    check: bool = True,
) -> LyapunovSpectrum:
    """Lyapunov exponents at every point of a parameter grid, by Benettin's algorithm.

    Args:
        system: a flow or a map; `System.flow`, `System.map`, or one of the catalogue in `systems`.
        parameters: values by name, broadcast against each other; the system's defaults stand for those not given.
        T: averaging time, by default 500; for maps iterations, by default 10,000. One run's L1 scatters by about
            0.15 / √T for Lorenz' classic parameters.
        dt: Runge-Kutta step, by default the system's own.
        transient: time dropped before, by default 50; for maps 1,000. Without it Lorenz' L1 is low by 0.018 at T = 500.
        renormalize: time between two orthonormalisations, by default five steps; for maps one iteration.
        starts: how many starting points are averaged, or the one start, or an array of shape (starts, n).
        leading: how many exponents; by default all n.
        trace_rule: integrate n - 1 vectors only; the last exponent is the mean divergence minus the others.
        tolerance: stop at a point when the standard error of its first exponent is at most this; T is the most then.
        code: `numba`, `numpy`, or `auto` for numba where it is there.
        threads: of the compiled code; by default all processors of this process.
        check: warn when the step is too large, seen from step doubling at a few points.

    Returns:
        Exponents of shape (*grid, n), in descending order, with their standard errors, and more. A driven flow has one
        more, that of the phase, which is exactly 0.

    Raises:
        ValueError: parameters that are missing, unknown, not finite or do not broadcast; times that make no sense.

    Warns:
        StepWarning: the step is too large.
    """
    check_options(system, leading, trace_rule=trace_rule)
    if tolerance is not None and not tolerance > 0:
        raise ValueError(f"tolerance must be a positive number, not {tolerance!r}")
    schedule = schedule_for(system, T=T, dt=dt, transient=transient, renormalize=renormalize)
    values, shape = parameter_grid(system, parameters or {})
    program = program_for(system, leading=leading, trace_rule=trace_rule)
    first = starting_states(system, starts)
    if check and program.flow:
        advice = step_advice(program, values, first[0], schedule)
        if advice:
            warnings.warn(advice, StepWarning, stacklevel=2)
    return compute(program, values, shape, first, schedule, tolerance=tolerance, code=code, threads=threads)


def schedule_for(system: System, **times: float | None) -> Schedule:
    """The times of a computation: what is given, else what suits the system.

    Raises:
        ValueError: a time that makes no sense.
    """
    flow = system.kind == "flow"
    dt = times["dt"] if times["dt"] is not None else system.dt
    if not flow and dt != 1:
        raise ValueError(f"dt is the step of a flow; a map has iterations, and dt = {dt!r} makes no sense")
    usual = {"T": 500.0, "transient": 50.0, "renormalize": 5 * dt}
    if not flow:
        usual = {"T": 10_000.0, "transient": 1000.0, "renormalize": 1.0}
    return Schedule(dt=dt, **usual | {name: time for name in usual if (time := times[name]) is not None})


def parameter_grid(system: System, parameters: Mapping[str, ArrayLike]) -> tuple[Array, tuple[int, ...]]:
    """The parameters of all points, shape (parameters, points) in the system's order, and the shape of their grid.

    Raises:
        ValueError: some are missing, unknown, not finite or do not broadcast.
    """
    unknown = [name for name in parameters if name not in system.parameters]
    known = ", ".join(system.parameters) or "none"
    if unknown:
        raise ValueError(f"{system.name or 'the system'} has no parameter {unknown[0]!r}; its parameters: {known}")
    missing = [name for name in system.parameters if name not in parameters and name not in system.defaults]
    if missing:
        raise ValueError(f"no value for the parameter{'s' * (len(missing) > 1)} {', '.join(missing)}")
    given = [parameters.get(name, system.defaults.get(name)) for name in system.parameters]
    arrays = [np.asarray(value, dtype=np.float64) for value in given if value is not None]
    for name, array in zip(system.parameters, arrays, strict=True):
        if not np.isfinite(array).all():
            raise ValueError(f"{name} has values that are not finite")
    try:
        grids = np.broadcast_arrays(*arrays) if arrays else []
    except ValueError:
        shapes = ", ".join(f"{n} {a.shape}" for n, a in zip(system.parameters, arrays, strict=True))
        raise ValueError(f"the parameters' shapes do not fit together: {shapes}") from None
    shape = grids[0].shape if arrays else ()
    values = np.array([grid.ravel() for grid in grids]).reshape(len(arrays), int(np.prod(shape)))
    return values, shape


def check_options(system: System, leading: int | None, *, trace_rule: bool) -> None:
    """Whether these exponents can be computed.

    Raises:
        ValueError: they cannot.
    """
    n = len(system.states)
    if leading is not None and not 1 <= leading <= n:
        raise ValueError(f"leading must be between 1 and {n}, the number of states, and is {leading!r}")
    if not trace_rule:
        return
    if leading not in (None, n):
        raise ValueError("the trace rule gives the last exponent from all others: it goes without `leading`")
    if n == 1:
        raise ValueError("one state has one exponent: there are no others to take it from")
    if system.kind == "map" and system.constant_sum is None:
        raise ValueError("the sum of this map's exponents is not known beforehand: leave out trace_rule")
