"""Alignment indices SALI and GALI_k: chaos told from order by how tangent vectors fall together.

Vectors are normalised at every step but never made orthogonal. In a chaotic orbit all of them turn to the most
unstable direction, and the volume they span vanishes exponentially; on a torus it stays or falls as a power of time.

    SALI   = min(|v1 + v2|, |v1 − v2|)                      (Skokos, J. Phys. A 34 (2001) 10029)
    GALI_k = |v1 ∧ … ∧ vk|, the volume of unit vectors      (Skokos, Bountis, Antonopoulos, Physica D 231 (2007) 30)

Chaos: GALI_k ~ exp(−[(L1 − L2) + … + (L1 − Lk)] t), and SALI as GALI_2, since 2 GALI_2 = |v1 + v2| |v1 − v2|. In
dissipative systems an orbit on a limit cycle aligns exponentially too (at L1 − L2 = |L2|): there the indices tell the
rate, and only the spectrum tells the kind.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Advance", "Alignment", "alignment", "gali", "sali", "tangent_vectors"]

Array = NDArray[np.float64]

Advance = Callable[[Array, Array], tuple[Array, Array]]
"""One step: state (n, points) and unit vectors (n, k, points) to the next of each, vectors by the tangent map.

Vectors need not come back normalised.
"""


@dataclass(frozen=True)
class Alignment:
    """Histories of the indices.

    Attributes:
        steps: shape (records,): steps after which the rest was taken; begins with 0.
        sali: shape (records, points); in [0, √2]. NaN once an orbit has diverged.
        gali: shape (records, k, points); `gali[:, j]` is GALI_(j+1) in [0, 1], GALI_1 = 1.
        state: shape (n, points); the last state.
        vectors: shape (n, k, points); the last unit vectors.
    """

    steps: NDArray[np.int64]
    sali: Array
    gali: Array
    state: Array
    vectors: Array


def alignment(
    advance: Advance,
    state: ArrayLike,
    *,
    steps: int,
    k: int = 2,
    every: int = 1,
    stop: float = 1e-14,
    vectors: ArrayLike | None = None,
    seed: int = 0,
) -> Alignment:
    """SALI and GALI_2 … GALI_k along orbits, many at a time.

    Args:
        advance: moves states and unit vectors on by one step; see `Advance`.
        state: shape (n, points) or (n,); starts, after the transient.
        steps: the most steps to make.
        k: number of tangent vectors, 2 … n.
        every: steps between two records.
        stop: end early once GALI_k is at most this in every orbit; below about 1e-15 it is rounding.
        vectors: shape (n, k, points) or (n, k), to begin with; otherwise `tangent_vectors(n, k, seed)`.
        seed: of the random first vectors.

    Returns:
        The histories.

    Raises:
        ValueError: k, steps or shapes do not fit.
    """
    x = np.array(state, dtype=np.float64)
    x = x[:, None] if x.ndim == 1 else x
    if x.ndim != 2:
        raise ValueError(f"alignment: state has shape {x.shape}; give (n,) or (n, points)")
    v = tangent_vectors(len(x), k, seed) if vectors is None else np.array(vectors, dtype=np.float64)
    v = v[:, :, None] if v.ndim == 2 else v
    if v.ndim != 3 or len(v) != len(x) or not 2 <= v.shape[1] <= len(x):
        raise ValueError(f"alignment: vectors of shape {v.shape} for {len(x)} states; give (n, k, points), 2 ≤ k ≤ n")
    if steps < 1 or every < 1:
        raise ValueError(f"alignment: steps = {steps}, every = {every}; both must be at least 1")
    v = _unit(np.broadcast_to(v, (*v.shape[:2], x.shape[1])))
    taken, first, volumes = [0], [sali(v)], [gali(v)]
    with np.errstate(all="ignore"):  # diverged orbits become NaN alone
        for step in range(1, steps + 1):
            x, v = advance(x, v)
            v = _unit(v)
            if step % every and step != steps:
                continue
            taken.append(step)
            first.append(sali(v))
            volumes.append(gali(v))
            if not (volumes[-1][-1] > stop).any():
                break
    return Alignment(np.array(taken), np.array(first), np.array(volumes), x, v)


def sali(vectors: ArrayLike) -> Array:
    """The smaller alignment index of the first two vectors.

    Args:
        vectors: shape (n, k, …), k ≥ 2; of any length, they are normalised here.

    Returns:
        Shape (…): 0 for parallel or antiparallel vectors, √2 for orthogonal ones.
    """
    v = _unit(np.asarray(vectors, dtype=np.float64))
    return np.minimum(_norm(v[:, 0] + v[:, 1]), _norm(v[:, 0] - v[:, 1]))


def gali(vectors: ArrayLike) -> Array:
    """Volumes spanned by the first 1, 2, …, k unit vectors.

    The volume is the product of what is left of each vector beside those before it, as modified Gram-Schmidt gives
    it. Determinants of all k × k minors, as first published, give the same at a higher cost and to fewer digits.

    Args:
        vectors: shape (n, k, …); of any length, they are normalised here.

    Returns:
        Shape (k, …): GALI_1 = 1, GALI_2, …, GALI_k.
    """
    v = _unit(np.array(vectors, dtype=np.float64))
    volumes = np.ones(v.shape[1:])
    for j in range(v.shape[1]):
        rest = _norm(v[:, j])
        volumes[j] = rest * volumes[j - 1] if j else rest
        axis = v[:, j] / np.where(rest > 0, rest, 1.0)
        for later in range(j + 1, v.shape[1]):
            v[:, later] -= axis * (axis * v[:, later]).sum(axis=0)
    return volumes


def tangent_vectors(n: int, k: int, seed: int = 0) -> Array:
    """Random orthonormal vectors to begin with: GALI_k = 1.

    Args:
        n: number of states.
        k: number of vectors, 1 … n.
        seed: the same seed gives the same vectors.

    Returns:
        Shape (n, k).

    Raises:
        ValueError: there are no k independent vectors in n dimensions.
    """
    if not 1 <= k <= n:
        raise ValueError(f"tangent_vectors: k = {k} vectors in {n} dimensions; k must be 1 … {n}")
    q, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((n, k)))
    return np.asarray(q)


def _norm(v: Array) -> Array:
    """Euclidean length over the first axis."""
    return np.asarray(np.sqrt((v * v).sum(axis=0)))


def _unit(v: Array) -> Array:
    """Vectors of length 1; NaN where there is no direction."""
    with np.errstate(all="ignore"):
        largest = np.abs(v).max(axis=0)  # first, so that squares neither overflow nor vanish
        v = v / largest
        return np.asarray(v / _norm(v))
