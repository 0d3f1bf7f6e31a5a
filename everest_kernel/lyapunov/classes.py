"""What kind of orbit a spectrum of Lyapunov exponents belongs to, by significance and not by a bare sign."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["OrbitClass", "classify", "significant_sign"]

ALLOWANCE = 3.0
"""Exponents of at most ALLOWANCE / T count as zero. After the time T the zero exponent of a limit cycle is still
ln(v1 / v0) / T, v being the speed at either end of the run: 3 allows for speeds that differ by a factor of 20."""


class OrbitClass(IntEnum):
    """Classes in the order of growing complexity; the codes are kept in files and do not change."""

    DIVERGED = -1
    FIXED_POINT = 0
    PERIODIC = 1
    QUASI_PERIODIC = 2
    CHAOTIC = 3
    HYPERCHAOTIC = 4

    @property
    def label(self) -> str:
        """The name for people, as in `fixed point` or `quasi-periodic`."""
        return "quasi-periodic" if self is OrbitClass.QUASI_PERIODIC else self.name.lower().replace("_", " ")


def significant_sign(
    exponents: ArrayLike,
    standard_error: ArrayLike = 0.0,
    *,
    T: float,  # noqa: N803 - the usual symbol
    z: float = 3.0,
    allowance: float = ALLOWANCE,
) -> NDArray[np.int8]:
    """The sign of each exponent, 0 where it does not differ significantly from zero.

    An exponent is positive only above max(z · standard error, allowance / T), and negative only below minus that.

    Args:
        exponents: any shape.
        standard_error: broadcast against it; NaN, as one block gives, counts as 0.
        T: averaging time: in units of time for a flow, iterations for a map.
        z: standard errors that make a difference significant.
        allowance: the finite-time allowance, times T.

    Returns:
        −1, 0 or 1, same shape; −1 where the exponent is minus infinity, 0 where it is NaN.

    Raises:
        ValueError: T is not positive, or z or the allowance negative.
    """
    if not T > 0:
        raise ValueError(f"T = {T}: the averaging time must be positive")
    if not (z >= 0 and allowance >= 0):
        raise ValueError(f"z = {z}, allowance = {allowance}: neither may be negative")
    values, errors = np.broadcast_arrays(
        np.asarray(exponents, dtype=np.float64), np.asarray(standard_error, dtype=np.float64)
    )
    known = np.isfinite(values) & ~np.isnan(errors)  # a superstable orbit has no meaningful error
    threshold = np.maximum(z * np.where(known, errors, 0.0), allowance / T)
    return (values > threshold).astype(np.int8) - (values < -threshold).astype(np.int8)


def classify(
    exponents: ArrayLike,
    standard_error: ArrayLike = 0.0,
    *,
    T: float,  # noqa: N803 - the usual symbol
    kind: str = "flow",
    driven: bool = False,
    period: ArrayLike | None = None,
    z: float = 3.0,
    allowance: float = ALLOWANCE,
) -> NDArray[np.int8]:
    """The class of each point of a grid from its spectrum.

    Two or more positive exponents: hyperchaotic; one: chaotic. Without any, zeros decide. Flow: none, a fixed point;
    one, periodic; more, quasi-periodic. Map: none, periodic (exponents do not tell a fixed point from a longer cycle:
    give `period`); one or more, quasi-periodic. What the classes cannot know: at a bifurcation a second exponent is
    zero too, so a periodic orbit there is called quasi-periodic; so is every regular orbit of a Hamiltonian flow.

    Args:
        exponents: shape (…, n), in any order along the last axis.
        standard_error: same shape, or broadcast against it.
        T: averaging time: in units of time for a flow, iterations for a map.
        kind: "flow" or "map".
        driven: a flow driven in time; its exponents then contain the exact 0 of the phase, which keeps a response with
            the period of the drive from being called a fixed point.
        period: shape (…), for maps: length of the cycle where known (1 a fixed point), 0 elsewhere.
        z: standard errors that make a difference significant.
        allowance: the finite-time allowance, times T.

    Returns:
        Codes of `OrbitClass`, shape (…). DIVERGED where any exponent is NaN or plus infinity; minus infinity is a
        negative exponent (superstable).

    Raises:
        ValueError: an unknown kind, a driven map, a driven flow without the phase's exponent, or bad T, z, allowance.
    """
    values = np.asarray(exponents, dtype=np.float64)
    if kind not in ("flow", "map"):
        raise ValueError(f'kind = {kind!r}: give "flow" or "map"')
    if values.ndim == 0 or values.shape[-1] == 0:
        raise ValueError(f"exponents of shape {values.shape}: the last axis must hold at least one exponent")
    lost = (np.isnan(values) | (values == np.inf)).any(axis=-1)
    if driven:
        _check_phase(values, lost, kind)
    sign = significant_sign(values, standard_error, T=T, z=z, allowance=allowance)
    positive = (sign > 0).sum(axis=-1)
    neutral = (sign == 0).sum(axis=-1)
    if kind == "map":
        regular = np.where(neutral > 0, OrbitClass.QUASI_PERIODIC, OrbitClass.PERIODIC)
        if period is not None:
            regular = np.where((neutral == 0) & (np.asarray(period) == 1), OrbitClass.FIXED_POINT, regular)
    else:
        regular = np.minimum(neutral, 2)  # FIXED_POINT, PERIODIC, QUASI_PERIODIC
    chaotic = np.where(positive > 1, OrbitClass.HYPERCHAOTIC, OrbitClass.CHAOTIC)
    codes = np.where(lost, OrbitClass.DIVERGED, np.where(positive > 0, chaotic, regular))
    return np.asarray(codes, dtype=np.int8)


def _check_phase(values: NDArray[np.float64], lost: NDArray[np.bool_], kind: str) -> None:
    """A driven flow's spectrum must hold the phase's exponent; without it every verdict would be wrong."""
    if kind == "map":
        raise ValueError("driven = True is for flows; write a driven map with its phase as a state")
    if not ((values == 0).any(axis=-1) | lost).all():
        raise ValueError("driven = True, but a spectrum lacks the exact 0 of the phase; append a 0 to its exponents")
