"""What Maxima wrote that records have no kind for: matrices, long numbers, expressions."""

from __future__ import annotations

import math
from decimal import Context, Decimal
from typing import Any

import numpy as np

from ...wire import ConfigurationError, ProtocolError
from ..base import Returned

__all__ = ["convert"]

MARK = "\0"
"""The key under which a dictionary says what it is; Maxima has no dictionaries of its own."""
_LONGEST_EXPONENT = 100_000


class _TooLargeError(Exception):
    """A number whose digits would fill the memory."""


def convert(back: Returned, symbolic: str) -> None:
    """Replace what stands for matrices, long numbers and expressions.

    Args:
        back: what records gave.
        symbolic: `text` or `sympy`.

    Raises:
        ProtocolError: it was not written by our program.
    """
    for name, value in list(back.values.items()):
        try:
            back.values[name] = _converted(value, symbolic)
        except (ConfigurationError, _TooLargeError) as error:
            del back.values[name]
            back.problems.append(f"{name}: {error}")
        except (KeyError, TypeError, ValueError) as error:
            raise ProtocolError(f"{name}: a value of Maxima's cannot be read: {error}") from error


def _converted(value: Any, symbolic: str) -> Any:
    if isinstance(value, list):
        return [_converted(item, symbolic) for item in value]
    if not isinstance(value, dict):
        return value
    kind = value[MARK]
    if kind == "expression":
        if symbolic == "text":
            return str(value["text"])
        from .expressions import to_sympy  # sympy takes long to load

        return to_sympy(value["text"])
    if kind == "bigfloat":
        return _decimal(value["mantissa"], value["exponent"])
    if kind != "matrix":
        raise ValueError(f"an unknown kind {kind!r}")
    return _matrix(value, symbolic)


def _decimal(mantissa: int, exponent: int) -> Decimal:
    """The number itself: what has finitely many binary digits has finitely many decimal ones."""
    if abs(exponent) > _LONGEST_EXPONENT:
        raise _TooLargeError(f"a number of 2^{exponent} times an integer has too many digits")
    if exponent >= 0:
        return Decimal(mantissa << exponent)
    return Decimal(mantissa * 5**-exponent).scaleb(exponent, Context(prec=10**6))


def _matrix(value: dict[str, Any], symbolic: str) -> np.ndarray[Any, Any]:
    rows, columns = map(int, value["shape"].split())
    kind, data = value["kind"], value["data"]
    items: np.ndarray[Any, Any]
    if kind == "o":
        items = np.empty(rows * columns, object)
        items[:] = [_converted(item, symbolic) for item in data] if rows * columns else []
        return items.reshape(rows, columns)
    if kind in ("i", "b"):
        items = np.array([int(word) for word in data.split()], np.int64).astype(bool if kind == "b" else np.int64)
    else:
        words = data.split()
        numbers = map(_number, words[::2], words[1::2])
        items = np.fromiter(numbers, np.float64, len(words) // 2).view(np.complex128 if kind == "c" else np.float64)
    return items.reshape(rows, columns)


def _number(mantissa: str, exponent: str) -> float:
    if exponent.lstrip("-").isdigit():
        return -0.0 if mantissa == "-0" else math.ldexp(int(mantissa), int(exponent))
    return math.copysign(float(exponent), int(mantissa))
