"""Bifurcation data along one parameter: what is left of each orbit after its transient, as points to be drawn.

All parameter values are advanced together, as arrays of shape (n, points). Flows are integrated by the classical
fourth-order Runge-Kutta method with a fixed step; between its steps the orbit is the cubic Hermite polynomial through
states and derivatives at both ends, whose error is of the fourth order like the method's own.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .bifurcation_points import BifurcationPoints
from .numeric import runge_kutta

__all__ = ["flow_crossings", "flow_maxima", "map_iterates", "stroboscopic_map"]

Array = NDArray[np.float64]

RightHandSide = Callable[[Array, Array], Array]
"""f(x, p): states (n, points) and parameter values (points,) to the next state, or to the derivative."""

_FAR = 1e8
"""An orbit that goes further from the origin has diverged."""
_REST = 1e-8
"""A flow whose speed is below this share of 1 + |x| is at rest."""
_HALVINGS = 52
"""Bisections of a step: to the last bit."""


class _Step(NamedTuple):
    """Steps of a flow in which something happened; columns are (parameter value, step) pairs."""

    which: NDArray[np.intp]
    before: Array
    after: Array
    rate_before: Array
    rate_after: Array


def map_iterates(
    f: RightHandSide,
    parameter: ArrayLike,
    start: ArrayLike,
    *,
    state: int = 0,
    transient: int = 1000,
    keep: int = 200,
    far: float = _FAR,
) -> BifurcationPoints:
    """The last iterates of a map for each parameter value.

    Args:
        f: f(x, p), the next states; x of shape (n, points), p of shape (points,).
        parameter: shape (points,).
        start: shape (n,) or (n, points).
        state: index of the state whose values are returned.
        transient: iterations dropped before.
        keep: iterations whose values are returned.
        far: an orbit with a larger state has diverged, and leaves no points.

    Returns:
        `keep` points of each orbit that stayed near, in the order of the parameter values.

    Raises:
        ValueError: shapes or counts do not fit.
    """
    p, x = _begin(parameter, start, state)
    if transient < 0 or keep < 1:
        raise ValueError(f"transient = {transient}, keep = {keep}; give transient ≥ 0 and keep ≥ 1")
    kept = np.empty((keep, len(p)))
    near = np.ones(len(p), dtype=np.bool_)
    with np.errstate(all="ignore"):  # diverging orbits overflow alone
        for step in range(transient + keep):
            x = np.asarray(f(x, p), dtype=np.float64)
            near &= (np.abs(x) <= far).all(axis=0)
            if step >= transient:
                kept[step - transient] = x[state]
    return BifurcationPoints(np.repeat(p[near], keep), kept[:, near].T.reshape(-1))


def flow_maxima(
    f: RightHandSide,
    parameter: ArrayLike,
    start: ArrayLike,
    *,
    T: float,  # noqa: N803 - the usual symbol
    dt: float,
    state: int = 0,
    transient: float = 100.0,
    far: float = _FAR,
) -> BifurcationPoints:
    """Successive local maxima of one state of an autonomous flow for each parameter value.

    Args:
        f: f(x, p), the derivatives; x of shape (n, points), p of shape (points,).
        parameter: shape (points,).
        start: shape (n,) or (n, points).
        T: time during which maxima are taken.
        dt: Runge-Kutta step; the state must not have two extremes in one.
        state: index of the state.
        transient: time dropped before.
        far: an orbit with a larger state has diverged, and leaves no points.

    Returns:
        The maxima, in the order of the parameter values and of time. An orbit that has come to rest leaves one point.

    Raises:
        ValueError: shapes or times do not fit.
    """
    p, x = _begin(parameter, start, state)

    def falls(_: Array, __: Array, rate_before: Array, rate_after: Array) -> NDArray[np.bool_]:
        return np.asarray((rate_before[state] > 0) & (rate_after[state] <= 0))

    steps, x, moving, near = _watch(f, p, x, falls, T, dt, transient, far)
    y0, y1, m0, m1 = steps.before[state], steps.after[state], steps.rate_before[state], steps.rate_after[state]
    value = _hermite(_summit(y0, y1, m0 * dt, m1 * dt), y0, y1, m0 * dt, m1 * dt)
    valid = (moving & near)[steps.which]
    resting = np.flatnonzero(~moving & near)
    return _sorted(p, np.concatenate([steps.which[valid], resting]), np.concatenate([value[valid], x[state, resting]]))


def flow_crossings(
    f: RightHandSide,
    parameter: ArrayLike,
    start: ArrayLike,
    *,
    T: float,  # noqa: N803 - the usual symbol
    dt: float,
    section: int,
    level: float,
    direction: int = 1,
    state: int = 0,
    transient: float = 100.0,
    far: float = _FAR,
) -> BifurcationPoints:
    """One state of an autonomous flow where another crosses a level: a Poincaré section x_i = c.

    Args:
        f: f(x, p), the derivatives; x of shape (n, points), p of shape (points,).
        parameter: shape (points,).
        start: shape (n,) or (n, points).
        T: time during which crossings are taken.
        dt: Runge-Kutta step; two crossings within one are not seen.
        section: i, index of the state that crosses.
        level: c.
        direction: 1 for rising, −1 for falling, 0 for both.
        state: index of the state whose value is returned.
        transient: time dropped before.
        far: an orbit with a larger state has diverged, and leaves no points.

    Returns:
        The values, in the order of the parameter values and of time.

    Raises:
        ValueError: shapes, times or the direction do not fit.
    """
    p, x = _begin(parameter, start, state)
    if not 0 <= section < len(x):
        raise ValueError(f"section = {section}: there are states 0 … {len(x) - 1}")
    if direction not in (-1, 0, 1):
        raise ValueError(f"direction = {direction}: give 1 (rising), -1 (falling) or 0 (both)")

    def crosses(before: Array, after: Array, _: Array, __: Array) -> NDArray[np.bool_]:
        rises = (before[section] < level) & (after[section] >= level)
        falls = (before[section] > level) & (after[section] <= level)
        return np.asarray((rises & (direction >= 0)) | (falls & (direction <= 0)))

    steps, _, _, near = _watch(f, p, x, crosses, T, dt, transient, far)
    ends = [(a[section], a[state]) for a in (steps.before, steps.after)]
    slopes = [(a[section] * dt, a[state] * dt) for a in (steps.rate_before, steps.rate_after)]
    moment = _passage(ends[0][0] - level, ends[1][0] - level, slopes[0][0], slopes[1][0])
    value = _hermite(moment, ends[0][1], ends[1][1], slopes[0][1], slopes[1][1])
    valid = near[steps.which]
    return _sorted(p, steps.which[valid], value[valid])


def stroboscopic_map(f: Callable[[Array, Array, Any], Array], period: float | Array, steps: int = 100) -> RightHandSide:
    """The map of a driven flow from one period of its drive to the next, for `map_iterates`.

    Args:
        f: f(x, p, t), the derivatives; x of shape (n, points), p of shape (points,), t as `period`.
        period: of the drive; a number, or of shape (points,).
        steps: Runge-Kutta steps a period.

    Returns:
        A function of (x, p) that advances states from t = 0 to t = period.

    Raises:
        ValueError: the period or the number of steps is not positive.
    """
    if not np.all(np.asarray(period) > 0) or steps < 1:
        raise ValueError(f"period = {period}, steps = {steps}: both must be positive")
    h = period / steps

    def advance(x: Array, p: Array) -> Array:
        def at(t: Any, y: Array, later: Any) -> Array:
            return f(y, p, t + later)

        for step in range(steps):
            x = runge_kutta(partial(at, step * h), x, f(x, p, step * h), h)
        return x

    return advance


def _begin(parameter: ArrayLike, start: ArrayLike, state: int) -> tuple[Array, Array]:
    p = np.asarray(parameter, dtype=np.float64)
    x = np.array(start, dtype=np.float64)
    x = x[:, None] if x.ndim == 1 else x
    if p.ndim != 1 or x.ndim != 2 or x.shape[1] not in (1, len(p)):
        raise ValueError(f"parameter of shape {p.shape}, start of shape {x.shape}; give (points,) and (n,)")
    if not 0 <= state < len(x):
        raise ValueError(f"state = {state}: there are states 0 … {len(x) - 1}")
    return p, np.array(np.broadcast_to(x, (len(x), len(p))))


def _watch(
    f: RightHandSide,
    p: Array,
    x: Array,
    happens: Callable[[Array, Array, Array, Array], NDArray[np.bool_]],
    T: float,  # noqa: N803 - the usual symbol
    dt: float,
    transient: float,
    far: float,
) -> tuple[_Step, Array, NDArray[np.bool_], NDArray[np.bool_]]:
    """Steps in which it happens, the last states, and which orbits still move and which stayed near."""
    if not (dt > 0 and dt <= T and transient >= 0):
        raise ValueError(f"T = {T}, dt = {dt}, transient = {transient}; give dt > 0, T ≥ dt and transient ≥ 0")
    found = [_Step(np.empty(0, dtype=np.intp), *(np.empty((len(x), 0)) for _ in range(4)))]
    near = np.ones(len(p), dtype=np.bool_)
    dropped = round(transient / dt)
    with np.errstate(all="ignore"):  # diverging orbits overflow alone
        rate = np.asarray(f(x, p), dtype=np.float64)
        for step in range(dropped + round(T / dt)):
            after = runge_kutta(lambda y, _: f(y, p), x, rate, dt)
            rate_after = np.asarray(f(after, p), dtype=np.float64)
            near &= (np.abs(after) <= far).all(axis=0)
            if step >= dropped:
                which = np.flatnonzero(happens(x, after, rate, rate_after) & near)
                if which.size:
                    found.append(_Step(which, *(a[:, which] for a in (x, after, rate, rate_after))))
            x, rate = after, rate_after
        moving = np.abs(rate).max(axis=0) > _REST * (1 + np.abs(x).max(axis=0))
    steps = _Step(
        np.concatenate([step.which for step in found]),
        *(np.concatenate([step[j] for step in found], axis=1) for j in range(1, 5)),
    )
    return steps, x, moving, near


def _hermite(s: Array, y0: Array, y1: Array, m0: Array, m1: Array) -> Array:
    """The cubic with values y and slopes m at the ends, at s in [0, 1]."""
    r = 1 - s
    return np.asarray(r * r * (1 + 2 * s) * y0 + s * s * (1 + 2 * r) * y1 + s * r * (r * m0 - s * m1))


def _summit(y0: Array, y1: Array, m0: Array, m1: Array) -> Array:
    """Where the cubic's derivative, a parabola with m0 > 0 ≥ m1, passes through zero."""
    a = 3 * (m0 + m1) - 6 * (y1 - y0)
    b = 6 * (y1 - y0) - 4 * m0 - 2 * m1
    root = np.sqrt(np.maximum(b * b - 4 * a * m0, 0.0))
    # Of the two roots, the one where the derivative falls; written so that nothing cancels.
    with np.errstate(all="ignore"):
        s = np.where(b > 0, (-b - root) / (2 * a), 2 * m0 / (root - b))
    return np.asarray(np.clip(s, 0.0, 1.0))


def _passage(y0: Array, y1: Array, m0: Array, m1: Array) -> Array:
    """Where the cubic, whose ends have different signs, is zero; by bisection, which cannot leave the step."""
    low, high = np.zeros_like(y0), np.ones_like(y0)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        same = np.sign(_hermite(middle, y0, y1, m0, m1)) == np.sign(y0)
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    return np.asarray((low + high) / 2)


def _sorted(p: Array, which: NDArray[np.intp], value: Array) -> BifurcationPoints:
    order = np.argsort(which, kind="stable")
    return BifurcationPoints(p[which[order]], value[order])
