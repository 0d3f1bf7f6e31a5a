"""A tree and its members back as the value: the reading half of `values`, shipped with it."""

from __future__ import annotations

import base64
import datetime
import importlib
from collections.abc import Callable
from typing import IO, Any, NamedTuple

from .encoding import CannotTravelError


class Decoder(NamedTuple):
    """Decodes the trees of one value.

    `open` gives a member as a stream; `trusted` says that the bundle comes from the notebook's side.
    """

    open: Callable[[int], IO[bytes]]
    trusted: bool

    def part(self, tree: Any) -> Any:
        """The value of a tree."""
        if tree is None or isinstance(tree, (bool, int, float, str)):
            return tree
        if isinstance(tree, list):
            return [self.part(item) for item in tree]
        tag = tree["t"]
        reader = _READERS.get(tag)
        if reader is None:
            return importlib.import_module(".frames", __package__).decode(tree, self)
        return reader(tree, self)

    def array(self, number: int) -> Any:
        """The numpy array in a member."""
        try:
            numpy = importlib.import_module("numpy")
        except ImportError as error:
            raise CannotTravelError("numpy is needed for this value and is not installed here") from error
        with self.open(number) as stream:
            return numpy.lib.format.read_array(stream, allow_pickle=False)


def _read_bytes(tree: Any, decoder: Decoder) -> bytes:
    if "v" in tree:
        return base64.b64decode(tree["v"], validate=True)
    with decoder.open(tree["m"]) as stream:
        return stream.read()


def _read_datetime(tree: Any, decoder: Decoder) -> datetime.datetime:
    naive = datetime.datetime.fromisoformat(tree["v"])
    return naive.replace(fold=tree["fold"], tzinfo=decoder.part(tree["zone"]))


def _read_time(tree: Any, decoder: Decoder) -> datetime.time:
    naive = datetime.time.fromisoformat(tree["v"])
    return naive.replace(fold=tree["fold"], tzinfo=decoder.part(tree["zone"]))


def _read_timezone(tree: Any, decoder: Decoder) -> datetime.timezone:
    offset = datetime.timedelta(*tree["v"])
    plain = datetime.timezone(offset)
    return plain if tree["name"] == plain.tzname(None) else datetime.timezone(offset, tree["name"])


def _read_zoneinfo(tree: Any, decoder: Decoder) -> Any:
    try:
        return importlib.import_module("zoneinfo").ZoneInfo(tree["v"])
    except (ImportError, LookupError) as error:
        raise CannotTravelError(f"time zone {tree['v']!r} is not known here") from error


def _read_pytz(tree: Any, decoder: Decoder) -> Any:
    try:
        return importlib.import_module("pytz").timezone(tree["v"])
    except ImportError:
        return _read_zoneinfo(tree, decoder)  # the same zone, as a newer library has it
    except LookupError as error:
        raise CannotTravelError(f"time zone {tree['v']!r} is not known here") from error


def _read_dict(tree: Any, decoder: Decoder) -> dict[Any, Any]:
    return {decoder.part(key): decoder.part(value) for key, value in tree["v"]}


def _read_module(tree: Any, decoder: Decoder) -> Any:
    # only names of modules that a *notebook* sends are imported; see Bundle.value
    if not decoder.trusted:
        raise CannotTravelError("a module cannot come back from a resource")
    try:
        return importlib.import_module(tree["v"])
    except ImportError as error:
        raise CannotTravelError(f"module {tree['v']} is not installed on the resource") from error


_load = importlib.import_module


def _ints(tree: Any) -> list[int]:
    return [int(text, 16) for text in tree["v"]]


_READERS: dict[str, Callable[[Any, Decoder], Any]] = {
    "int": lambda tree, decoder: int(tree["v"], 16),
    "float": lambda tree, decoder: float(tree["v"]),
    "complex": lambda tree, decoder: complex(*map(float.fromhex, tree["v"])),
    "bytes": _read_bytes,
    "bytearray": lambda tree, decoder: bytearray(_read_bytes(tree, decoder)),
    "tuple": lambda tree, decoder: tuple(map(decoder.part, tree["v"])),
    "set": lambda tree, decoder: set(map(decoder.part, tree["v"])),
    "frozenset": lambda tree, decoder: frozenset(map(decoder.part, tree["v"])),
    "dict": _read_dict,
    "datetime": _read_datetime,
    "date": lambda tree, decoder: datetime.date.fromisoformat(tree["v"]),
    "time": _read_time,
    "timedelta": lambda tree, decoder: datetime.timedelta(*tree["v"]),
    "timezone": _read_timezone,
    "zoneinfo": _read_zoneinfo,
    "pytz": _read_pytz,
    "Decimal": lambda tree, decoder: _load("decimal").Decimal(tree["v"]),
    "Fraction": lambda tree, decoder: _load("fractions").Fraction(*_ints(tree)),
    "range": lambda tree, decoder: range(*_ints(tree)),
    "Ellipsis": lambda tree, decoder: ...,
    "ndarray": lambda tree, decoder: decoder.array(tree["m"]),
    "scalar": lambda tree, decoder: decoder.array(tree["m"])[()],
    "dtype": lambda tree, decoder: decoder.array(tree["m"]).dtype,
    "module": _read_module,
}
