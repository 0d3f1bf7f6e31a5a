"""What a run of Maple prints: the user's output, our marks, and errors."""

from __future__ import annotations

import re

from ..base import Display, Text

__all__ = ["MapleStream"]

_SYNTAX = re.compile(r"(?:Error, )?(?:\(in [^)]*\) )?on line (\d+), (syntax error.*?):?\s*\Z")
_ERROR = re.compile(r"Error, (?:\(in ([^)]*)\) )?(.*)")
_LONGEST = 4000


class MapleStream:
    """Output as it is, without the marks (between STX and ETX) that say which statement runs.

    Maple writes its errors on standard output.
    """

    def __init__(self) -> None:
        self.error = ""
        self._mark: bytes | None = None
        self._line = b""
        self._place = ""

    def feed(self, stream: str, data: bytes) -> list[Text | Display]:
        """Marks are taken out; lines are looked at on the way."""
        if stream != "stdout":
            return [Text(stream, data)] if data else []
        shown = []
        while data:
            if self._mark is None:
                text, begun, data = data.partition(b"\2")
                shown.append(text)
                self._look(text)
                self._mark = b"" if begun else None
            else:
                part, ended, data = data.partition(b"\3")
                self._mark += part
                if ended:
                    self._pass(self._mark.decode("utf-8", "replace"))
                    self._mark = None
                elif len(self._mark) > _LONGEST:  # the user's own character
                    shown.append(self._mark)
                    self._mark = None
        output = b"".join(shown)
        return [Text("stdout", output)] if output else []

    def close(self) -> list[Text | Display]:
        """The last line may have no end."""
        self._look(b"\n")
        return []

    def _pass(self, place: str) -> None:
        self._look(b"\n")  # what a statement printed without a line's end does not make the next one's report
        self._place = place
        if place == "end":  # all has run: what looked like an error was the user's own text
            self.error = ""

    def _look(self, data: bytes) -> None:
        *lines, rest = (self._line + data).split(b"\n")
        self._line = rest[:_LONGEST]
        for line in lines:
            if not self.error:
                self.error = self._report(line.decode("utf-8", "replace").strip("\r "))

    def _report(self, line: str) -> str:
        """The report in a line, or an empty text."""
        if syntax := _SYNTAX.match(line):
            return f"{syntax[2]} (line {syntax[1]} of the cell)"
        error = _ERROR.match(line)
        if error is None:
            return ""
        kind, _, name = self._place.partition(" ")
        message = f"{error[2]} in {error[1]}" if error[1] else error[2]
        if kind == "input":
            return f"{name!r} cannot be the name of an input in Maple: {message}"
        where = {"line": f" (line {name} of the cell)", "output": f" (the output {name})"}.get(kind, "")
        return message + where
