"""Two integrators on one point: the fixed-step engine beside an adaptive method, for stiff or doubtful cases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .adaptive import AdaptiveSpectrum, adaptive_spectrum
from .classes import ALLOWANCE, OrbitClass, classify
from .numeric import jacobian, rates
from .result import LyapunovSpectrum, kaplan_yorke
from .spectrum import parameter_grid, spectrum
from .starts import starting_states
from .tables import aligned, with_error

if TYPE_CHECKING:
    from .system import System

__all__ = ["IntegratorComparison", "compare_integrators"]

Array = NDArray[np.float64]

_LONGEST = 0.5
"""Time between two orthonormalisations of the adaptive run, unless directions part faster."""
_PARTING = 8.0
"""Largest logarithm by which lengths of vectors part meanwhile: well above tolerances and rounding."""


@dataclass(frozen=True, repr=False)
class IntegratorComparison:
    """Both spectra of one point; its text is a table of them.

    Attributes:
        title: system and parameters.
        fixed: by the classical Runge-Kutta method with a fixed step.
        adaptive: by the adaptive method; of a driven flow with the phase's 0 too.
        method: the adaptive method.
        rtol: its tolerance.
    """

    title: str
    fixed: LyapunovSpectrum
    adaptive: AdaptiveSpectrum
    method: str
    rtol: float

    @property
    def difference(self) -> Array:
        """Fixed minus adaptive exponents, shape (n,); NaN where one of them diverged."""
        return np.asarray(self.fixed.exponents - self.adaptive.exponents)

    @property
    def in_errors(self) -> Array:
        """The difference in standard errors of it, shape (n,); 0 where there is none."""
        error = np.hypot(self.fixed.standard_error, self.adaptive.standard_error)
        with np.errstate(all="ignore"):
            return np.where(self.difference == 0, 0.0, self.difference / error)

    @property
    def agrees(self) -> bool:
        """Whether all differ by no more than 3 standard errors or 3/T, as `classify` counts; or both diverged."""
        if bool(self.fixed.diverged) and self.adaptive.message:
            return True
        near = np.abs(self.difference) <= ALLOWANCE / self.fixed.schedule.T
        return bool((near | (np.abs(self.in_errors) <= 3)).all())

    def __repr__(self) -> str:
        times = self.fixed.schedule
        one, other = f"RK4, dt = {times.dt:g}", f"{self.method}, rtol = {self.rtol:g}"
        rows = [["", one, other, "difference", "in standard errors"]]
        for j, (difference, errors) in enumerate(zip(self.difference, self.in_errors, strict=True)):
            first = with_error(self.fixed.exponents[j], self.fixed.standard_error[j])
            second = with_error(self.adaptive.exponents[j], self.adaptive.standard_error[j])
            rows.append([f"L{j + 1}", first, second, f"{difference:.2g}", f"{round(float(errors), 1) + 0.0:.1f}"])
        sums = [float(self.fixed.sum), float(self.adaptive.exponents.sum())]
        rows.append(["sum", f"{sums[0]:.6g}", f"{sums[1]:.6g}", f"{sums[0] - sums[1]:.2g}"])
        if self.fixed.exact_sum is not None:
            rows.append(["exact sum", *[f"{float(self.fixed.exact_sum):.6g}"] * 2])
        dimensions = [kaplan_yorke(e, tolerance=ALLOWANCE / times.T) for e in self._exponents]
        rows.append(["D_KY", *(f"{float(dimension):.4f}" for dimension in dimensions)])
        rows.append(["class", *(OrbitClass(code).label for code in self._classes)])
        lines = [f"{self.title}: T = {times.T:g}, transient {times.transient:g}", *aligned(rows)]
        lines += [f"{self.method}: {self.adaptive.message}"] * bool(self.adaptive.message)
        return "\n".join([*lines, "They agree." if self.agrees else "They differ: trust neither before you know why."])

    @property
    def _exponents(self) -> tuple[Array, Array]:
        return self.fixed.exponents, self.adaptive.exponents

    @property
    def _classes(self) -> list[int]:
        errors = self.fixed.standard_error, self.adaptive.standard_error
        length, driven = self.fixed.schedule.T, self.fixed.driven
        pairs = zip(self._exponents, errors, strict=True)
        return [int(classify(values, spread, T=length, driven=driven)) for values, spread in pairs]


def compare_integrators(
    system: System,
    parameters: Mapping[str, ArrayLike] | None = None,
    *,
    T: float = 200.0,  # noqa: N803 - the usual symbol
    rtol: float = 1e-9,
    method: str = "DOP853",
    dt: float | None = None,
    transient: float = 50.0,
    start: ArrayLike | None = None,
    code: str = "auto",
) -> IntegratorComparison:
    """The spectrum of one point by the fixed-step engine and by an adaptive integrator of scipy.

    In chaos the two orbits part soon, so their exponents agree within errors only. The adaptive run orthonormalises as
    often as the spectrum found by the other needs it, at least every 0.5.

    Args:
        system: a flow.
        parameters: one number for each name; the system's defaults stand for those not given.
        T: averaging time.
        rtol: relative and absolute tolerance of the adaptive method.
        method: "DOP853", "RK45", or for stiff flows "LSODA", "Radau", "BDF".
        dt: step of the fixed-step method, by default the system's own.
        transient: time dropped before.
        start: shape (n,); the system's own if not given.
        code: of the fixed-step method: `numba`, `numpy` or `auto`.

    Returns:
        Both spectra and their difference.

    Raises:
        ValueError: a map, more than one point, or numbers that do not fit.

    Warns:
        StepWarning: the fixed step is too large.
    """
    if system.kind != "flow":
        raise ValueError("integrators are compared on flows; a map has none")
    values, shape = parameter_grid(system, parameters or {})
    if shape:
        raise ValueError(f"give one parameter point, not a grid of shape {shape}: one number for each name")
    x = np.asarray(system.start if start is None else start, dtype=np.float64)
    first = starting_states(system, x[None] if x.ndim == 1 else x)
    if len(first) > 1:
        raise ValueError(f"give one start, not {len(first)}")
    fixed = spectrum(system, parameters, T=T, dt=dt, transient=transient, starts=first, code=code)
    p, f, jac = values[:, 0], rates(system), jacobian(system)
    adaptive = adaptive_spectrum(
        lambda x, t: f(x, p, t),
        lambda x, t: jac(x, p, t),
        first[0],
        T=T,
        transient=transient,
        renormalize=_interval(fixed),
        method=method,
        rtol=rtol,
        atol=rtol,
    )
    named = ", ".join(f"{name} = {value:g}" for name, value in zip(system.parameters, p, strict=True))
    title = (system.name or "system") + (f", {named}" if named else "")
    return IntegratorComparison(title, fixed, _with_phase(adaptive) if system.driven else adaptive, method, rtol)


def _interval(found: LyapunovSpectrum) -> float:
    """Time between two orthonormalisations in which no direction is lost."""
    shortest = found.schedule.interval
    spread = np.ptp(found.exponents)
    if not np.isfinite(spread):
        return shortest
    return float(min(max(shortest, _PARTING / max(spread, 1e-300)), _LONGEST, found.schedule.T))


def _with_phase(found: AdaptiveSpectrum) -> AdaptiveSpectrum:
    """The spectrum with the exponent of a driven flow's phase, exactly 0; NaN where the orbit diverged."""
    phase = np.nan if found.message else 0.0
    exponents, errors = np.append(found.exponents, phase), np.append(found.standard_error, phase)
    order = np.argsort(-exponents, kind="stable")
    running = np.concatenate([found.running, np.full((len(found.running), 1), phase)], axis=1)
    return replace(found, exponents=exponents[order], standard_error=errors[order], running=running)
