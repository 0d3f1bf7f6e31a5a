"""A value as a tree of JSON and members of bytes: the writing half of `values`, shipped with it."""

from __future__ import annotations

import base64
import datetime
import importlib
import math
import types
from collections.abc import Callable
from typing import IO, Any, NamedTuple

SAFE_INTEGER = 2**53
INLINE_BYTES = 4096


class CannotTravelError(Exception):
    """A value that cannot travel exactly; the message says why, without the name."""


class Member(NamedTuple):
    """One member of a bundle beside the index: its size in bytes and how to write it."""

    size: int
    write: Callable[[IO[bytes]], Any]


def kind_of(value: Any) -> str:
    """A short name of a value's type for messages: `numpy.ndarray`, `function`, `Figure`."""
    kind = type(value)
    module = kind.__module__.split(".", 1)[0]
    return f"{module}.{kind.__qualname__}" if module in ("numpy", "pandas") else kind.__qualname__


def encode_tree(value: Any, members: list[Member], above: tuple[int, ...]) -> Any:
    """The tree of a value; its large parts are added to `members`. `above` holds the ids of what contains it.

    Raises:
        CannotTravelError: its type is not among those that travel exactly.
    """
    kind = type(value)
    plain = _PLAIN.get(kind)
    if plain is not None:
        return plain(value)
    if kind in (bytes, bytearray):
        return {"t": kind.__name__, **_bytes(bytes(value), members)}
    if kind in _CONTAINERS:
        return _encode_container(value, members, above)
    if isinstance(value, types.ModuleType):
        return {"t": "module", "v": value.__name__}
    package = kind.__module__.split(".", 1)[0]
    if package == "numpy":
        return _encode_numpy(value, members)
    if package == "pandas":
        return importlib.import_module(".frames", __package__).encode(value, Encoder(members, above))
    if isinstance(value, datetime.tzinfo):
        return encode_timezone(value)
    if (package, kind.__name__) == ("decimal", "Decimal"):  # by name: most programs import neither module
        return {"t": "Decimal", "v": str(value)}
    if (package, kind.__name__) == ("fractions", "Fraction"):
        return {"t": "Fraction", "v": [hex(value.numerator), hex(value.denominator)]}
    raise CannotTravelError(f"a value of type {kind_of(value)} cannot travel")


class Encoder(NamedTuple):
    """What `frames` needs of this module: encode a part of a value, or add an array to its members."""

    members: list[Member]
    above: tuple[int, ...]

    def part(self, value: Any) -> Any:
        """The tree of a part."""
        return encode_tree(value, self.members, self.above)

    def array(self, value: Any) -> int:
        """The number of the member that will hold a numpy array."""
        return _array(value, self.members)


def _encode_container(value: Any, members: list[Member], above: tuple[int, ...]) -> Any:
    if id(value) in above:
        raise CannotTravelError("it contains itself")
    if len(above) > 200:
        raise CannotTravelError("it is nested more than 200 levels deep")
    below = (*above, id(value))
    if type(value) is dict:
        pairs = [[encode_tree(k, members, below), encode_tree(v, members, below)] for k, v in value.items()]
        return {"t": "dict", "v": pairs}
    items = [encode_tree(item, members, below) for item in value]
    return items if type(value) is list else {"t": type(value).__name__, "v": items}


def _encode_int(value: int) -> Any:
    # hexadecimal, because decimal conversion of long integers is limited in newer Pythons
    return value if -SAFE_INTEGER < value < SAFE_INTEGER else {"t": "int", "v": hex(value)}


def _encode_datetime(value: datetime.datetime) -> Any:
    naive = value.replace(tzinfo=None)
    zone = None if value.tzinfo is None else encode_timezone(value.tzinfo)
    return {"t": "datetime", "v": naive.isoformat(), "fold": value.fold, "zone": zone}


def _encode_time(value: datetime.time) -> Any:
    zone = None if value.tzinfo is None else encode_timezone(value.tzinfo)
    return {"t": "time", "v": value.replace(tzinfo=None).isoformat(), "fold": value.fold, "zone": zone}


def encode_timezone(zone: datetime.tzinfo) -> Any:
    """The tree of a time zone: a fixed offset, or a name of the tz database."""
    if type(zone) is datetime.timezone:
        return {"t": "timezone", "v": _delta(zone.utcoffset(None)), "name": zone.tzname(None)}
    library = type(zone).__module__.split(".", 1)[0]  # pytz is what older pandas uses
    key = getattr(zone, {"zoneinfo": "key", "pytz": "zone"}.get(library, ""), None)
    if isinstance(key, str):
        return {"t": library, "v": key}
    raise CannotTravelError(f"a time zone of type {kind_of(zone)} cannot travel")


def _delta(value: datetime.timedelta) -> list[int]:
    return [value.days, value.seconds, value.microseconds]


def _bytes(data: bytes, members: list[Member]) -> dict[str, Any]:
    if len(data) <= INLINE_BYTES:
        return {"v": base64.b64encode(data).decode()}
    return {"m": _member(members, len(data), lambda stream: stream.write(data))}


def _member(members: list[Member], size: int, write: Callable[[IO[bytes]], Any]) -> int:
    members.append(Member(size, write))
    return len(members) - 1


def _encode_numpy(value: Any, members: list[Member]) -> Any:
    numpy = importlib.import_module("numpy")
    if type(value) is numpy.ndarray:
        return {"t": "ndarray", "m": _array(value, members)}
    if isinstance(value, numpy.generic) and not isinstance(value, numpy.object_):
        return {"t": "scalar", "m": _array(numpy.asarray(value), members)}
    if isinstance(value, numpy.dtype):
        _check_dtype(value)
        return {"t": "dtype", "m": _array(numpy.empty(0, value), members)}
    raise CannotTravelError(f"a value of type {kind_of(value)} cannot travel")


def _check_dtype(dtype: Any) -> None:
    if dtype.hasobject:
        raise CannotTravelError(f"an array of dtype {dtype} cannot travel: its elements are Python objects")


def _array(array: Any, members: list[Member]) -> int:
    numpy = importlib.import_module("numpy")
    _check_dtype(array.dtype)
    return _member(
        members,
        int(array.nbytes) + 128,
        lambda stream: numpy.lib.format.write_array(stream, array, allow_pickle=False),
    )


_CONTAINERS = frozenset([list, tuple, set, frozenset, dict])
_PLAIN: dict[type, Callable[[Any], Any]] = {
    type(None): lambda value: None,
    bool: bool,
    str: str,
    int: _encode_int,
    float: lambda value: value if math.isfinite(value) else {"t": "float", "v": repr(value)},
    complex: lambda value: {"t": "complex", "v": [value.real.hex(), value.imag.hex()]},
    datetime.datetime: _encode_datetime,
    datetime.date: lambda value: {"t": "date", "v": value.isoformat()},
    datetime.time: _encode_time,
    datetime.timedelta: lambda value: {"t": "timedelta", "v": _delta(value)},
    range: lambda value: {"t": "range", "v": [hex(value.start), hex(value.stop), hex(value.step)]},
    type(Ellipsis): lambda value: {"t": "Ellipsis"},
}
