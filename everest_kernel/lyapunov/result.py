"""What a computation of Lyapunov exponents gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .classes import classify
from .schedule import Schedule
from .tables import spectrum_text

__all__ = ["LyapunovSpectrum", "kaplan_yorke", "summarize"]

_Array = NDArray[np.float64]

_MANY_STARTS = 8
"""Runs from which the standard error is taken from their means. Those of blocks say too much: what one block has too
much of, the next one has too little."""


@dataclass(frozen=True, repr=False)
class LyapunovSpectrum:
    """Lyapunov exponents per unit time or per iteration (natural logarithm) on a grid of parameters.

    Attributes:
        exponents: shape (…, n) with the grid's shape first; descending. NaN where the orbit diverged.
        standard_error: same shape; from the runs' means when there are at least 8 starts, else from the means of
            blocks of time, which is too large rather than too small (0 when there is only one).
        finite_time: exponents over each block of time, averaged over starts, shape (blocks, …, n); NaN for blocks that
            a tolerance has saved.
        exact_sum: shape of the grid; the sum of all exponents where it is known beforehand, else None.
        time: over which a point was averaged, shape of the grid; less than T where a tolerance was met before.
        schedule: times and step that were used.
        kind: "flow" or "map".
        driven: whether it is a flow that depends on time; the exponent of its phase, exactly 0, is then among these.
        complete: whether there is an exponent for each state; else these are the leading ones.
        starts: how many starting points were averaged.
        kernel: which code ran.
        seconds: how long that took, without compilation.
    """

    exponents: _Array
    standard_error: _Array
    finite_time: _Array
    exact_sum: _Array | None
    time: _Array
    schedule: Schedule
    kind: str
    driven: bool
    complete: bool
    starts: int
    kernel: str
    seconds: float

    @property
    def sum(self) -> _Array:
        """Sum of the exponents. Its distance from `exact_sum` gauges the step: it falls as the step's fourth power."""
        return np.asarray(self.exponents.sum(axis=-1))

    @property
    def diverged(self) -> NDArray[np.bool_]:
        """Where the orbit escaped to infinity."""
        return np.asarray(np.isnan(self.exponents).any(axis=-1))

    @property
    def kaplan_yorke(self) -> _Array:
        """Kaplan-Yorke dimension, with exponents within 3/T of zero counted as zero."""
        return kaplan_yorke(self.exponents, tolerance=3 / self.schedule.T, complete=self.complete)

    @property
    def classes(self) -> NDArray[np.int8]:
        """Codes of `OrbitClass` by `classify`, shape of the grid.

        From leading exponents alone it is the least class that they allow.
        """
        return classify(self.exponents, self.standard_error, T=self.schedule.T, kind=self.kind, driven=self.driven)

    @property
    def convergence(self) -> _Array:
        """What the exponents were after each block of time, shape (blocks, …, n)."""
        count = np.arange(1, len(self.finite_time) + 1).reshape(-1, *[1] * self.exponents.ndim)
        return np.asarray(np.cumsum(self.finite_time, axis=0) / count)

    @property
    def points_per_second(self) -> float:
        """Rate of the computation, all starts of a point together."""
        return self.exponents[..., 0].size / self.seconds if self.seconds else float("inf")

    def __repr__(self) -> str:
        return spectrum_text(self)


def summarize(
    blocks: _Array,
    used: NDArray[np.int64],
    starts: int,
    shape: tuple[int, ...],
    exact_sum: _Array | None,
    schedule: Schedule,
    **ran: Any,
) -> LyapunovSpectrum:
    """Exponents and their errors from block means.

    Args:
        blocks: shape (blocks, n, points · starts), starts of one point beside each other.
        used: how many blocks count, shape (points · starts,).
        starts: how many.
        shape: of the grid.
        exact_sum: shape of the grid, or None.
        schedule: times and step.
        ran: the other attributes of the result.
    """
    count, _, columns = blocks.shape
    points = columns // starts
    valid = np.arange(count)[:, None, None] < used
    with np.errstate(invalid="ignore"):  # -inf - -inf: the error of an exponent that is minus infinity is not known
        runs = _sum(np.where(valid, blocks, 0.0)) / used
        mean = _over_starts(runs, starts) / starts
        if starts >= _MANY_STARTS:
            spread = _over_starts((runs - np.repeat(mean, starts, axis=1)) ** 2, starts)
            error = np.sqrt(spread / (starts * (starts - 1)))
        else:
            away = np.where(valid, (blocks - np.repeat(mean, starts, axis=1)) ** 2, 0.0)
            samples = used.reshape(points, starts).sum(axis=1)
            error = np.sqrt(_over_starts(_sum(away), starts) / (samples * np.maximum(samples - 1, 1)))
        each = [np.where(inside, block, np.nan) for inside, block in zip(valid, blocks)]  # noqa: B905 - Python 3.9
        over = [_over_starts(block, starts) / starts for block in each]
    order = np.argsort(-mean, axis=0, kind="stable")  # Gram-Schmidt sorts them in the limit only
    exponents, errors = (_gridded(np.take_along_axis(a, order, axis=0), shape) for a in (mean, error))
    finite_time = np.stack([_gridded(np.take_along_axis(block, order, axis=0), shape) for block in over])
    time = used.reshape(points, starts).mean(axis=1) * schedule.block_length * schedule.interval
    return LyapunovSpectrum(
        exponents, errors, finite_time, exact_sum, time.reshape(shape), schedule, starts=starts, **ran
    )


def _sum(rows: Any) -> _Array:
    # row after row: numpy's own order of additions depends on how many points there are beside one
    total = np.array(rows[0])
    for row in rows[1:]:
        total += row
    return total


def _over_starts(values: _Array, starts: int) -> _Array:
    """Sum over the starts of each point, shape (n, points)."""
    return _sum([values[:, first::starts] for first in range(starts)])


def _gridded(rows: _Array, shape: tuple[int, ...]) -> _Array:
    return np.ascontiguousarray(rows.T.reshape(*shape, rows.shape[0]))


def kaplan_yorke(exponents: _Array, *, tolerance: float = 0.0, complete: bool = True) -> _Array:
    """Kaplan-Yorke dimension D = k + (L1 + … + Lk) / |L(k+1)|, k the largest with a non-negative partial sum.

    Kaplan and Yorke, in: Functional Differential Equations and Approximation of Fixed Points (1979) 204. 0 when L1 < 0,
    and n when all partial sums are non-negative.

    Args:
        exponents: shape (…, n), descending.
        tolerance: exponents of at most this size count as 0.
        complete: whether these are all exponents; where more would have been needed, the dimension is NaN.

    Returns:
        Shape (…); NaN where an exponent is NaN.
    """
    values = np.where(np.abs(exponents) <= tolerance, 0.0, exponents)
    partial = np.cumsum(values, axis=-1)
    n = values.shape[-1]
    k = (np.cumprod(partial >= 0, axis=-1)).sum(axis=-1)
    last_sum = np.take_along_axis(partial, np.maximum(k - 1, 0)[..., None], axis=-1)[..., 0]
    following = np.take_along_axis(values, np.minimum(k, n - 1)[..., None], axis=-1)[..., 0]
    all_of_them = float(n) if complete else np.nan
    with np.errstate(divide="ignore", invalid="ignore"):
        dimension = np.where(k == 0, 0.0, np.where(k == n, all_of_them, k + last_sum / np.abs(following)))
    return np.where(np.isnan(exponents).any(axis=-1), np.nan, dimension)
