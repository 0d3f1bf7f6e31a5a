"""What a compiler and a program of C++ say of errors."""

from __future__ import annotations

import re
from pathlib import PurePath

from ..base import Display, Text
from ..streams import ErrorStream

__all__ = ["error_stream"]

_COMPILER = re.compile(r"(?P<file>[^\s:][^:]*):(?P<line>\d+)(?::\d+)?: (?:fatal )?error: (?P<text>.*)")
_REQUIRED = re.compile(r"(?P<file>[^\s:][^:]*):(?P<line>\d+)(?::\d+)?:   (?:recursively )?required (?:from|by)")
_REQUESTED = re.compile(r"(?P<file>[^\s:][^:]*):(?P<line>\d+)(?::\d+)?: note: .* requested here")
_INCLUDED = re.compile(r"(?:In file included|\s+) from (?P<file>[^:]+):(?P<line>\d+)[,:]")
_SANITIZER = re.compile(r"(?P<file>[^\s:][^:]*):(?P<line>\d+)(?::\d+)?: runtime error: (?P<text>.*)")
_SUMMARY = re.compile(r"SUMMARY: (?P<tool>\w+): (?P<text>\S+)(?: (?P<file>\S+?):(?P<line>\d+)\S*)?")
_ASSERTION = re.compile(r"\S+: (?P<file>[^:]+):(?P<line>\d+): .*(?P<text>Assertion .* failed)\.")
_LINKER = re.compile(r".*(?P<text>undefined reference to .*|cannot find -l.*|multiple definition of `[^']*')")
_THROWN = re.compile(r"terminate called after throwing an instance of '(?P<type>.*)'")
_THROWN_CLANG = re.compile(r"libc\+\+abi: terminating (?:due to|with) uncaught exception of type (?P<text>.*)")
_OURS = re.compile(r"error: (?P<text>.*)")


class _Reports:
    """Finds the first report of an error in lines of standard error.

    Args:
        cell: the file of the cell.
    """

    def __init__(self, cell: str) -> None:
        self._cell = cell
        self._required = ""
        self._included = ""
        self._pending = ""
        self._thrown = ""

    def find(self, line: str) -> str:
        """The report in a line, or an empty text."""
        return self._of_run(line) or self._of_compiler(line)

    def _of_run(self, line: str) -> str:
        if self._thrown:
            thrown, self._thrown = self._thrown, ""
            what = re.match(r"\s+what\(\):\s+(.*)", line)
            return f"{thrown}: {what[1]}" if what else f"an exception of type {thrown} was not caught"
        if match := _THROWN.match(line):
            self._thrown = match["type"].replace("__cxx11::", "")
            return ""
        for pattern in (_SANITIZER, _ASSERTION, _THROWN_CLANG, _SUMMARY):
            if match := pattern.match(line):
                return self._at(match)
        match = _OURS.match(line) or _LINKER.match(line)
        return match["text"] if match else ""

    def _of_compiler(self, line: str) -> str:
        """A report in a header is the cell's where it asked for it: said before by g++, and afterwards by clang++."""
        if match := _INCLUDED.match(line):
            self._included = match["line"] if match["file"] == self._cell else self._included
        elif (match := _REQUIRED.match(line)) and match["file"] == self._cell:
            self._required = match["line"]
        elif self._pending and (match := _REQUESTED.match(line)) and match["file"] == self._cell:
            return f"{self._pending} (line {match['line']} of the cell)"
        elif match := _COMPILER.match(line):
            return self._compiler_error(match)
        elif " warning: " in line:
            self._required = ""
        return ""

    def _compiler_error(self, match: re.Match[str]) -> str:
        if match["file"] == self._cell or self._pending:
            return self._at(match)
        if self._required:
            return f"{match['text']} (line {self._required} of the cell)"
        if PurePath(match["file"]).is_absolute():  # a header of the library: clang++ says later who asked
            self._pending = match["text"]
            return ""
        return self._at(match)

    def _at(self, match: re.Match[str]) -> str:
        found = match.groupdict()
        text = found["text"] if not found.get("tool") else f"{found['tool']}: {found['text']}"
        if not found.get("line"):
            return text
        name = PurePath(found["file"]).name
        where = "the cell" if name == self._cell else name
        via = f", included by line {self._included} of the cell" if name != self._cell and self._included else ""
        return f"{text} (line {found['line']} of {where}{via})"

    def last(self) -> str:
        """The report at the end of all, if there was none before."""
        return self._pending or (f"an exception of type {self._thrown} was not caught" if self._thrown else "")


class _CompilerStream(ErrorStream):
    def __init__(self, reports: _Reports) -> None:
        super().__init__(reports.find)
        self._reports = reports

    def close(self) -> list[Text | Display]:
        """What waited for a line that did not come is a report too."""
        shown = super().close()
        self.error = self.error or self._reports.last()
        return shown


def error_stream(cell: str) -> ErrorStream:
    """A reader of what a compiler and a program print; `cell` is the file of the cell."""
    return _CompilerStream(_Reports(cell))
