"""Values as they travel between the notebook and a Python program: typed, exact, and never executable.

This module is used on both ends. Its *source text* goes to the resource, where nothing of ours is installed, so it
imports only the standard library, and numpy or pandas when a value needs them; it runs on Python 3.8.

A bundle is a ZIP without compression: `values.json` holds the typed tree of every value, and each array or long
byte string is a member of its own. JSON's own null, true, numbers that fit, strings and lists stand for
themselves; everything else is an object with the key `t` (the type's tag). No pickle: reading a bundle that a
resource sent cannot run code.
"""

from __future__ import annotations

import json
import zipfile
from typing import IO, Any, NamedTuple

from .decoding import Decoder
from .encoding import CannotTravelError, Member, encode_tree, kind_of

__all__ = ["Bundle", "CannotTravelError", "Encoded", "encode", "kind_of", "write_bundle"]

INDEX = "values.json"
EPOCH = (1980, 1, 1, 0, 0, 0)  # a fixed time stamp, so that equal values make equal bundles
_MALFORMED = (
    zipfile.BadZipFile,
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    NotImplementedError,  # zipfile: an unknown compression
    RecursionError,
    RuntimeError,  # zipfile: an encrypted member
    TypeError,
    ValueError,
)


class Encoded(NamedTuple):
    """One value, ready to be written.

    `size` counts the bytes it takes in a bundle.
    """

    tree: Any
    members: list[Member]
    size: int


def encode(value: Any) -> Encoded:
    """Describe one value without copying its large parts.

    Raises:
        CannotTravelError: its type is not among those that travel exactly.
    """
    members: list[Member] = []
    tree = encode_tree(value, members, ())
    size = len(json.dumps(tree)) + sum(member.size for member in members)
    return Encoded(tree, members, size)


def write_bundle(target: IO[bytes], values: dict[str, Encoded], extra: dict[str, Any] | None = None) -> None:
    """Write a bundle of encoded values by name; `extra` is plain JSON that goes with it."""
    index: dict[str, Any] = {"values": {}, "extra": extra or {}}
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        count = 0
        for name, encoded in values.items():
            index["values"][name] = {"tree": encoded.tree, "first": count, "size": encoded.size}
            for member in encoded.members:
                with archive.open(zipfile.ZipInfo(str(count), EPOCH), "w", force_zip64=True) as stream:
                    member.write(stream)
                count += 1
        archive.writestr(zipfile.ZipInfo(INDEX, EPOCH), json.dumps(index))


class Bundle:
    """A bundle that was received. Values are decoded one by one, on demand.

    Args:
        source: a seekable binary file.
        trusted: whether modules may be imported by name; a notebook never trusts a resource.
    """

    def __init__(self, source: IO[bytes], *, trusted: bool = False) -> None:
        self._trusted = trusted
        try:
            self._archive = zipfile.ZipFile(source)
            index = json.loads(self._archive.read(INDEX))
            self._values = dict(index["values"])
            self.extra: dict[str, Any] = dict(index["extra"])
        except _MALFORMED as error:
            raise CannotTravelError(f"not a bundle of values: {error}") from error

    @property
    def names(self) -> list[str]:
        """The names in the bundle, in the order in which they were written."""
        return list(self._values)

    def size(self, name: str) -> int:
        """Bytes that a value takes."""
        return int(self._values[name]["size"])

    def value(self, name: str) -> Any:
        """Decode one value.

        Raises:
            CannotTravelError: the bundle is malformed, or a library that the value needs is missing here.
        """
        entry = self._values[name]

        def open_member(number: int) -> IO[bytes]:
            return self._archive.open(str(entry["first"] + number))

        try:
            return Decoder(open_member, self._trusted).part(entry["tree"])
        except _MALFORMED as error:
            raise CannotTravelError(f"malformed value: {type(error).__name__}: {error}") from error
