"""Python values as variables of C++, exactly.

A variable's type stands in the program; its value is in a file of lines which the program reads when it starts, so that
a program once compiled serves for other values. The lines of a value: a number or a boolean as such (doubles in
hexadecimal); two numbers for a complex one; a text with `=` before it and what is not plain ASCII as `%` and two
hexadecimal digits; a list's or a dictionary's length, then its items. `@FILE NUMBERS` instead: the raw bytes are
in a file, of a text by its length, of an array by its shape.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import numpy as np

from ...wire import ValueRefusedError

__all__ = ["Values"]

INLINE_NUMBERS = 1000
"""Numbers of an array up to which they stand among the lines; more are in a file."""
INLINE_TEXT = 20_000
"""Bytes of a text likewise."""
EXACT = 2**53
_DEEPEST = 20
_EMPTY = "?"
_LONG, _UNSIGNED, _DOUBLE, _COMPLEX = "long long", "unsigned long long", "double", "std::complex<double>"
_NUMBERS = (_LONG, _UNSIGNED, _DOUBLE, _COMPLEX)
TYPES = {
    "float64": "double",
    "float32": "float",
    "bool": "bool",
    "complex128": "std::complex<double>",
    "complex64": "std::complex<float>",
    **{f"{sign}int{bits}": f"std::{sign}int{bits}_t" for sign in ("", "u") for bits in (8, 16, 32, 64)},
}
"""numpy's types to those of C++."""
_PLAIN = frozenset(range(0x20, 0x7F)) - {ord("%")}


@dataclass
class Values:
    """The inputs of a cell.

    Attributes:
        encoding: of texts on the resource.
        declarations: type by name.
        lines: of the file of values.
        attachments: contents of files by name.
        sizes: bytes that each value takes.
    """

    encoding: str = "utf-8"
    declarations: dict[str, str] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    attachments: dict[str, bytes] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    _name: str = ""

    def add(self, name: str, value: Any) -> None:
        """Take one input.

        Raises:
            ValueRefusedError: C++ has no such value.
        """
        self._name = name
        before = self._taken(), len(self.lines)
        kind = self._type(value, 0)
        self.declarations[name] = kind.replace(_EMPTY, _DOUBLE)
        self._put(value, self.declarations[name])
        self.sizes[name] = self._taken() - before[0] + sum(len(line) + 1 for line in self.lines[before[1] :])

    def _taken(self) -> int:
        return sum(map(len, self.attachments.values()))

    # -- types --

    def _type(self, value: Any, depth: int) -> str:
        kind = type(value)
        if depth > _DEEPEST:
            raise self._refused(f"it is nested more than {_DEEPEST} levels deep")
        if kind is bool:
            return "bool"
        if kind is int:
            return self._integer(value)
        if kind in (float, complex, str):
            return {float: _DOUBLE, complex: _COMPLEX, str: "std::string"}[kind]
        if kind in (list, tuple):
            return f"std::vector<{self._common(value, kind.__name__, depth)}>"
        if kind is dict:
            wrong = next((key for key in value if type(key) is not str), None)
            if wrong is not None:
                raise self._refused(f"the key {wrong!r} is not a text; a std::map of C++ has texts as its keys here")
            return f"std::map<std::string, {self._common(value.values(), 'dict', depth)}>"
        if isinstance(value, (np.ndarray, np.generic)) and kind.__module__.startswith("numpy"):
            return self._array_type(np.asarray(value))
        raise self._refused(f"a value of type {kind.__name__} has no like in C++")

    def _integer(self, value: int) -> str:
        if -(2**63) <= value < 2**63:
            return _LONG
        if 0 <= value < 2**64:
            return _UNSIGNED
        raise self._refused(f"the integer {value} needs more than 64 bits")

    def _common(self, items: Iterable[Any], kind: str, depth: int) -> str:
        """The type that all items can have."""
        items = list(items)
        if items and all(type(item) is int for item in items):  # one above int64 makes all unsigned
            return _UNSIGNED if self._one_integer_type(items) else _LONG
        types = [self._type(item, depth + 1) for item in items]
        common = reduce(self._join, types, _EMPTY)
        if common in (_DOUBLE, _COMPLEX) and any(type(item) is int and abs(item) > EXACT for item in items):
            raise self._refused("an integer among its floats has more digits than a double keeps")
        if not common:
            names = " and ".join(dict.fromkeys(types)).replace(_EMPTY, _DOUBLE)
            raise self._refused(f"the items of a {kind} must have one type in C++; these would be {names}")
        return common

    def _one_integer_type(self, items: list[int]) -> bool:
        large = any(self._integer(item) == _UNSIGNED for item in items)
        if large and min(items) < 0:
            raise self._refused("its integers need more than 64 bits with their sign")
        return large

    @staticmethod
    def _join(one: str, other: str) -> str:
        """The type of both; empty when there is none."""
        if one == other:
            return one
        if one in _NUMBERS and other in _NUMBERS:
            return "" if {one, other} == {_LONG, _UNSIGNED} else max(one, other, key=_NUMBERS.index)
        for unknown, known in ((one, other), (other, one)):  # an empty list takes the type of its neighbours
            begin, mark, end = unknown.partition(_EMPTY)
            if mark and known.startswith(begin) and known.endswith(end):
                return known
        return ""

    def _array_type(self, array: np.ndarray[Any, Any]) -> str:
        kind = TYPES.get(array.dtype.name)
        if kind is None:
            raise self._refused(f"an array of type {array.dtype} has no like in C++")
        if any(size == 0 and any(array.shape[i + 1 :]) for i, size in enumerate(array.shape)):
            raise self._refused(f"an empty array of shape {array.shape} would lose its shape in C++")
        return "std::vector<" * array.ndim + kind + ">" * array.ndim

    # -- values --

    def _put(self, value: Any, kind: str) -> None:
        if isinstance(value, np.ndarray):
            self._put_array(value, kind)
        elif kind == "bool":
            self.lines.append("1" if value else "0")
        elif kind in (_DOUBLE, "float"):
            self.lines.append(float(value).hex())
        elif kind.startswith("std::complex"):
            self.lines += [float(value.real).hex(), float(value.imag).hex()]
        elif kind == "std::string":
            self._put_text(value)
        elif kind.startswith("std::vector"):
            self.lines.append(str(len(value)))
            for item in value:
                self._put(item, kind[len("std::vector<") : -1])
        elif kind.startswith("std::map"):
            self.lines.append(str(len(value)))
            for key, item in value.items():
                self._put_text(key)
                self._put(item, kind[len("std::map<std::string, ") : -1])
        else:
            self.lines.append(str(int(value)))

    def _put_array(self, array: np.ndarray[Any, Any], kind: str) -> None:
        if array.ndim == 0:
            self._put(array[()], kind)
        elif array.size <= INLINE_NUMBERS:
            self.lines.append(str(len(array)))
            for item in array:
                self._put(item, kind[len("std::vector<") : -1])
        else:
            little = array.astype(array.dtype.newbyteorder("<"), copy=False)
            self._put_file(little.tobytes(order="C"), array.shape)

    def _put_text(self, text: str) -> None:
        try:
            data = text.encode(self.encoding)
        except UnicodeEncodeError as error:
            wrong = text[error.start : error.end]
            raise self._refused(f"its text has {wrong!r}, which {self.encoding} does not have") from error
        if len(data) > INLINE_TEXT:
            self._put_file(data, (len(data),))
        else:
            self.lines.append("=" + "".join(chr(b) if b in _PLAIN else f"%{b:02x}" for b in data))

    def _put_file(self, data: bytes, numbers: Iterable[int]) -> None:
        file = f"everest-value-{len(self.attachments)}.bin"
        self.attachments[file] = data
        self.lines.append(f"@{file} {' '.join(map(str, numbers))}")

    def _refused(self, why: str) -> ValueRefusedError:
        hint = (
            "Numbers up to 64 bits, texts, arrays of numbers, and lists and dictionaries with items of one type go; "
            "see the table of values."
        )
        return ValueRefusedError(f"{self._name}: {why}", name=self._name, hint=hint)
