"""Python values as R's, exactly."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from ..expressions import Expressions
from .frames import categorical, frame

__all__ = ["Literals"]

EXACT = 2**53
INTEGERS = 2**31
"""The magnitude from which R's integers end; the most negative number of 32 bits is their NA."""
INLINE = 1000
"""Numbers of an array, or characters of a text, up to which they stand in the program; more are in a file."""
_DEEPEST = 30  # R's parser has places for 50 open brackets
_SIMPLE = set(map(chr, range(32, 127))) - {'"', "\\"}


class Literals(Expressions):
    """Expressions of R's for values."""

    hint: ClassVar[str] = (
        "Numbers, texts, bytes, None, lists, dictionaries with texts as keys, arrays of numbers, and data frames "
        "go; see the table of values."
    )

    def texts(self, values: list[str]) -> str:
        """A character vector."""
        for value in values:
            self._check_text(value)
        if sum(map(len, values)) <= INLINE and len(values) <= INLINE:
            return f"c({', '.join(map(_quoted, values))})" if values else "character(0L)"
        encoded = [value.encode() for value in values]
        content = np.array(list(map(len, encoded)), "<i4").tobytes() + b"".join(encoded)
        return f'everest_load("{self._attach(content)}", "character", {len(values)})'

    def vector(self, array: np.ndarray[Any, Any], shape: tuple[int, ...] | None = None) -> str:
        """A vector of numbers; with a shape, an array."""
        what, numbers = self._numbers(array)
        flat = numbers.reshape(-1, order="F")
        dimensions = "" if shape is None else f"c({', '.join(f'{n}L' for n in shape)})"
        if flat.size <= INLINE:
            parts = ", ".join(_literal(what, item) for item in flat.tolist())
            text = f"c({parts})" if parts else f"{what}(0L)"
            return f"array({text}, {dimensions})" if dimensions else text
        name = self._attach(flat.astype(flat.dtype.newbyteorder("<"), copy=False).tobytes())
        return f'everest_load("{name}", "{what}", {flat.size}, {dimensions or "NULL"})'

    def _value(self, value: Any, depth: int) -> str:
        kind = type(value)
        if depth > _DEEPEST:
            raise self.refused(f"it is nested more than {_DEEPEST} levels deep")
        if value is None:
            return "NULL"
        if kind in (bool, int, float, complex):
            return self._number(value)
        if kind is str:
            return self.texts([value])
        if kind is bytes:
            return self._bytes(value)
        if kind in (list, tuple):
            return f"list({', '.join(self._value(item, depth + 1) for item in value)})"
        if kind is dict:
            return self._dict(value, depth)
        if isinstance(value, (np.ndarray, np.generic)) and kind.__module__.startswith("numpy"):
            return self._array(np.asarray(value))
        if kind.__module__.partition(".")[0] == "pandas" and kind.__name__ in ("DataFrame", "Categorical"):
            return frame(value, self) if kind.__name__ == "DataFrame" else categorical(value, self)
        raise self.refused(f"a value of type {kind.__name__} has no like in R")

    def _number(self, value: complex) -> str:
        if isinstance(value, int) and not isinstance(value, bool):
            if abs(value) > EXACT:
                raise self.refused("an integer beyond 2^53 has more digits than R's numbers keep")
            return _literal("integer" if abs(value) < INTEGERS else "double", value)
        return _literal({bool: "logical", float: "double", complex: "complex"}[type(value)], value)

    def _check_text(self, value: str) -> None:
        if "\0" in value:
            raise self.refused("a text with a NUL character cannot go to R")
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise self.refused("its text has half a surrogate pair, which UTF-8 does not have") from error

    def _bytes(self, value: bytes) -> str:
        if len(value) <= INLINE:
            return f"as.raw(c({', '.join(map(str, value))}))"
        return f'everest_load("{self._attach(value)}", "raw", {len(value)})'

    def _dict(self, value: dict[Any, Any], depth: int) -> str:
        for key in value:
            if not isinstance(key, str) or not key:
                raise self.refused(f"the key {key!r} cannot be a name in a list of R")
        items = "".join(", " + self._value(item, depth + 1) for item in value.values())
        return f"everest_dict({self.texts(list(value))}{items})"

    def _array(self, array: np.ndarray[Any, Any]) -> str:
        if array.dtype.kind == "U" and array.ndim < 2:
            return self.texts([str(item) for item in array.reshape(-1)])
        return self.vector(array, array.shape if array.ndim > 1 else None)

    def _numbers(self, array: np.ndarray[Any, Any]) -> tuple[str, np.ndarray[Any, Any]]:
        """R's type for an array, and the array with elements of that type's size."""
        kind, size = array.dtype.kind, array.dtype.itemsize
        if kind == "b":
            return "logical", array
        if kind in "iu":
            largest = max(abs(int(array.min())), abs(int(array.max()))) if array.size else 0
            if largest > EXACT:
                raise self.refused("an integer beyond 2^53 in it has more digits than R's numbers keep")
            return ("integer", array.astype("i4")) if largest < INTEGERS else ("double", array.astype("f8"))
        if kind == "f" and size <= 8:
            # a NaN may hold the very bits that are R's NA
            return "double", np.where(np.isnan(array), np.nan, array).astype("f8")
        if kind == "c" and size <= 16:
            parts = array.astype("c16").reshape(-1, order="F").view("f8")
            return "complex", np.where(np.isnan(parts), np.nan, parts).view("c16").reshape(array.shape, order="F")
        raise self.refused(f"an array of type {array.dtype} has no like in R")

    def _attach(self, content: bytes) -> str:
        name = f"everest-value-{len(self.attachments)}.bin"
        self.attachments[name] = content
        return name


def _literal(what: str, value: Any) -> str:
    if what == "logical":
        return "TRUE" if value else "FALSE"
    if what == "integer":
        return f"{value}L"
    if what == "complex":
        return f"complex(real = {_double(value.real)}, imaginary = {_double(value.imag)})"
    return _double(value)


def _double(value: float) -> str:
    """A number for R, which reads decimal fractions to within a bit or two only, and hexadecimal ones exactly."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Inf" if value > 0 else "-Inf"
    if float(value).is_integer() and abs(value) <= EXACT and value != 0:
        return str(int(value))
    return float(value).hex()


def _quoted(value: str) -> str:
    """A text in ASCII: how R understands other letters depends on its locale."""
    return '"' + "".join(map(_escaped, value)) + '"'


def _escaped(character: str) -> str:
    if character in _SIMPLE:
        return character
    code = ord(character)
    return f"\\U{code:08x}" if code > 0xFFFF else f"\\u{code:04x}"
