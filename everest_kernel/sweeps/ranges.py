"""Ranges of values, in equal steps or as powers, of which none is computed before it is asked for.

Decimals are exact: ends and steps are fractions, and each value is the float that is nearest to the true one. So
`0:1:0.1s` has 0.3 and not 0.30000000000000004, a value does not depend on which others are asked for with it, and a
range that is made wider or finer keeps the values that it had, bit for bit.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..wire import CellOptionError

__all__ = ["Indices", "Powers", "Steps", "Values", "places_of"]

Indices = NDArray[np.int64]

_EXACT = 2**53
"""Integers below it are floats without loss."""
_INT64 = 2**63
_CACHED = 65_536


class Values(Protocol):
    """The values of one parameter along an axis.

    Attributes:
        size: how many there are.
        kind: `int`, `float`, `bool`, `text` or `object`.
    """

    @property
    def size(self) -> int: ...  # noqa: D102 - see above
    @property
    def kind(self) -> str: ...  # noqa: D102 - see above

    def take(self, indices: Indices) -> NDArray[Any]:
        """The values at these places, each in 0 … size - 1; shape (n,)."""

    def draw(self, unit: NDArray[np.float64]) -> NDArray[Any]:
        """One value for each number in [0, 1): from the whole range where it is continuous, else one of the values."""

    def describe(self, *, drawn: bool = False) -> str:
        """Range, kind and count in a few words; `drawn`: as what a sample is drawn from."""


@dataclass(frozen=True)
class Steps:
    """`first + index * step`, exactly rounded.

    Args:
        first: the first value.
        step: may be negative.
        size: number of values.
        integral: whether the values are ints; `first` and `step` are then whole.

    Raises:
        CellOptionError: a value would not fit 64 bits.
    """

    first: Fraction
    step: Fraction
    size: int
    integral: bool

    def __post_init__(self) -> None:
        ends = (self.first, self.last)
        if self.integral and not all(-_INT64 <= end < _INT64 for end in ends):
            raise CellOptionError("whole numbers beyond 64 bits", hint="Write the range with decimals, such as 1e20.")
        if any(abs(end) > Fraction(sys.float_info.max) for end in ends):
            raise CellOptionError("numbers beyond the range of floats")

    @property
    def last(self) -> Fraction:
        """The last value."""
        return self.first + (self.size - 1) * self.step

    @property
    def kind(self) -> str:
        """`int` or `float`."""
        return "int" if self.integral else "float"

    @cached_property
    def _parts(self) -> tuple[int, int, int]:
        """Integers p, r, q: the value is (p + r * index) / q."""
        q = math.lcm(self.first.denominator, self.step.denominator)
        return int(self.first * q), int(self.step * q), q

    @cached_property
    def _small(self) -> bool:
        """Whether numerator and denominator are floats without loss: their quotient is then rounded once, by IEEE."""
        p, r, q = self._parts
        return max(abs(p), abs(p + r * (self.size - 1)), abs(r) * self.size, q) < _EXACT

    @cached_property
    def _table(self) -> NDArray[np.float64]:
        return self._divide(range(self.size))

    def _divide(self, indices: Sequence[int]) -> NDArray[np.float64]:
        p, r, q = self._parts  # Python's quotient of two ints is correctly rounded, however large they are
        return np.array([(p + r * index) / q for index in indices], np.float64)

    def take(self, indices: Indices) -> NDArray[Any]:
        """See `Values`: int64 or float64."""
        p, r, q = self._parts
        if self.integral:
            # r alone may be beyond 64 bits where there is one value only; products wrap, and their sum is right again
            return p + indices * r if abs(r) < _INT64 else np.array([p + r * i for i in indices.tolist()], np.int64)
        if self._small:
            return np.asarray((p + r * indices) / q, np.float64)
        if self.size <= _CACHED:
            return self._table[indices]
        return self._divide(indices.tolist())

    def draw(self, unit: NDArray[np.float64]) -> NDArray[Any]:
        """See `Values`: ints are some of the values; floats are anywhere between the ends."""
        if self.integral:
            return self.take(places_of(unit, self.size))
        low, high = sorted((float(self.first), float(self.last)))
        return np.clip(low + unit * (high - low), low, high)

    def describe(self, *, drawn: bool = False) -> str:
        """See `Values`."""
        if self.size == 1:
            return f"{self._text(self.first)} ({self.kind})"
        if drawn and not self.integral:
            return f"{self._text(self.first)} to {self._text(self.last)} (float)"
        step = f"step {self._text(self.step)}"
        return f"{self._text(self.first)} to {self._text(self.last)}, {self.size:,} {self.kind} values, {step}"

    def _text(self, value: Fraction) -> str:
        return str(int(value)) if self.integral else f"{float(value):.12g}"


@dataclass(frozen=True)
class Powers:
    """`scale * base ** exponent`, for exponents in equal steps: logspace and geomspace.

    Attributes:
        exponents: their steps.
        base: of the powers; positive.
        scale: factor before them.
        last: the last value when it is known exactly, else None.
    """

    exponents: Steps
    base: float = 10.0
    scale: float = 1.0
    last: float | None = None

    @property
    def size(self) -> int:
        """See `Values`."""
        return self.exponents.size

    @property
    def kind(self) -> str:
        """Always `float`."""
        return "float"

    def take(self, indices: Indices) -> NDArray[np.float64]:
        """See `Values`."""
        values = self._at(np.asarray(self.exponents.take(indices), np.float64))
        if self.last is not None:
            values[indices == self.size - 1] = self.last
        return values

    def draw(self, unit: NDArray[np.float64]) -> NDArray[np.float64]:
        """See `Values`: equally likely in the exponent."""
        return self._at(np.asarray(self.exponents.draw(unit), np.float64))

    def _at(self, exponents: NDArray[np.float64]) -> NDArray[np.float64]:
        # Python's power: numpy's may differ in the last bit between processors, and a point is known by its values
        powers = [self._power(exponent) for exponent in exponents.tolist()]
        return np.array(powers, np.float64) * self.scale

    def _power(self, exponent: float) -> float:
        if self.base == 10.0 and exponent.is_integer():
            return float(f"1e{int(exponent)}")
        return float(self.base**exponent)

    def describe(self, *, drawn: bool = False) -> str:
        """See `Values`."""
        first, last = self.take(np.array([0, self.size - 1])).tolist()
        if drawn:
            return f"{first:.12g} to {last:.12g} (float, equally likely in the exponent)"
        return f"{first:.12g} to {last:.12g}, {self.size:,} float values in equal ratios"


def places_of(unit: NDArray[np.float64], size: int) -> Indices:
    """Places among `size` for numbers in [0, 1)."""
    return np.minimum((unit * size).astype(np.int64), size - 1)
