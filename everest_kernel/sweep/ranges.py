"""Where a parameter's values come from: equal steps, powers, or a list. Nothing is listed before it is asked for.

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

__all__ = ["Indices", "Listed", "Powers", "Steps", "Values", "listed"]

Indices = NDArray[np.int64]

_EXACT = 2**53
"""Integers below it are floats without loss."""
_INT64 = 2**63
_CACHED = 65_536
_SHOWN = 6


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

    def describe(self) -> str:
        """Range, kind and count in a few words."""


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
            return self.take(_places(unit, self.size))
        low, high = sorted((float(self.first), float(self.last)))
        return np.clip(low + unit * (high - low), low, high)

    def describe(self) -> str:
        """See `Values`."""
        if self.size == 1:
            return f"{self._text(self.first)} ({self.kind})"
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

    def describe(self) -> str:
        """See `Values`."""
        first, last = self.take(np.array([0, self.size - 1])).tolist()
        return f"{first:.12g} to {last:.12g}, {self.size:,} float values in equal ratios"


@dataclass(frozen=True, eq=False)
class Listed:
    """Values that were given one by one.

    Attributes:
        array: shape (size,), read-only.
    """

    array: NDArray[Any]

    @property
    def size(self) -> int:
        """See `Values`."""
        return len(self.array)

    @property
    def kind(self) -> str:
        """See `Values`."""
        return {"i": "int", "f": "float", "b": "bool", "U": "text"}.get(self.array.dtype.kind, "object")

    def take(self, indices: Indices) -> NDArray[Any]:
        """See `Values`."""
        return self.array[indices]

    def draw(self, unit: NDArray[np.float64]) -> NDArray[Any]:
        """See `Values`: one of the values."""
        return self.array[_places(unit, self.size)]

    def describe(self) -> str:
        """See `Values`."""
        if self.size == 1:
            return f"{_short(self.array[0])} ({self.kind})"
        count = f"{self.size:,} texts" if self.kind == "text" else f"{self.size:,} {self.kind} values"
        if self.size <= _SHOWN:
            return f"{', '.join(map(_short, self.array))}: {count}"
        return f"{_short(self.array[0])}, {_short(self.array[1])}, … {_short(self.array[-1])}: {count}"


def _places(unit: NDArray[np.float64], size: int) -> Indices:
    return np.minimum((unit * size).astype(np.int64), size - 1)


def _short(value: Any) -> str:
    text = f"{value:.12g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 30 else text[:29] + "…"


def listed(values: Any) -> Values:
    """The values of a sequence: an array, a range, a pandas column, a list, or anything that can be iterated over.

    Ints stay int64 and floats become float64; ints and floats together become floats; what is neither number, bool nor
    text, or a mixture, keeps its elements as they are.

    Raises:
        CellOptionError: it is empty, has more than one dimension, or has masked places.
    """
    if isinstance(values, range):
        size = len(values)
        if not size:
            raise CellOptionError("there are no values")
        return Steps(Fraction(values[0]), Fraction(values.step), size, integral=True)
    if hasattr(values, "to_numpy"):
        values = values.to_numpy()
    if np.ma.isMaskedArray(values) and np.ma.is_masked(values):
        raise CellOptionError("some of the values are masked", hint="Leave them out with .compressed().")
    array = _from_array(values) if isinstance(values, np.ndarray) else _from_list(list(values))
    if not len(array):
        raise CellOptionError("there are no values")
    array.setflags(write=False)
    return Listed(array)


def _from_array(values: NDArray[Any]) -> NDArray[Any]:
    """A copy, which the user cannot change any more, of one of our kinds."""
    if values.ndim != 1:
        raise CellOptionError(
            f"the values have the shape {values.shape}, and a parameter takes one dimension",
            hint="Write its .ravel(), or a list.",
        )
    values = np.asarray(values)
    kind = values.dtype.kind
    if kind == "b":
        return values.copy()
    if kind == "i" or (kind == "u" and (not len(values) or int(values.max()) < _INT64)):
        return values.astype(np.int64)
    if kind == "f":
        return values.astype(np.float64)
    # dates stay what they are; all else becomes Python's own objects, as in a list
    return _objects(list(values)) if kind in "mM" else _from_list(values.tolist())


def _from_list(values: list[Any]) -> NDArray[Any]:
    plain = [
        value.item() if isinstance(value, np.generic) and value.dtype.kind in "biufcU" else value for value in values
    ]
    kinds = {type(value) for value in plain}
    if kinds == {bool}:
        return np.array(plain, np.bool_)
    if kinds == {int} and all(-_INT64 <= value < _INT64 for value in plain):
        return np.array(plain, np.int64)
    if kinds == {float} or (kinds == {int, float} and all(abs(v) <= _EXACT for v in plain if isinstance(v, int))):
        return np.array(plain, np.float64)
    if kinds == {str} and not any(value.endswith("\0") for value in plain):  # which numpy would drop
        return np.array(plain, np.str_)
    return _objects(plain)


def _objects(values: list[Any]) -> NDArray[Any]:
    array = np.empty(len(values), object)
    for index, value in enumerate(values):  # assigned at once, numpy would unpack elements that are sequences
        array[index] = value
    return array
