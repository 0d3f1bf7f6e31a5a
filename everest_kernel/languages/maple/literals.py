"""Python values as Maple's, exactly."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal

from ..algebra import AlgebraLiterals

__all__ = ["MapleLiterals"]


@dataclass
class MapleLiterals(AlgebraLiterals):
    """Literals for Maple; `digits` is what Digits must be while they are read, so that nothing is rounded."""

    program: str = "Maple"
    encoding: str = "utf-8"
    digits: int = 20

    def real(self, value: float) -> str:
        """Decimal digits: Maple's floats are decimal, and the shortest digits that mean a double give it back."""
        if math.isnan(value):
            return "Float(undefined)"
        if math.isinf(value):
            return f"{'' if value > 0 else '-'}Float(infinity)"
        return self._digits(repr(value))

    def decimal(self, value: Decimal) -> str:
        """Its digits; with a point or an exponent, or it would be an integer."""
        text = str(value).lower()
        return self._digits(text if "e" in text or "." in text else f"{text}.")

    def _digits(self, text: str) -> str:
        self.digits = max(self.digits, len(text))
        return text

    def complex_number(self, value: complex) -> str:
        """Its parts."""
        return f"Complex({self.real(value.real)},{self.real(value.imag)})"

    def text(self, value: str) -> str:
        """A string literal, or its bytes when control characters are in it."""
        if value.isprintable():
            escaped = value.replace("\\", "\\\\").replace('"', '\\"')
            return f'"{escaped}"'
        return f"convert([{','.join(map(str, self._bytes(value)))}],'bytes')"

    def _bytes(self, value: str) -> bytes:
        try:
            return value.encode(self.encoding)
        except UnicodeEncodeError as error:
            raise self.refused(f"its text does not exist in the encoding {self.encoding} of the route") from error

    def set_of(self, items: list[str]) -> str:
        """A set."""
        return f"{{{','.join(items)}}}"

    def table(self, entries: list[str]) -> str:
        """A table of `key=value`."""
        return f"table([{','.join(entries)}])"

    def matrix(self, rows: list[list[str]], shape: tuple[int, ...], kind: str) -> str:
        """A Matrix."""
        return f"Matrix({shape[0]},{shape[1]},[{','.join('[' + ','.join(row) + ']' for row in rows)}])"

    def vector(self, items: list[str]) -> str:
        """A Vector."""
        return f"Vector([{','.join(items)}])"
