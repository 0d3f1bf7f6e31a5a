"""The period of a driven flow's drive, read from its equations."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .expressions import real_symbol
from .names import TIME
from .numeric import evaluated

if TYPE_CHECKING:
    import sympy

    from .system import System

__all__ = ["drive_frequency", "drive_periods"]

_LARGEST = 64
"""Largest denominator of the ratio of two frequencies that have a common period."""


def drive_periods(system: System, values: NDArray[np.float64], period: float | None = None) -> NDArray[np.float64]:
    """The period of the drive at each point.

    Args:
        system: a driven flow.
        values: parameters, shape (parameters, points).
        period: where it is known; else it is read from the equations.

    Returns:
        Shape (points,).

    Raises:
        ValueError: it is not positive, or the equations do not show it.
    """
    if period is not None:
        if not (math.isfinite(period) and period > 0):
            raise ValueError(f"period = {period}: give a positive number")
        return np.full(values.shape[1], float(period))
    frequency = drive_frequency(system)
    if frequency is None:
        raise ValueError(
            f"the equations of {system.name or 'the system'} do not show the period of the drive: give period="
        )
    with np.errstate(all="ignore"):
        periods = 2 * np.pi / np.abs(evaluated(frequency, system, values))
    if not np.isfinite(periods).all():
        raise ValueError(f"the drive has no period where its frequency {frequency} is 0: leave such points out")
    return periods


def drive_frequency(system: System) -> sympy.Expr | None:
    """The angular frequency of the drive, in the parameters, up to its sign.

    Time may occur in sines, cosines and tangents of w t + φ alone; several frequencies must have rational ratios, and
    then their greatest common divisor is meant. None where this is not so, or where time does not occur.
    """
    import sympy

    t = real_symbol(TIME)
    states = {real_symbol(name) for name in system.states}
    found: list[sympy.Expr] = []
    for equation in system.equations:
        waves = [w for w in equation.atoms(sympy.sin, sympy.cos, sympy.tan) if t in w.free_symbols]
        rest = equation.xreplace({wave: sympy.Dummy() for wave in waves})
        slopes = [wave.args[0].diff(t) for wave in waves]
        if t in rest.free_symbols or any(slope.free_symbols & (states | {t}) for slope in slopes):
            return None
        found += slopes
    if not found:
        return None
    ratios = [_ratio(slope / found[0]) for slope in found]
    common = Fraction(0)
    for ratio in ratios:
        if ratio is None:
            return None
        bottom = common.denominator * ratio.denominator
        common = Fraction(math.gcd(common.numerator * ratio.denominator, ratio.numerator * common.denominator), bottom)
    return found[0] * sympy.Rational(common.numerator, common.denominator)


def _ratio(value: sympy.Expr) -> Fraction | None:
    """A number as a simple fraction, where it is one."""
    import sympy

    value = sympy.cancel(value) if value.free_symbols else value
    if not value.is_number:
        return None
    near = Fraction(float(value)).limit_denominator(_LARGEST)
    return near if math.isclose(near, float(value), rel_tol=1e-12) else None
