"""Python values as Giac's, exactly."""

from __future__ import annotations

import math
import re
import struct
import sys
from dataclasses import dataclass
from decimal import Decimal

from ..algebra import MOST_DIGITS, AlgebraLiterals

__all__ = ["GiacLiterals", "quote", "text_literal"]

_DOUBLE, _DECIMAL = 19, MOST_DIGITS + 3
"""Decimal digits with which a double is written that Giac's own would cut, and those of a Decimal at least: Giac then
takes a number of its multiple precision. The reader tells both by their digits."""
_PLAIN = re.compile(r"(?!.*\.\.)[A-Za-z0-9 _,;:!?=+.%()-]*\Z")
_NATIVE = 14
"""Digits up to which Giac takes a double of its own."""


def quote(text: str) -> str:
    """A string of Giac's, on one line: a backslash before a line's end would join the lines, even in a string."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def text_literal(value: str, encoding: str) -> str:
    """An expression for a string: a literal where that is safe, else its bytes.

    Giac's reader changes texts even in quotation marks, such as two points, a number sign, or some signs beyond ASCII.
    """
    return f'"{value}"' if _PLAIN.match(value) else f"char([{','.join(map(str, value.encode(encoding)))}])"


@dataclass
class GiacLiterals(AlgebraLiterals):
    """Literals that Giac reads in both its syntaxes.

    Giac's doubles have no room for the last five bits of a double's fraction. A number that needs them is written with
    so many digits that Giac takes a number of its multiple precision instead, which is exact.
    """

    program: str = "Giac"
    maple: bool = False
    encoding: str = "utf-8"

    def __post_init__(self) -> None:
        self.unit = "I" if self.maple else "i"

    def real(self, value: float) -> str:
        """Digits, or Giac's names for what has none."""
        if math.isnan(value):
            return "undef"
        if math.isinf(value):
            return "infinity" if value > 0 else "(-infinity)"
        if value == 0 and math.copysign(1, value) < 0:
            return "(-0.0)"
        if _is_cut(value):
            return _long(Decimal(repr(value)), _DOUBLE)
        return f"({value!r})" if value < 0 else repr(value)

    def complex_number(self, value: complex) -> str:
        """Both parts in the same form, or Giac would cut the one that is longer."""
        if _is_cut(value.real) or _is_cut(value.imag):
            real, imaginary = (_long(Decimal(repr(part)), _DOUBLE) for part in (value.real, value.imag))
            return f"({real}+({imaginary})*{self.unit})"
        return super().complex_number(value)

    def decimal(self, value: Decimal) -> str:
        """Its digits; zeros behind them make Giac keep them all."""
        return _long(value, _DECIMAL)

    def text(self, value: str) -> str:
        """A string."""
        try:
            return text_literal(value, self.encoding)
        except UnicodeEncodeError as error:
            raise self.refused(f"its text does not exist in the encoding {self.encoding} of the route") from error

    def set_of(self, items: list[str]) -> str:
        """A set."""
        return f"{'{' if self.maple else 'set['}{','.join(items)}{'}' if self.maple else ']'}"

    def matrix(self, rows: list[list[str]], shape: tuple[int, ...], kind: str) -> str:
        """A matrix, which is more to Giac than a list of lists."""
        return f"matrix([{','.join('[' + ','.join(row) + ']' for row in rows)}])"


def _is_cut(value: float) -> bool:
    """Whether Giac's own doubles lack room for a number, or would not be taken for its digits."""
    bits: int = struct.unpack("<Q", struct.pack("<d", value))[0] & 31
    many = len(Decimal(repr(value)).as_tuple().digits) > _NATIVE
    return bool(value) and (bool(bits) or many or abs(value) < sys.float_info.min)


def _long(value: Decimal, least: int) -> str:
    """All digits of a number, and zeros behind them up to so many."""
    sign, digits, exponent = value.as_tuple()
    text = "".join(map(str, digits))
    exponent = int(exponent) + len(text) - 1
    number = f"{text[0]}.{text[1:].ljust(least - 1, '0')}e{exponent}"
    return f"(-{number})" if sign else number
