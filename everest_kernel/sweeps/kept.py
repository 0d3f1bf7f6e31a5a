"""Results of points as bytes, and back: exactly as they were, whole columns at a time.

A payload is a version byte, the length of its head, the head (msgpack: names, types and shapes of the outputs, resource
and job) and a body: the seconds, the numbers' bytes one after another, and at the end the texts. Points of one chunk
have the same head, so a hundred thousand of them are taken apart together. Nothing in a payload can be executed. One
that cannot be read, because it is damaged or another version wrote it, counts as absent.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from math import prod
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from ..wire import MALFORMED, ValueRefusedError
from .point_keys import point_keys

__all__ = [
    "Kept",
    "KeptFailure",
    "KeptPoints",
    "pack",
    "pack_failure",
    "pack_many",
    "point_keys",
    "unpack",
    "unpack_failure",
    "unpack_many",
]

_VERSION = b"\x01"
_NUMBERS = "biufcmM"
_TEXT = "U"
_SECONDS = np.dtype("<f8")


class Kept(NamedTuple):
    """The result of one point; a value is a scalar of numpy, or an array."""

    values: dict[str, Any]
    seconds: float
    resource: str
    job_id: str


class KeptPoints(NamedTuple):
    """Results of points that look alike.

    Attributes:
        indices: places of the points in what was unpacked, ascending, shape (n,).
        values: by output, each of shape (n, ...).
        seconds: what each took, shape (n,).
        resource: where all of them were computed.
    """

    indices: NDArray[np.int64]
    values: dict[str, NDArray[Any]]
    seconds: NDArray[np.float64]
    resource: str


class KeptFailure(msgspec.Struct, frozen=True, array_like=True):
    """Why a point has no result, what it took in seconds, where it was computed and by which job."""

    error: str
    seconds: float
    resource: str
    job_id: str


class _Head(msgspec.Struct, frozen=True, array_like=True):
    outputs: tuple[tuple[str, str, tuple[int, ...]], ...]
    """Name, numpy's text for the type, shape."""
    resource: str
    job_id: str


_head_decoder = msgspec.msgpack.Decoder(_Head)
_text_decoder = msgspec.msgpack.Decoder(list[bytes])
_failure_decoder = msgspec.msgpack.Decoder(KeptFailure)


def pack(values: Mapping[str, Any], seconds: float = 0.0, resource: str = "", job_id: str = "") -> bytes:
    """The payload of one point.

    Args:
        values: by output: a number, a text, or an array of them.
        seconds: what it took.
        resource: where it was computed.
        job_id: by which job.

    Raises:
        ValueRefusedError: a value is of another kind.
    """
    columns = {name: np.asarray(value)[np.newaxis] for name, value in values.items()}
    return pack_many(columns, np.array([seconds]), resource, job_id)[0]


def pack_many(
    values: Mapping[str, NDArray[Any]], seconds: NDArray[np.float64], resource: str = "", job_id: str = ""
) -> list[bytes]:
    """The payloads of n points.

    Args:
        values: by output, each of shape (n, ...): numbers of any kind, bools, or texts (also as an array of objects).
        seconds: what each took, shape (n,).
        resource: where all were computed.
        job_id: by which job.

    Raises:
        ValueRefusedError: values are of another kind, or not n.
    """
    count = len(seconds)
    outputs, numbers, texts = [], [_matrix(np.asarray(seconds, _SECONDS))], []
    for name, given in values.items():
        array = np.asarray(given)
        if array.ndim == 0 or len(array) != count:
            raise ValueRefusedError(f"{name} has not one value for each of {count} points", name=name)
        if array.dtype.kind in _NUMBERS:
            array = array.astype(array.dtype.newbyteorder("<"), copy=False)
            numbers.append(_matrix(array))
            outputs.append((name, array.dtype.str, array.shape[1:]))
        else:
            texts.append(_texts(name, array))
            outputs.append((name, _TEXT, array.shape[1:]))
    head = msgspec.msgpack.encode(_Head(tuple(outputs), _clean(resource), _clean(job_id)))
    start = _VERSION + struct.pack("<I", len(head)) + head
    fixed = np.concatenate(numbers, axis=1)
    whole, width = fixed.tobytes(), fixed.shape[1]
    rows = [start + whole[at : at + width] for at in range(0, len(whole), width)]
    if not texts:
        return rows
    encode = msgspec.msgpack.Encoder().encode
    return [row + encode([text for one in parts for text in one]) for row, *parts in zip(rows, *texts, strict=True)]


def unpack(payload: bytes) -> Kept | None:
    """The result of one point, or None when it cannot be read."""
    head = _head_of(payload[: _split(payload)])
    points = None if head is None else _points(head, [0], [payload[_split(payload) :]])
    if head is None or points is None:
        return None
    values = {name: column[0] for name, column in points.values.items()}
    return Kept(values, float(points.seconds[0]), head.resource, head.job_id)


def unpack_many(payloads: Sequence[bytes]) -> list[KeptPoints]:
    """The results of points, in as few groups as their types, shapes and resources allow.

    Args:
        payloads: of any points.

    Returns:
        The groups. A payload that cannot be read is in none of them.
    """
    groups: dict[object, tuple[_Head, list[int], list[bytes]]] = {}
    by_head: dict[bytes, tuple[_Head, list[int], list[bytes]] | None] = {}
    for index, payload in enumerate(payloads):
        at = _split(payload)
        start = payload[:at]
        if start not in by_head:
            head = _head_of(start)
            key = None if head is None else (head.outputs, head.resource)
            by_head[start] = None if head is None else groups.setdefault(key, (head, [], []))
        group = by_head[start]
        if group is not None:
            group[1].append(index)
            group[2].append(payload[at:])
    found = [_points(head, indices, bodies) for head, indices, bodies in groups.values()]
    return [points for points in found if points is not None]


def pack_failure(error: str, seconds: float = 0.0, resource: str = "", job_id: str = "") -> bytes:
    """The payload of a point that failed with this error."""
    failure = KeptFailure(_clean(error), float(seconds), _clean(resource), _clean(job_id))
    return _VERSION + msgspec.msgpack.encode(failure)


def unpack_failure(payload: bytes) -> KeptFailure | None:
    """Why a point failed, or None when it cannot be read."""
    if payload[:1] != _VERSION:
        return None
    try:
        return _failure_decoder.decode(payload[1:])
    except MALFORMED:
        return None


def _clean(text: str) -> str:
    """Msgpack takes no lone surrogates, which a program's own message could hold."""
    return text.encode("utf-8", "replace").decode()


def _matrix(array: NDArray[Any]) -> NDArray[np.uint8]:
    """The bytes of each point, one row for each."""
    width = prod(array.shape[1:]) * array.dtype.itemsize
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).reshape(len(array), width)


def _texts(name: str, array: NDArray[Any]) -> list[list[bytes]]:
    """The texts of each point, flat."""
    count = prod(array.shape[1:])
    flat = array.reshape(-1).tolist()
    for value in flat:
        if not isinstance(value, str):
            raise ValueRefusedError(
                f"{name} has a value of type {type(value).__name__}, which cannot be kept",
                name=name,
                hint="Results of points are numbers, texts, and arrays of them.",
            )
    coded = [value.encode("utf-8", "surrogatepass") for value in flat]
    return [coded[at * count : (at + 1) * count] for at in range(len(array))]


def _split(payload: bytes) -> int:
    """Where the body begins."""
    return 5 + int.from_bytes(payload[1:5], "little")


def _head_of(start: bytes) -> _Head | None:
    if start[:1] != _VERSION or len(start) != _split(start):
        return None
    try:
        head = _head_decoder.decode(start[5:])
        kinds = {np.dtype(kind).kind for _, kind, _ in head.outputs if kind != _TEXT}
    except (*MALFORMED, TypeError, ValueError, SyntaxError):  # the last three are numpy's, for what is no type
        return None
    sizes = [size for _, _, shape in head.outputs for size in shape]
    return head if kinds <= set(_NUMBERS) and min(sizes, default=0) >= 0 else None


def _points(head: _Head, indices: list[int], bodies: list[bytes]) -> KeptPoints | None:
    """Take bodies of one head apart; those of a wrong form are left out."""
    numbers = [(name, np.dtype(kind), shape) for name, kind, shape in head.outputs if kind != _TEXT]
    words = [(name, shape) for name, kind, shape in head.outputs if kind == _TEXT]
    width = _SECONDS.itemsize + sum(kind.itemsize * prod(shape) for _, kind, shape in numbers)
    if words:
        read = _read_texts([body[width:] for body in bodies], sum(prod(shape) for _, shape in words))
        sound = list(read)
    else:
        sound = [at for at, body in enumerate(bodies) if len(body) == width]
    if not sound:
        return None
    fixed = np.frombuffer(b"".join([bodies[at][:width] for at in sound]), np.uint8).reshape(len(sound), width)
    columns, at = {}, _SECONDS.itemsize
    for name, kind, shape in numbers:
        columns[name] = _column(fixed, at, kind, shape)
        at += kind.itemsize * prod(shape)
    at = 0
    for name, shape in words:
        flat = [text for texts in read.values() for text in texts[at : at + prod(shape)]]
        columns[name] = np.array(flat, np.str_).reshape(len(sound), *shape)
        at += prod(shape)
    values = {name: columns[name] for name, _, _ in head.outputs}
    places = np.array([indices[at] for at in sound], np.int64)
    return KeptPoints(places, values, _column(fixed, 0, _SECONDS, ()), head.resource)


def _column(fixed: NDArray[np.uint8], at: int, kind: np.dtype[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    flat: NDArray[Any] = fixed[:, at : at + kind.itemsize * prod(shape)].copy().reshape(-1).view(kind)
    return flat.reshape(len(fixed), *shape)


def _read_texts(tails: list[bytes], count: int) -> dict[int, list[str]]:
    """The texts of each point by its place, of those that have so many."""
    found = {}
    for at, tail in enumerate(tails):
        try:
            texts = [coded.decode("utf-8", "surrogatepass") for coded in _text_decoder.decode(tail)]
        except MALFORMED:
            continue
        if len(texts) == count:
            found[at] = texts
    return found
