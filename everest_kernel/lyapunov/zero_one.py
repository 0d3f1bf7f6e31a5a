"""The 0-1 test for chaos: from a time series alone, without equations.

A series φ(1), …, φ(N) drives a walk in the plane, z(n) = Σ_{j≤n} φ(j) exp(i c j). The walk stays bounded for regular
dynamics and diffuses for chaotic dynamics, for almost every frequency c. How its mean square displacement grows is
measured by a correlation K_c with time, near 0 or near 1; K is the median of K_c over random c.

Gottwald and Melbourne, SIAM J. Appl. Dyn. Syst. 8 (2009) 129: the modified displacement and the correlation method.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["ZeroOne", "sampling_stride", "zero_one"]

Array = NDArray[np.float64]

SHORTEST = 100
"""Fewer samples are refused: displacements are measured over lags up to a tenth of them."""
STEPS_PER_RANGE = 10.0
"""A series whose range exceeds this many mean steps between neighbours is sampled too finely."""
IMBALANCE = 0.5
"""So is one whose K for slow c exceeds that for fast c by more than this: its power lies at low frequencies."""
CHAOTIC = 0.9
"""K above this is chaos whatever the sampling."""
_REST = 1e-10
"""Relative spread below which a series is constant, but for rounding."""


@dataclass(frozen=True)
class ZeroOne:
    """What the 0-1 test says of each series.

    Attributes:
        K: shape (…); near 0 for regular, near 1 for chaotic dynamics. NaN where a sample is not finite.
        oversampled: shape (…); samples lie so close in time that K near 0 proves nothing.
        stride: shape (…); take every stride-th sample to have about four a period; 1 where that is not needed.
    """

    K: Array
    oversampled: NDArray[np.bool_]
    stride: NDArray[np.int64]

    @property
    def message(self) -> str:
        """What is wrong with the sampling and what to do; empty when nothing is, or when K is near 1 all the same."""
        doubtful = self.oversampled & (self.K < CHAOTIC)
        count = int(doubtful.sum())
        if not count:
            return ""
        stride = int(np.median(self.stride[doubtful]))
        advice = f"keep one sample in {stride} of a longer run" if stride > 1 else "take samples further apart"
        return (
            f"0-1 test: {count} of {self.oversampled.size} series are sampled too finely, so K near 0 does not "
            f"mean regular there; {advice} (about four samples a period)"
        )


def zero_one(series: ArrayLike, *, frequencies: int = 100, seed: int = 0) -> ZeroOne:
    """The 0-1 test on each of many time series.

    The mean of a series is subtracted first. This removes the oscillating term
    V(c, n) = <φ>² (1 − cos nc) / (1 − cos c) of the displacement exactly, and makes K independent of the origin and the
    unit of φ. Frequencies are drawn from (π/5, 4π/5), away from the resonance at 0. A warning says when series are
    sampled too finely.

    Args:
        series: shape (…, samples): iterates of a map, or samples of a flow about a quarter of a period apart, after
            the transient. 1,000 to 5,000 samples are usual.
        frequencies: number of random frequencies c.
        seed: of the random frequencies; the same seed gives the same K.

    Returns:
        K and what is to be said of the sampling, each of shape (…).

    Raises:
        ValueError: fewer than 100 samples, or no frequency.
    """
    values = np.asarray(series, dtype=np.float64)
    samples = values.shape[-1] if values.ndim else 0
    if samples < SHORTEST:
        raise ValueError(f"zero_one: {samples} samples are too few; give at least {SHORTEST}, better 1,000 or more")
    if frequencies < 1:
        raise ValueError(f"zero_one: frequencies = {frequencies}; at least one is needed, 100 are usual")
    c = np.random.default_rng(seed).uniform(np.pi / 5, 4 * np.pi / 5, frequencies)
    rows = values.reshape(-1, samples)
    results = [_test(row, c) for row in rows]
    shape = values.shape[:-1]
    answer = ZeroOne(
        np.array([K for K, _, _ in results], dtype=np.float64).reshape(shape),
        np.array([fine for _, fine, _ in results], dtype=np.bool_).reshape(shape),
        np.array([stride for _, _, stride in results], dtype=np.int64).reshape(shape),
    )
    if answer.message:
        warnings.warn(answer.message, stacklevel=2)
    return answer


def sampling_stride(series: Array) -> int:
    """Samples in about a quarter of a period of one series, shape (samples,); 0 where it is constant or not finite."""
    if not np.isfinite(series).all() or np.std(series) <= _REST * np.abs(series).max(initial=0.0):
        return 0
    return _stride(series)


def _test(series: Array, c: Array) -> tuple[float, bool, int]:
    """K, whether the series is oversampled, and the stride that would mend it."""
    if not np.isfinite(series).all():
        return np.nan, False, 1
    largest = np.abs(series).max()
    scaled = series / largest if largest else series
    scaled = scaled - scaled.mean()
    spread = scaled.std()
    if spread <= _REST:
        return 0.0, False, 1
    scaled = scaled / spread
    correlations = _correlations(scaled, c)
    slow = c < np.median(c)
    imbalance = np.median(correlations[slow]) - np.median(correlations[~slow]) if slow.any() else 0.0
    steps = np.abs(np.diff(scaled))
    fine = bool(np.ptp(scaled) > STEPS_PER_RANGE * steps.mean() or imbalance > IMBALANCE)
    return float(np.median(correlations)), fine, _stride(scaled) if fine else 1


def _correlations(series: Array, c: Array) -> Array:
    """K_c, the correlation of the lags 1 … N/10 with the mean square displacements over them; shape of c."""
    samples = len(series)
    lags = samples // 10
    walk = np.cumsum(series * np.exp(1j * c[:, None] * np.arange(1, samples + 1)), axis=-1)
    displacement = _displacement(walk, lags)
    lag = np.arange(lags) - (lags - 1) / 2
    centred = displacement - displacement.mean(axis=-1, keepdims=True)
    size = np.sqrt((lag**2).sum() * (centred**2).sum(axis=-1))
    return np.asarray(np.divide(centred @ lag, size, out=np.zeros_like(size), where=size > 0))


def _displacement(walk: NDArray[np.complex128], lags: int) -> Array:
    """Mean over j ≤ N − lags of |z(j + n) − z(j)|², for n = 1 … lags; shape (frequencies, lags).

    The cross term is a correlation, made by FFT: N log N instead of N · lags operations.
    """
    samples = walk.shape[-1]
    count = samples - lags
    walk = walk - walk.mean(axis=-1, keepdims=True)  # displacements stay, cancellation lessens
    length = 1 << (samples - 1).bit_length()
    ends = np.fft.fft(walk, length)
    starts = np.fft.fft(walk[:, :count], length)
    cross = np.fft.ifft(ends * starts.conj())[:, 1 : lags + 1].real
    square = np.abs(walk) ** 2
    before = np.concatenate([np.zeros((len(walk), 1)), np.cumsum(square, axis=-1)], axis=-1)
    windows = before[:, count + 1 :] - before[:, 1 : lags + 1]
    return np.asarray((windows + before[:, count, None] - 2 * cross) / count)


def _stride(series: Array) -> int:
    """Samples in a quarter of a period: half the mean distance between successive extremes."""
    rising = np.diff(series) > 0
    extremes = int(np.count_nonzero(rising[1:] != rising[:-1]))
    return max(1, round(len(series) / (2 * max(extremes, 1))))
