"""An independent check of one parameter point: Lyapunov spectra with an adaptive integrator of scipy.

State and tangent vectors, x' = f(x, t) and V' = J(x, t) V, are integrated together to given tolerances; V is made
orthonormal by Householder's QR after every interval τ, and L_j = (1 / (N τ)) Σ ln |R_jj| (Benettin, Galgani, Giorgilli,
Strelcyn, Meccanica 15 (1980) 9 and 21). Nothing is shared with the fixed-step kernels but this definition.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["AdaptiveSpectrum", "adaptive_spectrum"]

Array = NDArray[np.float64]

METHODS = ("DOP853", "RK45", "LSODA", "Radau", "BDF")

_FAR = 1e8
"""An orbit that goes further from the origin has diverged: short of a blow-up, where some methods never return."""


@dataclass(frozen=True)
class AdaptiveSpectrum:
    """The spectrum at one point.

    Attributes:
        exponents: shape (k,), per unit time, descending. NaN where the orbit diverged.
        standard_error: shape (k,), from the means of blocks of equal time; NaN with one block.
        times: shape (N,): times since the transient's end at which `running` stands.
        running: shape (N, k): exponents as averaged so far, each column a vector, unsorted.
        evaluations: how often f was evaluated, with the transient.
        message: why there are no numbers; empty when there are.
    """

    exponents: Array
    standard_error: Array
    times: Array
    running: Array
    evaluations: int
    message: str = ""


def adaptive_spectrum(
    f: Callable[[Array, float], ArrayLike],
    jac: Callable[[Array, float], ArrayLike],
    start: ArrayLike,
    *,
    T: float = 500.0,  # noqa: N803 - the usual symbol
    transient: float = 50.0,
    renormalize: float = 0.5,
    k: int | None = None,
    method: str = "DOP853",
    rtol: float = 1e-9,
    atol: float = 1e-9,
    blocks: int = 20,
    t0: float = 0.0,
) -> AdaptiveSpectrum:
    """The leading k Lyapunov exponents of one orbit of a flow.

    Args:
        f: f(x, t), the derivatives of the n states.
        jac: jac(x, t), shape (n, n): ∂f_i / ∂x_j.
        start: shape (n,).
        T: averaging time; lengthened a little so that it holds whole blocks of intervals.
        transient: time dropped before; the vectors align meanwhile.
        renormalize: τ, the time between two orthonormalisations; shortened a little if it does not divide T.
        k: number of exponents; all n unless given.
        method: "DOP853" (eighth order; the usual choice), "RK45", or for stiff flows "LSODA", "Radau", "BDF".
        rtol: relative tolerance, of states and of vectors (which have length 1 at the beginning of an interval).
        atol: absolute tolerance.
        blocks: number of blocks from whose means the standard error is taken.
        t0: the time at which a driven flow starts. The exponent of its phase, exactly 0, is not among the results.

    Returns:
        Exponents, errors and their history. When the orbit diverges, NaN and a message with the time.

    Raises:
        ValueError: an unknown method, or numbers or shapes that do not fit.
    """
    x = np.array(start, dtype=np.float64)
    n = x.size
    k = n if k is None else k
    _check(x, k, method, T, transient, renormalize, rtol, atol, blocks)
    intervals = max(1, math.ceil(T / renormalize * (1 - 1e-12)))
    blocks = min(blocks, intervals)
    intervals = math.ceil(intervals / blocks) * blocks
    tau = T / intervals
    run = _Run(f, jac, n, k, method, {"rtol": rtol, "atol": atol}, t0)
    y = np.concatenate([x, np.eye(n, k).reshape(-1)])
    logs = np.empty((intervals, k))
    settling = math.ceil(transient / tau * (1 - 1e-12))
    for interval in range(-settling, intervals):
        y, stretch = run.interval(y, tau)
        if run.message:
            nothing = np.full(k, np.nan)
            return AdaptiveSpectrum(nothing, nothing, np.empty(0), np.empty((0, k)), run.evaluations, run.message)
        if interval >= 0:
            with np.errstate(divide="ignore"):  # a flow that forgets a direction at once has the exponent −inf
                logs[interval] = np.log(stretch)
    return _result(logs, tau, blocks, run.evaluations)


def _check(
    x: Array,
    k: int,
    method: str,
    T: float,  # noqa: N803 - the usual symbol
    transient: float,
    renormalize: float,
    rtol: float,
    atol: float,
    blocks: int,
) -> None:
    if x.ndim != 1 or not x.size or not np.isfinite(x).all():
        raise ValueError(f"start: give n finite numbers, not an array of shape {x.shape} with {x.tolist()}")
    if not 1 <= k <= x.size:
        raise ValueError(f"k = {k}: there are 1 … {x.size} exponents")
    if method not in METHODS:
        raise ValueError(f"method = {method!r}: give one of {', '.join(METHODS)}")
    for name, value in (("T", T), ("renormalize", renormalize), ("rtol", rtol), ("atol", atol), ("blocks", blocks)):
        if not (math.isfinite(value) and value > 0):
            raise ValueError(f"{name} = {value}: give a positive number")
    if not (math.isfinite(transient) and transient >= 0):
        raise ValueError(f"transient = {transient}: give a time of at least 0")
    if renormalize > T:
        raise ValueError(f"renormalize = {renormalize} exceeds T = {T}: no exponent would be measured")


class _Run:
    """The integration, interval after interval; each begins with the step that the last one had reached."""

    def __init__(
        self,
        f: Callable[[Array, float], ArrayLike],
        jac: Callable[[Array, float], ArrayLike],
        n: int,
        k: int,
        method: str,
        tolerances: dict[str, float],
        t0: float,
    ) -> None:
        from scipy import integrate

        self.f, self.jac, self.n, self.k = f, jac, n, k
        self.solver: Any = getattr(integrate, method)
        self.tolerances = tolerances
        self.t0 = self.t = t0
        self.step: float | None = None
        self.evaluations = 0
        self.message = ""

    def derivative(self, t: float, y: Array) -> Array:
        """f(x, t) and J(x, t) V, flat."""
        self.evaluations += 1
        x, v = y[: self.n], y[self.n :].reshape(self.n, self.k)
        out = np.empty_like(y)
        out[: self.n] = self.f(x, t)
        out[self.n :] = (np.asarray(self.jac(x, t), dtype=np.float64) @ v).reshape(-1)
        return out

    def near(self, y: Array) -> bool:
        """Whether the orbit is where numbers mean something."""
        return bool(np.isfinite(y).all() and np.abs(y[: self.n]).max() <= _FAR)

    def interval(self, y: Array, tau: float) -> tuple[Array, Array]:
        """The state after τ with orthonormal vectors, and the |R_jj|; `message` is set if that fails."""
        end = self.t + tau
        first = None if self.step is None else min(self.step, end - self.t)  # which rounding can make less than tau
        longest = 0.0
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # LSODA's; its status says the same
            solver = self.solver(self.derivative, self.t, y, end, first_step=first, **self.tolerances)
            problem = None
            before = -math.inf
            while solver.status == "running" and solver.t > before and self.near(solver.y):
                before = solver.t
                problem = solver.step()
                longest = max(longest, solver.step_size or 0.0)
        if solver.status != "finished" or not self.near(solver.y):
            self.message = f"the orbit diverged at t = {solver.t - self.t0:.6g}" + (f" ({problem})" if problem else "")
            return y, np.empty(0)
        self.t, self.step = end, longest or None
        q, r = np.linalg.qr(solver.y[self.n :].reshape(self.n, self.k))
        return np.concatenate([solver.y[: self.n], q.reshape(-1)]), np.abs(np.diagonal(r))


def _result(logs: Array, tau: float, blocks: int, evaluations: int) -> AdaptiveSpectrum:
    """Means, their errors and the history from the logarithms of each interval, shape (N, k)."""
    with np.errstate(invalid="ignore"):
        means = logs.reshape(blocks, -1, logs.shape[1]).mean(axis=1) / tau
        spread = means.std(axis=0, ddof=1) if blocks > 1 else np.full(logs.shape[1], np.nan)
        times = np.asarray(tau * np.arange(1, len(logs) + 1), dtype=np.float64)
        running = np.cumsum(logs, axis=0) / times[:, None]
    exponents = means.mean(axis=0)
    order = np.argsort(-exponents, kind="stable")
    error = spread / math.sqrt(blocks)
    return AdaptiveSpectrum(exponents[order], error[order], times, running, evaluations)
