"""What a run of Giac prints: the user's output, the errors, and Giac's notices."""

from __future__ import annotations

import re

from ..base import Display, Text
from .drawing import draw

__all__ = ["GiacStream"]

_NOTICES = re.compile(
    rb"//|Added \d+ synonyms|Unable to open HTML doc|Warning: multi-line strings|Evaluation time:|"
    rb":\d+: syntax error|\s*$"
)
_PLACE = re.compile(rb"// everest (line|input|output) (\S+)")
_CRASH = re.compile(rb"terminate called|.*(Segmentation fault|Aborted|Killed|Bus error)")
_RESULT = re.compile(r'^"((?:[^"]|"")*)"', re.MULTILINE)
_SYNTAX = re.compile(
    r"Syntax compatibility mode \w+\. Parse error line (\d+) column \d+ at (.*?)( Error: [\w ]+)?\Z", re.DOTALL
)
_BEGIN = b'"xcas_mode: everest begin"'
_LONGEST = 20_000
_LARGEST_PLOT = 5_000_000


class GiacStream:
    """The user's output comes on standard error between STX and ETX, so that it keeps its order; it is moved.

    What Giac itself prints on standard output at the end are the results of our own statements: the only text among
    them is the error that ended the cell.
    """

    def __init__(self) -> None:
        self.error = ""
        self._results = b""
        self._line = b""
        self._inside = self._begins = False
        self._plot: bytes | None = None
        self._after = False
        self._place = ("line", "1")
        self._crashed = False

    def feed(self, stream: str, data: bytes) -> list[Text | Display]:
        """Output between the marks is standard output; the rest is standard error, less the notices."""
        if stream == "stdout":
            room = _LONGEST - len(self._results)
            self._results = self._results + data[: max(room, 0)]
            return []
        shown: list[Text | Display] = []
        position = 0
        while position < len(data):
            place = data.find(b"\3" if self._inside else b"\2", position)
            marked = place >= 0
            part = data[position : place if marked else len(data)]
            position += len(part) + marked
            if self._inside:
                shown += self._within(part, ended=marked)
                self._inside, self._after = not marked, marked
            else:
                if self._after and part:
                    part = part.removeprefix(b"\n")
                    self._after = False
                shown += self._outside(part, flush=marked)
                self._inside = self._begins = marked
        return shown

    def _within(self, data: bytes, *, ended: bool) -> list[Text | Display]:
        """Output of the user's; behind SOH it is a plot, which is drawn when it is complete."""
        if self._begins:
            self._begins = False
            if data.startswith(b"\1"):
                self._plot, data = b"", data[1:]
        if self._plot is None:
            return [Text("stdout", data)] if data else []
        self._plot += data[: _LARGEST_PLOT - len(self._plot)]
        if not ended:
            return []
        text, self._plot = self._plot.decode("utf-8", "replace"), None
        return [draw(text) or Text("stdout", b"<a plot that cannot be shown here>\n")]

    def close(self) -> list[Text | Display]:
        """The end of the output: what is known of an error is put together."""
        shown = self._outside(b"", flush=True)
        self._crashed = self._crashed or self._inside
        self.error = self._find_error()
        return shown

    def _outside(self, data: bytes, *, flush: bool) -> list[Text | Display]:
        *lines, self._line = (self._line + data).split(b"\n")
        lines = [line + b"\n" for line in lines]
        if (flush or len(self._line) > _LONGEST) and self._line:
            lines.append(self._line)
            self._line = b""
        kept = []
        for line in lines:
            if place := _PLACE.match(line):
                self._place = (place[1].decode(), place[2].decode())
            elif _CRASH.match(line):
                self._crashed = True
                kept.append(line)
            elif not _NOTICES.match(line):
                kept.append(line)
        return [Text("stderr", b"".join(kept))] if kept else []

    def _find_error(self) -> str:
        kind, name = self._place
        where = {"line": f"line {name} of the cell", "input": f"the input {name}", "output": f"the output {name}"}[kind]
        _, begun, results = self._results.partition(_BEGIN)
        if re.search(rb"^// ", results, re.MULTILINE):  # a prompt
            return f"the cell asks for input, and nobody can give it ({where})"
        results_text = results.decode("utf-8", "replace") if begun else ""
        found = next((match for match in _RESULT.finditer(results_text) if match[1] != "Done"), None)
        if found is not None:
            return _message(found[1].replace('""', '"'), kind, name, where)
        return f"Giac crashed ({where})" if self._crashed else ""


def _message(text: str, kind: str, name: str, where: str) -> str:
    """One line about an error, with the line in the cell."""
    if syntax := _SYNTAX.match(text):
        line = int(syntax[1]) + (int(name) - 1 if kind == "line" else 0)
        word = syntax[2].strip()
        own = " (a word of Giac's own cannot be a name)" if word.isidentifier() else ""
        return f"syntax error at {word!r}{own} (line {line} of the cell)"
    if kind == "input":
        return f"{name!r} cannot be the name of an input in Giac: {' '.join(text.split())}"
    thrown = re.match(r'"(.*)"(?: Error: Bad Argument Value)*\Z', text, re.DOTALL)
    if thrown:
        text = thrown[1].replace('""', '"')
    text = re.sub(
        r",? try debug\(.*?\)(?=\s*(Error|\Z))|(?<=Value)( Error: Bad Argument Value)+", "", text, flags=re.DOTALL
    )
    return f"{' '.join(text.split())} ({where})"
