"""Readers of what a program prints, for languages that report their errors there."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable

from .base import CellStream, Display, Text

__all__ = ["DecodedStream", "ErrorStream"]

_LONGEST = 2000


class ErrorStream:
    """Output that is text, with one kind of line in it that reports an error.

    Args:
        find: gives the report in a line, or an empty text.
        stream: in which of the two the reports come.
        last: whether the last report counts, not the first.
    """

    def __init__(self, find: Callable[[str], str], stream: str = "stderr", *, last: bool = False) -> None:
        self.error = ""
        self._find = find
        self._stream = stream
        self._last = last
        self._line = b""

    @classmethod
    def of_pattern(cls, pattern: str, stream: str = "stderr", *, last: bool = False) -> ErrorStream:
        """Lines that match a regular expression from their beginning; its group `error` is the report."""
        compiled = re.compile(pattern)

        def find(line: str) -> str:
            match = compiled.match(line)
            return match["error"] if match else ""

        return cls(find, stream, last=last)

    def feed(self, stream: str, data: bytes) -> list[Text | Display]:
        """The bytes as they are; lines are looked at on the way."""
        if stream == self._stream:
            *lines, rest = (self._line + data).split(b"\n")
            self._line = rest[:_LONGEST]  # of a line without an end the beginning is enough
            for line in lines:
                self._look(line)
        return [Text(stream, data)] if data else []

    def close(self) -> list[Text | Display]:
        """The last line may have no end."""
        self._look(self._line)
        self._line = b""
        return []

    def _look(self, line: bytes) -> None:
        if self._last or not self.error:
            self.error = self._find(line.decode("utf-8", "replace").rstrip()) or self.error


class DecodedStream:
    """Output in another encoding, for a reader that takes UTF-8.

    Args:
        reader: gets the text.
        encoding: a codec of Python's. What cannot be decoded becomes U+FFFD.
    """

    def __init__(self, reader: CellStream, encoding: str) -> None:
        self._reader = reader
        decoder = codecs.getincrementaldecoder(encoding)
        self._decoders = {stream: decoder("replace") for stream in ("stdout", "stderr")}

    @property
    def error(self) -> str:
        """What the reader found."""
        return self._reader.error

    def feed(self, stream: str, data: bytes) -> list[Text | Display]:
        """Characters that are whole; the rest of one waits for its other bytes."""
        return self._reader.feed(stream, self._decoders[stream].decode(data).encode())

    def close(self) -> list[Text | Display]:
        """A character that was cut off is replaced."""
        shown = []
        for stream, decoder in self._decoders.items():
            shown += self._reader.feed(stream, decoder.decode(b"", final=True).encode())
        return [*shown, *self._reader.close()]
