"""Python values as PowerShell's, exactly. All is ASCII: Windows PowerShell takes other texts for the system's page."""

from __future__ import annotations

import base64
import math
import re
import struct
from decimal import Decimal
from typing import Any, ClassVar

import numpy as np

from ..expressions import Expressions

__all__ = ["ARRAYS", "Literals"]

_DEEPEST = 100
INLINE_BYTES = 10_000
"""Bytes of a text, of bytes or of an array up to which they stand in the program; more are in a file."""
ARRAYS = {
    "float64": "double",
    "float32": "single",
    "bool": "bool",
    "int8": "sbyte",
    "int16": "int16",
    "int32": "int32",
    "int64": "int64",
    "uint16": "uint16",
    "uint32": "uint32",
    "uint64": "uint64",
}
"""numpy's types to .NET's. An array of bytes is `bytes` in Python."""
_PLAIN = re.compile(r"[ -&(-~]*\Z")
_SHORT = re.compile(r"-?\d{1,15}(\.\d*)?\Z")


class Literals(Expressions):
    """Expressions of PowerShell's for values."""

    hint: ClassVar[str] = (
        "Numbers, texts, bytes, lists, dictionaries with texts as keys, and arrays of one dimension go."
    )

    def _value(self, value: Any, depth: int) -> str:
        kind = type(value)
        if depth > _DEEPEST:
            raise self.refused(f"it is nested more than {_DEEPEST} levels deep")
        if value is None or kind is bool:
            return {None: "$null", True: "$true", False: "$false"}[value]
        if kind is int:
            return _integer(value)
        if kind is float:
            return _double(value)
        if kind is Decimal:
            return self._decimal(value)
        if kind is str:
            return self._text(value)
        if kind is bytes:
            return self._bytes(value)
        if kind in (list, tuple):
            return _array([self._value(item, depth + 1) for item in value])
        if kind is dict:
            return self._dictionary(value, depth)
        if isinstance(value, np.generic) and kind.__module__.startswith("numpy"):
            return self._number(value)
        if kind is np.ndarray:
            return self._numbers(value)
        raise self.refused(f"a value of type {kind.__name__} has no like in PowerShell")

    def _decimal(self, value: Decimal) -> str:
        sign, digits, exponent = value.as_tuple()
        whole = int("".join(map(str, digits))) if isinstance(exponent, int) and -28 <= exponent <= 28 else 2**96
        fits = whole * 10 ** max(0, exponent if isinstance(exponent, int) else 0) < 2**96 if whole < 2**96 else False
        if not fits or (sign and not whole):
            raise self.refused(f"{value} does not fit PowerShell's decimal numbers of 28 digits")
        return f"[decimal]::Parse('{value:f}', [Globalization.CultureInfo]::InvariantCulture)"

    def _text(self, value: str) -> str:
        try:
            encoded = value.encode()
        except UnicodeEncodeError as error:
            raise self.refused("its text has half a surrogate pair, which UTF-8 does not have") from error
        if len(encoded) > INLINE_BYTES:
            return f"[Text.Encoding]::UTF8.GetString((everest_bytes '{self._attach(encoded)}'))"
        return _string(value)

    def _bytes(self, value: bytes) -> str:
        if len(value) > INLINE_BYTES:
            return f"(everest_bytes '{self._attach(value)}')"
        return f"[Convert]::FromBase64String('{base64.b64encode(value).decode()}')"

    def _dictionary(self, value: dict[Any, Any], depth: int) -> str:
        parts, seen = [], dict[str, str]()
        for key, item in value.items():
            if not isinstance(key, str) or not key:
                raise self.refused(f"the key {key!r} of a dictionary is not a text")
            other = seen.setdefault(key.casefold(), key)
            if other != key:
                raise self.refused(f"the keys {other!r} and {key!r} are one in PowerShell")
            parts.append(f"({self._text(key)}) = ({self._value(item, depth + 1)})")
        return f"[ordered]@{{{'; '.join(parts)}}}"

    def _number(self, value: Any) -> str:
        if value.dtype.name not in ARRAYS:
            raise self.refused(f"a number of type {value.dtype} has no like in PowerShell")
        if value.dtype.name == "float32":
            return f"[single]({_double(float(value))})"
        return self._value(value.item(), 0)

    def _numbers(self, array: np.ndarray[Any, Any]) -> str:
        name = ARRAYS.get(array.dtype.name)
        if name is None or array.ndim != 1:
            hint = " (a list of rows goes)" if array.ndim > 1 else ""
            raise self.refused(f"an array of type {array.dtype} and shape {array.shape} cannot go{hint}")
        content = array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
        return f"(everest_array '{self._attach(content)}' ([{name}]) {array.size})"

    def _attach(self, content: bytes) -> str:
        name = f"everest-value-{len(self.attachments)}.bin"
        self.attachments[name] = content
        return name


def _integer(value: int) -> str:
    if value == -(2**63):
        return "[long]::MinValue"  # its digits alone are no long
    if -(2**63) < value < 2**63:
        return f"[long]{value}" if value >= 0 else f"[long]({value})"
    return f"[System.Numerics.BigInteger]::Parse('{value}', [Globalization.CultureInfo]::InvariantCulture)"


def _double(value: float) -> str:
    """Short ones as people write them; the others by their bits, which no .NET rounds."""
    if value == 0 and math.copysign(1, value) > 0:
        return "0.0"
    text = repr(value)
    if _SHORT.match(text) and len(text.strip("-").replace(".", "")) <= 15 and value:
        return text if value >= 0 else f"({text})"
    return f"[BitConverter]::Int64BitsToDouble({_integer(struct.unpack('<q', struct.pack('<d', value))[0])})"


def _string(value: str) -> str:
    """A text in single quotes, with what is not ASCII as `Regex.Unescape` reads it (UTF-16 code units)."""
    if _PLAIN.match(value):
        return f"'{value}'"
    units = struct.unpack(f"<{len(value.encode('utf-16-le')) // 2}H", value.encode("utf-16-le"))
    plain = (chr(unit) if _PLAIN.match(chr(unit)) and unit != 0x5C else f"\\u{unit:04x}" for unit in units)
    return f"[regex]::Unescape('{''.join(plain)}')"


def _array(items: list[str]) -> str:
    """The comma takes elements as they are, where `@( )` would open lists in lists."""
    if not items:
        return "@()"
    joined = ", ".join(f"({item})" for item in items)
    return f"({joined})" if len(items) > 1 else f"(, {joined})"
