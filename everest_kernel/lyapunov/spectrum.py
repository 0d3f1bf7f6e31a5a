"""What a computation of Lyapunov exponents gives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .benettin import Schedule

__all__ = ["LyapunovSpectrum", "kaplan_yorke"]


@dataclass(frozen=True)
class LyapunovSpectrum:
    """Lyapunov exponents per unit time (natural logarithm) on a grid of parameters.

    Attributes:
        exponents: shape (…, n) with the grid's shape first; descending. NaN where the orbit diverged.
        standard_error: same shape; from the means of blocks of time (0 when there is only one block).
        exact_sum: shape of the grid; the known sum of all exponents, the mean divergence of the flow.
        schedule: times and step that were used.
        seconds: how long the computation took.
    """

    exponents: NDArray[np.float64]
    standard_error: NDArray[np.float64]
    exact_sum: NDArray[np.float64]
    schedule: Schedule
    seconds: float

    @property
    def sum(self) -> NDArray[np.float64]:
        """Sum of all exponents. Its distance from `exact_sum` gauges the step: it falls as the step's fourth power."""
        return np.asarray(self.exponents.sum(axis=-1))

    @property
    def diverged(self) -> NDArray[np.bool_]:
        """Where the orbit escaped to infinity."""
        return np.asarray(np.isnan(self.exponents).any(axis=-1))

    @property
    def kaplan_yorke(self) -> NDArray[np.float64]:
        """Kaplan-Yorke dimension, with exponents within 3/T of zero counted as zero."""
        return kaplan_yorke(self.exponents, tolerance=3 / self.schedule.T)

    @property
    def points_per_second(self) -> float:
        """Rate of the computation."""
        return self.exponents[..., 0].size / self.seconds if self.seconds else float("inf")


def kaplan_yorke(exponents: NDArray[np.float64], *, tolerance: float = 0.0) -> NDArray[np.float64]:
    """Kaplan-Yorke dimension D = k + (L1 + … + Lk) / |L(k+1)|, k the largest with a non-negative partial sum.

    Kaplan and Yorke, in: Functional Differential Equations and Approximation of Fixed Points (1979) 204. 0 when L1 < 0,
    and n when all partial sums are non-negative.

    Args:
        exponents: shape (…, n), descending.
        tolerance: exponents of at most this size count as 0.

    Returns:
        Shape (…); NaN where an exponent is NaN.
    """
    values = np.where(np.abs(exponents) <= tolerance, 0.0, exponents)
    partial = np.cumsum(values, axis=-1)
    n = values.shape[-1]
    k = (np.cumprod(partial >= 0, axis=-1)).sum(axis=-1)
    last_sum = np.take_along_axis(partial, np.maximum(k - 1, 0)[..., None], axis=-1)[..., 0]
    following = np.take_along_axis(values, np.minimum(k, n - 1)[..., None], axis=-1)[..., 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        dimension = np.where(k == 0, 0.0, np.where(k == n, float(n), k + last_sum / np.abs(following)))
    return np.where(np.isnan(exponents).any(axis=-1), np.nan, dimension)
