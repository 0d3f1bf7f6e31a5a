"""Python values as Octave's, exactly."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from ..expressions import Expressions

__all__ = ["CLASSES", "Literals"]

EXACT = 2**53
INLINE_NUMBERS = 1000
"""Numbers of an array up to which they stand in the program; more are in a file."""
_DEEPEST = 100
CLASSES = {
    "float64": "double",
    "float32": "single",
    "bool": "logical",
    "complex128": "double",
    "complex64": "single",
    **{f"{sign}int{bits}": f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)},
}
"""numpy's types to Octave's classes."""
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


class Literals(Expressions):
    """Expressions of Octave's for values."""

    hint: ClassVar[str] = (
        "Numbers, texts, lists, dictionaries with names as keys, and arrays of numbers go; see the table of values."
    )

    def _value(self, value: Any, depth: int) -> str:
        kind = type(value)
        if depth > _DEEPEST:
            raise self.refused(f"it is nested more than {_DEEPEST} levels deep")
        if kind is bool:
            return "true" if value else "false"
        if kind is int:
            if abs(value) > EXACT:
                raise self.refused(f"the integer {value} has more digits than Octave's numbers keep")
            return repr(value)
        if kind is float:
            return _number(value)
        if kind is complex:
            return f"complex({_number(value.real)}, {_number(value.imag)})"
        if kind is str:
            return self._text(value)
        if kind in (list, tuple):
            return "{" + ", ".join(self._value(item, depth + 1) for item in value) + "}"
        if kind is dict:
            return self._structure(value, depth)
        if isinstance(value, (np.ndarray, np.generic)) and kind.__module__.startswith("numpy"):
            return self._array(np.asarray(value))
        raise self.refused(f"a value of type {kind.__name__} has no like in Octave")

    def _text(self, value: str) -> str:
        if "\0" in value:  # it would end the program's text
            raise self.refused("a text with a NUL character cannot go to Octave")
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise self.refused("its text has half a surrogate pair, which UTF-8 does not have") from error
        escaped = "".join(_ESCAPES.get(c, c if c >= " " and c != "\x7f" else f"\\{ord(c):03o}") for c in value)
        return f'"{escaped}"'

    def _structure(self, value: dict[Any, Any], depth: int) -> str:
        parts = []
        for key, item in value.items():
            if not (isinstance(key, str) and key.isidentifier() and key.isascii()):
                raise self.refused(f"the key {key!r} cannot be the name of a field in Octave")
            inner = self._value(item, depth + 1)
            parts.append(f'"{key}", {{{inner}}}')  # in braces: a cell array alone would make an array of structures
        return f"struct({', '.join(parts)})"

    def _array(self, array: np.ndarray[Any, Any]) -> str:
        name = CLASSES.get(array.dtype.name)
        if name is None:
            raise self.refused(f"an array of type {array.dtype} has no like in Octave")
        if array.ndim > 2 and array.shape[-1] == 1:
            raise self.refused(f"an array of shape {array.shape} would lose its last dimension in Octave")
        if array.dtype.kind == "c" and not array.size:
            raise self.refused("an empty array of complex numbers would be one of real numbers in Octave")
        shape = (1, array.size) if array.ndim < 2 else array.shape
        dimensions = f"[{' '.join(map(str, shape))}]"
        wide = array.dtype.itemsize == 8 and array.dtype.kind in "iu" and array.size
        fits = not wide or max(abs(int(array.min())), abs(int(array.max()))) <= EXACT
        if array.size <= INLINE_NUMBERS and fits:
            return _inline(array, name, dimensions)
        file = f"everest-value-{len(self.attachments)}.bin"
        little = array.dtype.newbyteorder("<")
        self.attachments[file] = array.astype(little, copy=False).tobytes(order="F")
        is_complex = "true" if array.dtype.kind == "c" else "false"
        return f'everest_load("{file}", "{name}", {dimensions}, {is_complex})'


def _number(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Inf" if value > 0 else "-Inf"
    return repr(value)


def _inline(array: np.ndarray[Any, Any], name: str, dimensions: str) -> str:
    """An array as a literal; float32 is exact in a double's digits."""
    flat = array.reshape(-1, order="F")
    if array.dtype.kind == "c":
        return f"complex({_inline(array.real, name, dimensions)}, {_inline(array.imag, name, dimensions)})"
    numbers = " ".join(_number(float(n)) if array.dtype.kind == "f" else str(int(n)) for n in flat)
    return f"reshape({name}([{numbers}]), {dimensions})"
