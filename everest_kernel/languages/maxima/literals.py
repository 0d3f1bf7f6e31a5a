"""Python values as Maxima's, exactly: in the form that the Lisp function `everest-value` reads."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from ...wire import ValueRefusedError

__all__ = ["Literals", "quoted"]

_DEEPEST = 100


@dataclass
class Literals:
    """Lisp forms for values.

    Attributes:
        sizes: bytes that each value takes.
    """

    sizes: dict[str, int] = field(default_factory=dict)
    _name: str = ""

    def input(self, name: str, value: Any) -> str:
        """A form for an input.

        Raises:
            ValueRefusedError: Maxima has no such value.
        """
        self._name = name
        text = self._value(value, 0)
        self.sizes[name] = len(text.encode())
        return text

    def _value(self, value: Any, depth: int) -> str:
        kind = type(value)
        if depth > _DEEPEST:
            raise self._refused(f"it is nested more than {_DEEPEST} levels deep")
        if kind is bool:
            return "(:true)" if value else "(:false)"
        if kind is int:
            return _integer(value)
        if kind is float:
            return self._float(value)
        if kind is complex:
            return f"(:complex {self._float(value.real)} {self._float(value.imag)})"
        if kind is Fraction:
            over, under = _integer(value.numerator), _integer(value.denominator)
            return over if value.denominator == 1 else f"(:ratio {over} {under})"
        if kind is str:
            return self._text(value)
        if kind in (list, tuple):
            return f"(:list {' '.join(self._value(item, depth + 1) for item in value)})"
        if isinstance(value, (np.ndarray, np.generic)) and kind.__module__.startswith("numpy"):
            return self._array(np.asarray(value), depth)
        raise self._refused(f"a value of type {kind.__name__} has no like in Maxima")

    def _float(self, value: float) -> str:
        if not math.isfinite(value):
            raise self._refused(f"{value} is no number of Maxima's: its inf and minf are symbols")
        if value == 0:
            return "(:zero)" if math.copysign(1, value) < 0 else "(:float 0 0)"
        over, under = value.as_integer_ratio()
        return f"(:float {over} {1 - under.bit_length()})"

    def _text(self, value: str) -> str:
        if "\0" in value:
            raise self._refused("a text with a NUL character cannot go to Maxima")
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise self._refused("its text has half a surrogate pair, which UTF-8 does not have") from error
        return quoted(value)

    def _array(self, array: np.ndarray[Any, Any], depth: int) -> str:
        if array.dtype.kind not in "biufcUO" or array.dtype.itemsize > 16 or array.dtype == np.longdouble:
            raise self._refused(f"an array of type {array.dtype} has no like in Maxima")
        if array.ndim > 2:
            raise self._refused(f"an array of {array.ndim} dimensions has no like in Maxima: send a list of matrices")
        if array.ndim < 2:
            return self._value(array.tolist(), depth)
        if array.shape[0] == 0 and array.shape[1]:
            raise self._refused(f"a matrix of shape {array.shape} would lose its columns in Maxima")
        rows = (" ".join(self._value(item, depth + 2) for item in row) for row in array.tolist())
        return f"(:matrix {' '.join(f'({row})' for row in rows)})"

    def _refused(self, why: str) -> ValueRefusedError:
        hint = "Numbers, fractions, texts, lists, and arrays of one or two dimensions go; see the table of values."
        return ValueRefusedError(f"{self._name}: {why}", name=self._name, hint=hint)


def quoted(text: str) -> str:
    """A text in Lisp."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _integer(value: int) -> str:
    """In hexadecimal when it is long: decimal digits take a time that grows with the square of their number."""
    return str(value) if abs(value) < 10**30 else f"#x{value:x}"
