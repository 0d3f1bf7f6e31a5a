"""Finds the displays that `displays.send` put into a program's standard output. No I/O."""

from __future__ import annotations

import base64
import binascii
import json

from ..base import Display, Text
from .displays import END, MARK

__all__ = ["RichStream"]

_LONGEST = 8192
"""A sequence without its end after this many bytes is no sequence of ours."""


class RichStream:
    """Splits the bytes of standard output, in whatever pieces they arrive, into text and displays.

    Whatever is not a well-formed display stays text: no byte of the program's output is lost.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._parts: dict[int, list[bytes]] = {}

    error = ""  # the runner reports it

    def feed(self, stream: str, data: bytes) -> list[Text | Display]:
        """Take the next bytes; give back text and displays in order."""
        if stream != "stdout":
            return [Text(stream, data)]
        return _named(self._split(data))

    def _split(self, data: bytes) -> list[bytes | Display]:
        buffer, out = self._rest + data, list[bytes | Display]()
        while True:
            start = buffer.find(MARK)
            if start < 0:
                keep = _partial_mark(buffer)
                _add_text(out, buffer[: len(buffer) - keep])
                self._rest = buffer[len(buffer) - keep :]
                return out
            _add_text(out, buffer[:start])
            buffer = buffer[start:]
            end = buffer.find(END)
            if end < 0 and len(buffer) < _LONGEST:
                self._rest = buffer
                return out
            stop = end + len(END) if 0 <= end < _LONGEST else len(MARK)
            sequence, buffer = buffer[:stop], buffer[stop:]
            found = self._sequence(sequence)
            if isinstance(found, Display):
                out.append(found)
            elif not found:
                _add_text(out, sequence)

    def close(self) -> list[Text | Display]:
        """The end of the output: what was held back is text after all."""
        rest, self._rest = self._rest, b""
        return [Text("stdout", rest)] if rest else []

    def _sequence(self, sequence: bytes) -> Display | bool:
        """A finished display; True for one of its earlier pieces; False when the sequence is none of ours."""
        if not sequence.endswith(END):
            return False
        fields = sequence[len(MARK) : -len(END)].split(b";")
        if len(fields) != 4 or not all(f.isdigit() and len(f) < 12 for f in fields[:3]):
            return False
        number, index, count = (int(f) for f in fields[:3])
        parts = self._parts.setdefault(number, [])
        if index != len(parts) or count <= index:
            self._parts.pop(number, None)
            return False
        parts.append(fields[3])
        if len(parts) < count:
            return True
        return _read(b"".join(self._parts.pop(number))) or False


def _named(parts: list[bytes | Display]) -> list[Text | Display]:
    return [Text("stdout", part) if isinstance(part, bytes) else part for part in parts]


def _read(text: bytes) -> Display | None:
    try:
        content = json.loads(base64.b64decode(text, validate=True))
        data, metadata = dict(content["data"]), dict(content["metadata"])
        return Display(data, metadata, dict(content["transient"]), bool(content["update"]))
    except (binascii.Error, ValueError, KeyError, TypeError):
        return None


def _partial_mark(buffer: bytes) -> int:
    """How many bytes at the end could be the beginning of a mark."""
    for length in range(min(len(MARK) - 1, len(buffer)), 0, -1):
        if buffer.endswith(MARK[:length]):
            return length
    return 0


def _add_text(out: list[bytes | Display], text: bytes) -> None:
    if not text:
        return
    if out and isinstance(out[-1], bytes):
        out[-1] += text
    else:
        out.append(text)
