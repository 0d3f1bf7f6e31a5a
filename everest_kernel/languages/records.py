"""Values as a program writes them into a file: a form simple enough for any language, and exact.

The file is a sequence of records. Each begins with a line of four words, `NAME KIND DIMENSIONS LENGTH`, followed by
LENGTH bytes and a line feed. NAME is percent-encoded. DIMENSIONS is `-`, or numbers with `x` between them. The
kinds:

========== ==============================================================================
`none`     nothing; None here
`bool`     `0` or `1`
`int`      decimal digits
`float`    a number that denotes the double exactly, with 17 digits or in C's `%a`; `inf`, `-inf`, `nan`
`decimal`  a decimal number, whose digits after the point count
`complex`  two such numbers with a blank between them
`rational` two integers with `/` between them
`str`      UTF-8
`bytes`    bytes
`TYPE`     an array of numbers of numpy's type code TYPE, such as `<f8`, in column-major order
`list`     LENGTH records follow, and no bytes; their names mean nothing
`dict`     LENGTH records follow, and no bytes; their names are the keys
`strs`     a list of strings: LENGTH records follow
`refused`  the value did not travel; the bytes say why
`missing`  the program did not assign it
========== ==============================================================================

The last line is `. end - 0`: without it the program was cut off.
"""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction
from typing import IO, Any
from urllib.parse import unquote

from ..wire import ProtocolError
from .base import Returned
from .drivers import END_MARK

__all__ = ["read_records"]

_NUMERIC = re.compile(r"[<|][biufc]\d{1,2}\Z")
_DEEPEST = 200


def read_records(source: IO[bytes], back: Returned) -> None:
    """Add the values of a file of records to `back`; `back.finished` tells whether the file has its end.

    Raises:
        ProtocolError: the file is not of this form.
    """
    reader = _Reader(source)
    back.finished = False
    while (head := reader.head()) is not None:
        name, kind, dimensions, length = head
        if f"{name} {kind} {dimensions} {length}" == END_MARK:
            back.finished = True
            return
        if kind == "refused":
            back.problems.append(f"{name}: {reader.body(length).decode('utf-8', 'replace')}")
        elif kind == "missing":
            reader.body(length)
            back.problems.append(f"{name}: the cell did not assign it")
        else:
            before = reader.taken
            back.values[name] = reader.value(kind, dimensions, length, 0)
            back.sizes[name] = reader.taken - before


class _Reader:
    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self.taken = 0

    def head(self) -> tuple[str, str, str, int] | None:
        """The next record's first line; None at the end of the file."""
        line = self._source.readline(10_000)
        if not line:
            return None
        words = line.decode("ascii", "replace").split()
        if line.startswith(b" "):
            words.insert(0, "")  # the empty text is a key like any other
        if len(words) != 4 or not line.endswith(b"\n") or not words[3].isdigit():
            raise ProtocolError(f"the values that the program wrote cannot be read: {line[:80]!r}")
        return unquote(words[0]), words[1], words[2], int(words[3])

    def body(self, length: int) -> bytes:
        """The bytes of a record."""
        content = self._source.read(length + 1)
        if len(content) != length + 1 or content[-1:] not in (b"\n", b"\r"):
            raise ProtocolError("the values that the program wrote are cut off or damaged")
        if content[-1:] == b"\r":  # a program under Windows that writes text
            self._source.read(1)
        self.taken += length
        return content[:-1]

    def value(self, kind: str, dimensions: str, length: int, depth: int) -> Any:
        """The value of a record whose first line was read."""
        if kind in ("list", "strs", "dict"):
            return self._container(kind, length, depth)
        body = self.body(length)
        try:
            if _NUMERIC.match(kind):
                return _array(kind, dimensions, body)
            return _SCALARS[kind](body)
        except (KeyError, ValueError, TypeError, ZeroDivisionError) as error:
            raise ProtocolError(f"a value of kind {kind!r} cannot be read: {error}") from error

    def _container(self, kind: str, count: int, depth: int) -> Any:
        if depth > _DEEPEST:
            raise ProtocolError("the values that the program wrote are nested too deeply")
        names, items = [], []
        for _ in range(count):
            head = self.head()
            if head is None:
                raise ProtocolError("the values that the program wrote are cut off")
            names.append(head[0])
            items.append(self.value(*head[1:], depth + 1))
        return dict(zip(names, items, strict=True)) if kind == "dict" else items


def _array(kind: str, dimensions: str, body: bytes) -> Any:
    import numpy as np  # slow, and no kernel should wait for it at its start

    shape = [int(part) for part in dimensions.split("x")]
    return np.array(np.frombuffer(body, np.dtype(kind)).reshape(shape, order="F"), order="C")


def _float(text: str) -> float:
    return float.fromhex(text) if "0x" in text.lower() else float(text)


def _complex(body: bytes) -> complex:
    real, imaginary = body.decode("ascii").split()
    return complex(_float(real), _float(imaginary))


def _rational(body: bytes) -> Fraction:
    above, below = body.decode("ascii").split("/")
    return Fraction(_int(above), _int(below))


def _decimal(text: str) -> Decimal:
    if not re.fullmatch(r"-?\d{1,400}(\.\d{1,400})?", text):
        raise ValueError(f"{text[:80]!r} is no decimal number")
    return Decimal(text)


def _int(text: str) -> int:
    """Through Decimal, which has no limit on the digits of a text."""
    return int(text) if len(text) < 4000 else int(Decimal(text))


_SCALARS: dict[str, Any] = {
    "none": lambda body: None,
    "bool": lambda body: {b"0": False, b"1": True}[body],
    "int": lambda body: _int(body.decode("ascii")),
    "float": lambda body: _float(body.decode("ascii")),
    "decimal": lambda body: _decimal(body.decode("ascii")),
    "complex": _complex,
    "rational": _rational,
    "str": lambda body: body.decode("utf-8"),
    "bytes": bytes,
}
