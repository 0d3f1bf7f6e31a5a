"""Python values as Julia's, exactly."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any, ClassVar

import numpy as np

from ..expressions import Expressions

__all__ = ["Literals"]

INLINE = 1000
"""Numbers of an array, or characters of a text, up to which they stand in the program; more are in a file."""
_DEEPEST = 100
_LONGEST_TUPLE = 100  # the length of a tuple is part of its type, and Julia compiles for each
_SIMPLE = set(map(chr, range(32, 127))) - {'"', "\\", "$"}
TYPES = {
    "bool": "Bool",
    **{f"{sign}int{bits}": f"{sign.upper()}Int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)},
    **{f"float{bits}": f"Float{bits}" for bits in (16, 32, 64)},
    "complex64": "ComplexF32",
    "complex128": "ComplexF64",
}
"""numpy's types to Julia's."""


class Literals(Expressions):
    """Expressions of Julia's for values."""

    hint: ClassVar[str] = (
        "Numbers, fractions, texts, bytes, None, lists, tuples, dictionaries with texts as keys, and arrays of "
        "numbers go; see the table of values."
    )

    def _value(self, value: Any, depth: int) -> str:
        kind = type(value)
        if depth > _DEEPEST:
            raise self.refused(f"it is nested more than {_DEEPEST} levels deep")
        if value is None:
            return "nothing"
        if kind is bool:
            return "true" if value else "false"
        if kind is int:
            return _integer(value)
        if kind is float:
            return _float(value)
        if kind is complex:
            return f"complex({_float(value.real)}, {_float(value.imag)})"
        if kind is Fraction:
            return f"{_integer(value.numerator, big=_is_big(value))}//{_integer(value.denominator, big=_is_big(value))}"
        if kind is str:
            return self._text(value)
        if kind is bytes:
            return self._bytes(value)
        if kind in (list, tuple, dict):
            return self._container(value, depth)
        if isinstance(value, (np.ndarray, np.generic)) and kind.__module__.startswith("numpy"):
            return self._array(np.asarray(value))
        raise self.refused(f"a value of type {kind.__name__} has no like in Julia")

    def _container(self, value: Any, depth: int) -> str:
        if isinstance(value, dict):
            for key in value:
                if not isinstance(key, str):
                    raise self.refused(f"the key {key!r} cannot go to Julia: only texts can")
            pairs = (f"{self._text(key)} => {self._value(item, depth + 1)}" for key, item in value.items())
            return f"Dict{{String,Any}}({', '.join(pairs)})"
        items = [self._value(item, depth + 1) for item in value]
        if isinstance(value, list):
            return f"Any[{', '.join(items)}]"
        if len(items) > _LONGEST_TUPLE:
            raise self.refused(f"a tuple of {len(items):,} is too long for Julia: make it a list")
        return f"({', '.join(items)},)" if items else "()"

    def _text(self, value: str) -> str:
        try:
            encoded = value.encode()
        except UnicodeEncodeError as error:
            raise self.refused("its text has half a surrogate pair, which UTF-8 does not have") from error
        if len(value) <= INLINE:
            return '"' + "".join(map(_escaped, value)) + '"'
        return f'everest_cell.text("{self._attach(encoded)}")'

    def _bytes(self, value: bytes) -> str:
        if len(value) <= INLINE:
            return 'b"' + "".join(f"\\x{byte:02x}" for byte in value) + '"'
        return f'codeunits(everest_cell.text("{self._attach(value)}"))'

    def _array(self, array: np.ndarray[Any, Any]) -> str:
        if array.dtype.kind == "U" and array.ndim < 2:
            items = [self._text(str(item)) for item in array.reshape(-1)]
            return f"String[{', '.join(items)}]" if array.ndim else items[0]
        name = TYPES.get(array.dtype.name)
        if name is None:
            raise self.refused(f"an array of type {array.dtype} has no like in Julia")
        flat = array.reshape(-1, order="F")
        if not array.ndim:
            return f"{name}({_number(flat[0])})"
        shape = f"({', '.join(map(str, array.shape))},)"
        if array.size <= INLINE:
            vector = f"{name}[{', '.join(map(_number, flat))}]"
            return vector if array.ndim == 1 else f"reshape({vector}, {shape})"
        content = flat.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
        return f'everest_cell.load("{self._attach(content)}", {name}, {shape})'

    def _attach(self, content: bytes) -> str:
        name = f"everest-value-{len(self.attachments)}.bin"
        self.attachments[name] = content
        return name


def _is_big(value: Fraction) -> bool:
    return not (-(2**63) < value.numerator < 2**63 and value.denominator < 2**63)


def _integer(value: int, *, big: bool = False) -> str:
    if not big and -(2**63) < value < 2**63:
        return str(value)
    return f'parse(BigInt, "{value:x}"; base = 16)'  # its decimal digits may be too many for Python to write


def _float(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Inf" if value > 0 else "-Inf"
    if value != 0 and abs(value) < 2.3e-308:  # of fewer than 53 bits; Julia's parser may say that it underflows
        bits = int(np.float64(value).view(np.uint64))
        return f"reinterpret(Float64, 0x{bits:016x})"
    return repr(value)


def _number(value: Any) -> str:
    """An element of an array; its type is said at the array, and a shorter float is exact as a longer one."""
    item = value.item()
    if isinstance(item, bool):
        return "true" if item else "false"
    if isinstance(item, complex):
        return f"complex({_float(item.real)}, {_float(item.imag)})"
    if isinstance(item, float):
        return _float(item)
    return "typemin(Int64)" if item == -(2**63) else str(item)


def _escaped(character: str) -> str:
    if character in _SIMPLE:
        return character
    code = ord(character)
    return f"\\U{code:08x}" if code > 0xFFFF else f"\\u{code:04x}"
