"""Keys of points: the same for the same names and values, whatever sweep the point is in.

A key is the BLAKE2b hash of one point's canonical text: the names in order of the alphabet, and for each a letter for
its type and the bytes of its value. Types count (a program can tell 1 from 1.0), the sign of zero counts (1/x, atan2),
and all NaNs are one. Columns of numbers are encoded whole, without a Python object for each value.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..wire import ValueRefusedError

__all__ = ["KEY_BYTES", "point_keys"]

KEY_BYTES = 16
_NATIVE = {"<i8": b"i", "<f8": b"f", "<c16": b"c", "|b1": b"b"}
"""Types that are the same as Python's int, float, complex and bool."""
_NUMBERS = "biufcmM"
_INT64 = range(-(2**63), 2**63)


def point_keys(columns: Mapping[str, NDArray[Any]]) -> list[bytes]:
    """The keys of points.

    Args:
        columns: by parameter the values of all points, each of shape (n,), as `Space.columns` gives them. Elements of a
            column of objects may be None, bool, int, float, complex, str, bytes, numpy's scalars and arrays of numbers,
            and lists and tuples of all these.

    Returns:
        n keys of 16 bytes.

    Raises:
        ValueRefusedError: a value is of another kind, so that nothing tells for certain whether it is the same again.
    """
    names = sorted(columns)
    arrays = [np.asarray(columns[name]) for name in names]
    if len({array.shape for array in arrays}) > 1 or any(array.ndim != 1 for array in arrays):
        raise ValueError("each column of points has one value for each point")
    if not arrays:
        return []
    start = blake2b(b"".join(map(_text, names)), digest_size=KEY_BYTES).digest()
    parts = [_encoded(name, array) for name, array in zip(names, arrays, strict=True)]
    matrices = [part for part in parts if isinstance(part, np.ndarray)]
    if len(matrices) == len(parts):
        texts = _rows(np.concatenate(matrices, axis=1))
    else:
        listed = [_rows(part) if isinstance(part, np.ndarray) else part for part in parts]
        texts = [b"".join(row) for row in zip(*listed, strict=True)]
    return [blake2b(start + text, digest_size=KEY_BYTES).digest() for text in texts]


class _UnknownKindError(Exception):
    """A value whose text would not tell all of it; its type's name."""


def _rows(matrix: NDArray[np.uint8]) -> list[bytes]:
    whole, width = matrix.tobytes(), matrix.shape[1]
    return [whole[at : at + width] for at in range(0, len(whole), width)]


def _encoded(name: str, column: NDArray[Any]) -> NDArray[np.uint8] | list[bytes]:
    """The canonical text of each value: rows of a matrix where all are equally long."""
    if column.dtype.kind in _NUMBERS:
        return _numbers(column)
    try:
        return [_value(value) for value in column.tolist()]
    except _UnknownKindError as error:
        raise ValueRefusedError(
            f"the parameter {name} has a value of type {error}, which cannot be found again among kept results",
            name=name,
            hint="Give numbers, texts, or tuples of them, and make what you need of them in the cell.",
        ) from None


def _numbers(column: NDArray[Any]) -> NDArray[np.uint8]:
    """A matrix of one row for each value: the letter or the name of the type, then the bytes."""
    little = np.ascontiguousarray(_one_nan(column), column.dtype.newbyteorder("<"))
    kind, width = little.dtype.str, little.dtype.itemsize
    mark = _NATIVE.get(kind) or b"n" + _text(kind)
    matrix = np.empty((len(little), len(mark) + width), np.uint8)
    matrix[:, : len(mark)] = np.frombuffer(mark, np.uint8)
    matrix[:, len(mark) :] = little.view(np.uint8).reshape(len(little), width)
    return matrix


def _one_nan(values: NDArray[Any]) -> NDArray[Any]:
    """The values with one NaN in place of the many that a float can be, in both parts of a complex number."""
    if values.dtype.kind not in "fc" or not np.isnan(values).any():
        return values
    values = values.copy()
    for part in (values.real, values.imag) if values.dtype.kind == "c" else (values,):
        part[np.isnan(part)] = np.nan
    return values


def _text(text: str) -> bytes:
    coded = text.encode("utf-8", "surrogatepass")
    return struct.pack("<Q", len(coded)) + coded


def _int(value: int) -> bytes:
    return b"i" + struct.pack("<q", value) if value in _INT64 else b"I" + _text(hex(value))


def _float(value: float) -> bytes:
    return b"f" + struct.pack("<d", value if value == value else float("nan"))


def _sequence(letter: bytes) -> Callable[[Any], bytes]:
    return lambda values: letter + struct.pack("<Q", len(values)) + b"".join(map(_value, values))


_ENCODERS: dict[type, Callable[[Any], bytes]] = {
    type(None): lambda _: b"0",
    bool: lambda value: b"b" + bytes([value]),
    int: _int,
    float: _float,
    complex: lambda value: _numbers(np.array([value])).tobytes(),
    str: lambda value: b"s" + _text(value),
    np.str_: lambda value: b"s" + _text(str(value)),
    bytes: lambda value: b"B" + struct.pack("<Q", len(value)) + value,
    tuple: _sequence(b"t"),
    list: _sequence(b"l"),
}


def _value(value: Any) -> bytes:
    """The canonical text of one value; no text of one is the beginning of another's."""
    encoder = _ENCODERS.get(type(value))  # by the very type: a subclass may mean something else
    if encoder is not None:
        return encoder(value)
    if not isinstance(value, (np.generic, np.ndarray)) or value.dtype.kind not in _NUMBERS:
        raise _UnknownKindError(type(value).__name__)
    array = np.asarray(value)
    numbers = _numbers(array.reshape(-1)).tobytes()
    return numbers if isinstance(value, np.generic) else b"a" + _text(f"{array.shape} {array.dtype.str}") + numbers
