"""Values that are given one by one: lists, arrays, columns of frames."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sized
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..wire import CellOptionError
from .ranges import Indices, Steps, Values, places_of

__all__ = ["Listed", "listed"]

MOST_LISTED = 10_000_000
"""Where an iterator that knows no length is taken to have no end."""
_EXACT = 2**53
_INT64 = 2**63
_SHOWN = 6


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
        return self.array[places_of(unit, self.size)]

    def describe(self, *, drawn: bool = False) -> str:
        """See `Values`."""
        if self.size == 1:
            return f"{_short(self.array[0])} ({self.kind})"
        count = f"{self.size:,} texts" if self.kind == "text" else f"{self.size:,} {self.kind} values"
        if self.size <= _SHOWN:
            return f"{', '.join(map(_short, self.array))}: {count}"
        return f"{_short(self.array[0])}, {_short(self.array[1])}, … {_short(self.array[-1])}: {count}"


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
    array = _from_array(values) if isinstance(values, np.ndarray) else _from_list(_all_of(values))
    if not len(array):
        raise CellOptionError("there are no values")
    array.setflags(write=False)
    return Listed(array)


def _all_of(values: Iterable[Any]) -> list[Any]:
    found = list(values if isinstance(values, Sized) else itertools.islice(values, MOST_LISTED + 1))
    if len(found) > MOST_LISTED:
        raise CellOptionError(f"more than {MOST_LISTED:,} values one by one", hint="Write them as a range.")
    return found


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
        return np.array(values, np.bool_)
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
