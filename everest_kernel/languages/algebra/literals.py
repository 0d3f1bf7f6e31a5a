"""Python values as literals of Maple and Giac, exactly."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from ...wire import ValueRefusedError
from .numerals import write_integer

__all__ = ["AlgebraLiterals"]

_DEEPEST = 100


@dataclass
class AlgebraLiterals(ABC):
    """Literals for values.

    Attributes:
        sizes: bytes that each value takes.
    """

    sizes: dict[str, int] = field(default_factory=dict)
    _name: str = ""

    program: str = ""
    """What the program is called in messages."""
    unit: str = "I"
    """The imaginary unit."""

    @abstractmethod
    def real(self, value: float) -> str:
        """A float, which may be infinite or no number."""

    def complex_number(self, value: complex) -> str:
        """A finite complex number."""
        return f"({self.real(value.real)}+({self.real(value.imag)})*{self.unit})"

    @abstractmethod
    def decimal(self, value: Decimal) -> str:
        """A finite decimal number."""

    @abstractmethod
    def text(self, value: str) -> str:
        """A string."""

    @abstractmethod
    def set_of(self, items: list[str]) -> str:
        """A set of literals."""

    @abstractmethod
    def matrix(self, rows: list[list[str]], shape: tuple[int, ...], kind: str) -> str:
        """A matrix of literals; `kind` is numpy's letter for the type of its elements."""

    def vector(self, items: list[str]) -> str:
        """An array of one dimension; a list, where the language has no other."""
        return f"[{','.join(items)}]"

    def input(self, name: str, value: Any) -> str:
        """An expression for an input.

        Raises:
            ValueRefusedError: the program has no such value.
        """
        self._name = name
        text = self._value(value, 0)
        self.sizes[name] = len(text.encode())
        return text

    def _value(self, value: Any, depth: int) -> str:
        kind = type(value)
        if depth > _DEEPEST:
            raise self.refused(f"it is nested more than {_DEEPEST} levels deep")
        if kind is bool:
            return "true" if value else "false"
        if kind is int:
            return write_integer(value)
        if kind is float:
            return self.real(value)
        if kind is complex:
            if not (math.isfinite(value.real) and math.isfinite(value.imag)):
                raise self.refused(f"the complex number {value} is not finite")
            return self.complex_number(value)
        if kind is Fraction:
            return f"({write_integer(value.numerator)})/{write_integer(value.denominator)}"
        if kind is Decimal and value.is_finite():
            return self.decimal(value)
        if kind is str:
            return self._text(value)
        return self._container(value, depth)

    def _container(self, value: Any, depth: int) -> str:
        kind = type(value)
        if kind in (list, tuple):
            return f"[{','.join(self._value(item, depth + 1) for item in value)}]"
        if kind in (set, frozenset):
            return self.set_of([self._value(item, depth + 1) for item in value])
        if kind is dict:
            entries = [f"{self._key(key)}={self._value(item, depth + 1)}" for key, item in value.items()]
            return self.table(entries)
        if isinstance(value, (np.ndarray, np.generic)) and kind.__module__.startswith("numpy"):
            return self._array(np.asarray(value), depth)
        raise self.refused(f"a value of type {kind.__name__} has no like in {self.program}")

    def table(self, entries: list[str]) -> str:
        """A table of `key=value`."""
        return f"table({','.join(entries)})"

    def _key(self, key: Any) -> str:
        if type(key) not in (str, int):
            raise self.refused(f"the key {key!r} of a dictionary is neither a string nor an integer")
        return self._value(key, 0)

    def _text(self, value: str) -> str:
        if "\0" in value:  # it would end the program's text
            raise self.refused(f"a text with a NUL character cannot go to {self.program}")
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise self.refused("its text has half a surrogate pair, which UTF-8 does not have") from error
        return self.text(value)

    def _array(self, array: np.ndarray[Any, Any], depth: int) -> str:
        if array.dtype.kind not in "biufcO" or array.dtype.itemsize > 16:
            raise self.refused(f"an array of type {array.dtype} has no like in {self.program}")
        if array.dtype.kind == "f" and array.dtype.itemsize > 8:
            raise self.refused(f"numbers of type {array.dtype} have no like in {self.program}")
        items = array.tolist()  # Python's own numbers: a float32 is exact in a float
        if array.ndim == 0:
            return self._value(items, depth + 1)
        if array.ndim > 2 or not array.size:
            raise self.refused(f"an array of shape {array.shape} cannot go to {self.program}: only filled ones can, "
                               "of one or two dimensions")  # fmt: skip
        if array.ndim == 1:
            return self.vector([self._value(item, depth + 1) for item in items])
        rows = [[self._value(item, depth + 1) for item in row] for row in items]
        return self.matrix(rows, array.shape, array.dtype.kind)

    def refused(self, why: str) -> ValueRefusedError:
        """The error for the present input."""
        hint = (
            "Numbers, fractions, texts, lists, sets, dictionaries, and arrays of numbers go; see the table of values."
        )
        return ValueRefusedError(f"{self._name}: {why}", name=self._name, hint=hint)
