"""Values in the texts that Giac and our programs for Maple write.

A text is a sequence of `NAME [EXPRESSION, ...]`. An expression is a number (also in C's `%a` form), a string with
doubled quotation marks, a list `[...]`, a set `{...}`, `set[...]` or `%{...%}`, a matrix `matrix[[...]]`, a table
`table(key = value, ...)`; `everest_text([bytes])` for a string, `everest_symbolic([bytes])` for an expression that is
not to be looked into, `everest_refused([bytes])` for what cannot travel, with the reason; `everest_vector(...)` for an
array of one dimension, `everest_complex(real, imaginary)`. Anything else is symbolic.
"""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from .numerals import read_integer

__all__ = ["RefusedValue", "Symbolic", "UnreadableError", "read_expression", "read_named_values"]

MOST_DIGITS = 21
"""Digits of a number up to which it is a float here; one with more is a Decimal."""
_DEEPEST = 100
_NUMBER = r"(?:0x[0-9a-f]+(?:\.[0-9a-f]*)?p[+-]?\d+|\d+(?:\.\d*)?(?:e[+-]?\d+)?|\.\d+(?:e[+-]?\d+)?)"
_INTEGER = re.compile(r"[+-]?\d+\Z")
_RATIONAL = re.compile(r"([+-]?\d+)/(0*[1-9]\d*)\Z")
_REAL = re.compile(rf"[+-]?{_NUMBER}\Z", re.IGNORECASE)
_PART = rf"{_NUMBER}(?:/0*[1-9]\d*)?"
_COMPLEX = re.compile(
    rf"(?P<real>[+-]?{_PART}(?=[+-]))?(?P<sign>[+-]?)(?:(?P<factor>{_PART})\*)?I(?:/(?P<below>0*[1-9]\d*))?\Z",
    re.IGNORECASE,
)
_STRING = re.compile(r'"(?:[^"]|"")*"')
_DIVIDED = re.compile(r"(-?)\(([^()]*)\)/(0*[1-9]\d*)\Z")
_DIVIDING = re.compile(r'"(?:[^"]|"")*"|[(\[{]|[)\]}]|,|(?<![<>:=!])=(?!=)')
_BYTES = re.compile(r"everest_(text|symbolic|refused)\(\[([\d, \n]*)\]\)")
_BRACKETS = {"(": ")", "[": "]", "{": "}"}
_HEX = re.compile(r"(?<!\w)0x[0-9a-f]+(?:\.[0-9a-f]*)?p[+-]?\d+", re.IGNORECASE)
_NAMES = {
    "true": True,
    "false": False,
    "undef": float("nan"),
    "undefined": float("nan"),
    "Float(undefined)": float("nan"),
    **dict.fromkeys(("infinity", "+infinity", "Float(infinity)"), float("inf")),
    **dict.fromkeys(("-infinity", "-Float(infinity)", "Float(-infinity)"), float("-inf")),
}


class UnreadableError(Exception):
    """The text is not of this form."""


class Symbolic(str):
    """An expression that is no value."""

    __slots__ = ()


class RefusedValue(str):
    """Why a value did not travel."""

    __slots__ = ()


def read_named_values(text: str, encoding: str = "utf-8") -> dict[str, tuple[list[Any], int]]:
    """The values by name, each as the expressions between its outer brackets (a sequence has several), and its size.

    Args:
        text: the whole text.
        encoding: of the texts whose bytes it gives.

    Raises:
        UnreadableError: the text is not of this form.
    """
    found: dict[str, tuple[list[Any], int]] = {}
    if encoding != "utf-8":
        text = _BYTES.sub(lambda match: _bytes(match[1], _decoded(match[2], encoding)), text)
    head, place = re.compile(r"\s*(\w+) \["), 0
    while (match := head.match(text, place)) is not None:
        parts, place = _split(text, match.end(), "]")
        found[match[1]] = [read_expression(part) for part in parts], place - match.end()
    if text[place:].strip():
        raise UnreadableError(f"{text[place : place + 60]!r} is not expected")
    return found


def read_expression(text: str, depth: int = 0) -> Any:
    """The value that an expression denotes; a `Symbolic` when it is none, a `RefusedValue` when it did not travel.

    Raises:
        UnreadableError: its brackets or strings do not match, or are nested too deeply.
    """
    text = text.strip()
    if depth > _DEEPEST:
        raise UnreadableError("it is nested too deeply")
    if text in _NAMES:
        return _NAMES[text]
    if text[:1].isdigit():
        return _number(text)
    if _STRING.fullmatch(text):
        return text[1:-1].replace('""', '"')
    for opening, read in _CONTAINERS:
        if text.startswith(opening):
            parts, end = _split(text, len(opening), _BRACKETS[opening[-1]])
            if end == len(text):
                return read(parts, depth + 1)
    return _number(text)


def _split(text: str, place: int, closing: str) -> tuple[list[str], int]:
    """The parts between commas up to the bracket that closes what was opened before `place`, and where that ends."""
    parts, stack, begin = list[str](), [closing], place
    for match in _DIVIDING.finditer(text, place):
        piece = match.group()
        if piece in _BRACKETS:
            stack.append(_BRACKETS[piece])
        elif piece in ")]}":
            if stack.pop() != piece:
                raise UnreadableError(f"a bracket does not match before {text[match.start() : match.start() + 40]!r}")
            if not stack:
                last = text[begin : match.start()]
                return [*parts, *([last] if parts or last.strip() else [])], match.end()
        elif piece == "," and len(stack) == 1:
            parts.append(text[begin : match.start()])
            begin = match.end()
    raise UnreadableError("the text is cut off")


def _list(parts: list[str], depth: int) -> Any:
    return [read_expression(part, depth) for part in parts]


def _set(parts: list[str], depth: int) -> Any:
    values = [read_expression(part.strip().removesuffix("%"), depth) for part in parts]
    try:
        return set(values)
    except TypeError:  # sets of lists
        return values


def _table(parts: list[str], depth: int) -> Any:
    found = {}
    for part in parts:
        level = 0
        for match in _DIVIDING.finditer(part):
            piece = match.group()
            level += (piece in _BRACKETS) - (piece in ")]}")
            if piece == "=" and not level:
                break
        else:
            raise UnreadableError(f"{part[:40]!r} is no entry of a table")
        key = read_expression(part[: match.start()], depth)
        value = read_expression(part[match.end() :], depth)
        try:
            found[tuple(key) if isinstance(key, list) else key] = value
        except TypeError as error:
            raise UnreadableError(f"{part[:40]!r} has a key that cannot be one here") from error
    return found


def _matrix(parts: list[str], depth: int) -> Any:
    return _as_array(_list(parts, depth))


def _as_array(rows: list[Any]) -> Any:
    """An array of floats, complex numbers, integers or booleans where its elements are such, or else of objects."""
    array = np.empty((len(rows), *([len(rows[0])] if rows and isinstance(rows[0], list) else [])), object)
    for place, row in enumerate(rows):
        array[place] = row
    kinds = {type(element) for element in array.flat}
    numbers = [e for e in array.flat if type(e) is int]
    wanted: Any = None
    if kinds == {int} and all(-(2**63) <= number < 2**63 for number in numbers):
        wanted = np.int64
    elif kinds == {bool}:
        wanted = np.bool_
    elif kinds and kinds <= {int, float, complex} and all(abs(number) <= 2**53 for number in numbers):
        wanted = np.complex128 if complex in kinds else np.float64
    return array if wanted is None else array.astype(wanted)


def _two_parts(parts: list[str], depth: int) -> Any:
    values = _list(parts, depth)
    if len(values) != 2:
        raise UnreadableError("a complex number has two parts")
    found = _as_complex(*values)
    return Symbolic(f"{parts[0]}+{parts[1]}*I") if found is None else found


_CONTAINERS = (
    ("[", _list),
    ("{", _set),
    ("set[", _set),
    ("%{", _set),
    ("matrix[", _matrix),
    ("vector[", _list),
    ("table(", _table),
    ("everest_vector(", lambda parts, depth: _as_array(_list(parts, depth))),
    ("everest_complex(", _two_parts),
)


def _number(text: str) -> Any:
    if _INTEGER.match(text):
        return read_integer(text)
    if match := _RATIONAL.match(text):
        return Fraction(read_integer(match[1]), read_integer(match[2]))
    if _REAL.match(text):
        return _real(text)
    if match := _COMPLEX.match(text):
        value = _complex(match)
        return Symbolic(text) if value is None else value
    if (match := _DIVIDED.match(text)) and (whole := _COMPLEX.match(match[2])):
        value = _complex(whole, int(f"{match[1]}{match[3]}"))
        return Symbolic(text) if value is None else value
    if match := _BYTES.fullmatch(text):
        kinds: dict[str, type[str]] = {"text": str, "symbolic": Symbolic, "refused": RefusedValue}
        return kinds[match[1]](_decoded(match[2], "utf-8"))
    if not text:
        raise UnreadableError("an expression is missing")
    return Symbolic(_HEX.sub(lambda match: repr(float.fromhex(match.group())), text))


def _decoded(numbers: str, encoding: str) -> str:
    try:
        return bytes(int(number) for number in numbers.split(",") if number.strip()).decode(encoding, "replace")
    except ValueError as error:
        raise UnreadableError(f"{numbers[:40]!r} are no bytes") from error


def _bytes(kind: str, text: str) -> str:
    return f"everest_{kind}([{','.join(map(str, text.encode()))}])"


def _real(text: str) -> float | Decimal:
    if "x" in text.lower():
        return float.fromhex(text)
    digits = re.sub(r"e.*|\D", "", text, flags=re.IGNORECASE).lstrip("0")
    if len(digits) > MOST_DIGITS:
        return Decimal(text)
    return float(text)


def _complex(match: re.Match[str], divisor: int = 1) -> complex | None:
    """A complex number; None when its parts are no doubles."""
    real = _number(match["real"] or "0")
    imaginary = _number(f"{match['sign']}{match['factor'] or '1'}")
    if match["below"]:
        imaginary = Fraction(imaginary) / int(match["below"])
    if divisor != 1:
        if not all(isinstance(part, (int, Fraction)) for part in (real, imaginary)):
            return None
        real, imaginary = Fraction(real) / divisor, Fraction(imaginary) / divisor
    return _as_complex(real, imaginary)


def _as_complex(real: Any, imaginary: Any) -> complex | None:
    """A complex number; None when its parts are no doubles."""
    try:
        if all(isinstance(part, float) or float(part) == part for part in (real, imaginary)):
            return complex(float(real), float(imaginary))
    except (OverflowError, ValueError):
        pass
    return None
