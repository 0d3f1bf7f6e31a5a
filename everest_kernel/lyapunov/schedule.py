"""When what happens while exponents are computed."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["BLOCKS", "Schedule"]

BLOCKS = 20
"""Blocks of equal time from whose means the standard error is estimated."""


@dataclass(frozen=True)
class Schedule:
    """Times, in units of the flow's time; for maps in iterations.

    Attributes:
        T: time over which exponents are averaged.
        dt: step of the classical fourth-order Runge-Kutta method; 1 for maps.
        transient: time before that, dropped; the vectors align meanwhile.
        renormalize: time between two orthonormalisations, a whole number of steps.
    """

    T: float = 500.0
    dt: float = 0.01
    transient: float = 50.0
    renormalize: float = 0.05

    def __post_init__(self) -> None:
        for name in ("T", "dt", "renormalize"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise ValueError(f"{name} must be a positive number, not {value!r}")
        if not (math.isfinite(self.transient) and self.transient >= 0):
            raise ValueError(f"transient must not be negative, and is {self.transient!r}")
        if self.renormalize < self.dt:
            raise ValueError(f"renormalize ({self.renormalize}) is shorter than one step dt ({self.dt})")
        if self.renormalize > self.T:
            raise ValueError(f"T ({self.T}) is shorter than the renormalisation interval ({self.renormalize})")

    @property
    def steps(self) -> int:
        """Steps between two orthonormalisations."""
        return max(round(self.renormalize / self.dt), 1)

    @property
    def interval(self) -> float:
        """Time between two orthonormalisations."""
        return self.steps * self.dt

    @property
    def warm_up(self) -> int:
        """Orthonormalisations in the transient."""
        return round(self.transient / self.interval)

    @property
    def blocks(self) -> int:
        """How many blocks the averaging time is cut into."""
        return min(BLOCKS, max(round(self.T / self.interval), 1))

    @property
    def block_length(self) -> int:
        """Orthonormalisations in one block."""
        return max(round(self.T / self.interval / self.blocks), 1)
