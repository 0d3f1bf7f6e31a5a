"""Where orbits start."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from .system import System

__all__ = ["starting_states"]

_SPREAD = 0.05
"""Relative distance of further starts from the first, which is on or near the attractor."""
_SEED = 1963


def starting_states(system: System, starts: int | Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
    """Initial states, shape (starts, n).

    Args:
        system: of which the first start is taken if none is given.
        starts: how many, or the one start, shape (n,), or all, shape (starts, n).

    Raises:
        ValueError: none, or of another shape, or not finite.
    """
    n = len(system.states)
    if isinstance(starts, (int, np.integer)):
        if starts < 1:
            raise ValueError(f"starts must be at least 1, and is {starts}")
        first = np.asarray(system.start, dtype=np.float64)
        noise = np.random.default_rng(_SEED).uniform(-1, 1, (int(starts), n))
        noise[0] = 0.0
        given = first + _SPREAD * noise * (np.abs(first) + 0.1 * max(np.abs(first).max(initial=0.0), 0.1))
    else:
        given = np.atleast_2d(np.asarray(starts, dtype=np.float64))
    if given.ndim != 2 or given.shape[1] != n or not len(given):
        raise ValueError(f"starts must have the shape ({n},) or (starts, {n}), not {np.shape(starts)}")
    if not np.isfinite(given).all():
        raise ValueError("starts has values that are not finite")
    return np.asarray(given)
