"""Decides when text of a running job is shown and how much of it. No I/O, no clock: time is an argument.

The first text is shown at once; then at most one message a stream and `INTERVAL`, so that a program that prints a
million lines leaves the page alive. Carriage returns are applied inside each piece as a terminal would, so a
progress bar costs one line however often it is drawn. Past `SHOWN_LIMIT` nothing more is shown until the end,
when the last lines follow a note of how much was left out: the job's log has it all.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["INTERVAL", "SHOWN_LIMIT", "Coalescer", "Show", "apply_returns"]

INTERVAL = 0.25
"""Seconds between two messages of one stream: with two streams and a header a page gets nine messages a second."""
SHOWN_LIMIT = 500_000
"""Characters of one cell that are shown while it runs."""
TAIL_LINES = 20
TAIL_LIMIT = 8_000
_PENDING_LIMIT = 65_536
"""Characters that wait for the next message before carriage returns are applied to them."""


@dataclass(frozen=True)
class Show:
    """Show this text on this stream."""

    stream: str
    text: str


class _Stream:
    """One stream of the cell."""

    def __init__(self) -> None:
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.pending = ""
        self.last_shown = float("-inf")
        self.hidden_bytes = 0
        self.hidden_lines = 0
        self.tail = ""


class Coalescer:
    """Text in, messages out.

    Args:
        note: makes the sentence that tells of hidden output, from its number of bytes and lines.
    """

    def __init__(self, note: Callable[[int, int], str]) -> None:
        self._note = note
        self._streams: dict[str, _Stream] = {}
        self._shown = 0
        self._noted = False

    def feed(self, name: str, data: bytes, now: float) -> list[Show]:
        """Take bytes of a stream; give what is to be shown now."""
        stream = self._streams.setdefault(name, _Stream())
        text = stream.decoder.decode(data)
        if self._shown >= SHOWN_LIMIT:
            return self._hide(stream, text, len(data))
        stream.pending += text
        if len(stream.pending) > _PENDING_LIMIT:
            stream.pending = apply_returns(stream.pending)
        return self._due(name, stream, now)

    def tick(self, now: float) -> list[Show]:
        """Time has passed; give what is to be shown now."""
        return [show for name, stream in self._streams.items() for show in self._due(name, stream, now)]

    def flush(self) -> list[Show]:
        """Everything that waits, at once: before a display, so that it keeps its place."""
        return [show for name, stream in self._streams.items() for show in self._take(name, stream)]

    def wake_at(self) -> float | None:
        """When `tick` has something to do, or None."""
        times = [stream.last_shown + INTERVAL for stream in self._streams.values() if stream.pending]
        return min(times, default=None)

    def close(self) -> list[Show]:
        """The end: what waits, and the last lines of what was hidden."""
        for stream in self._streams.values():
            rest = stream.decoder.decode(b"", final=True)
            if stream.hidden_bytes:
                stream.tail += rest
            else:
                stream.pending += rest
        out = self.flush()
        hidden = [stream for stream in self._streams.values() if stream.hidden_bytes]
        if hidden:
            note = self._note(sum(s.hidden_bytes for s in hidden), sum(s.hidden_lines for s in hidden))
            out.append(Show("stderr", f"{note}\n"))
        for name, stream in self._streams.items():
            if stream.tail:
                out.append(Show(name, _last_lines(apply_returns(stream.tail))))
        return out

    def _due(self, name: str, stream: _Stream, now: float) -> list[Show]:
        if not stream.pending or now < stream.last_shown + INTERVAL:
            return []
        stream.last_shown = now
        return self._take(name, stream)

    def _take(self, name: str, stream: _Stream) -> list[Show]:
        text, stream.pending = apply_returns(stream.pending), ""
        if not text:
            return []
        room = SHOWN_LIMIT - self._shown
        if len(text) <= room:
            self._shown += len(text)
            return [Show(name, text)]
        self._shown = SHOWN_LIMIT
        cut = text.rfind("\n", 0, max(room, 0)) + 1  # at a line's end
        hidden = text[cut:]
        shown = [Show(name, text[:cut])] if cut else []
        return shown + self._hide(stream, hidden, len(hidden.encode("utf-8", "replace")))

    def _hide(self, stream: _Stream, text: str, size: int) -> list[Show]:
        stream.hidden_bytes += size
        stream.hidden_lines += text.count("\n")
        stream.tail += text
        if len(stream.tail) > 2 * TAIL_LIMIT:
            stream.tail = stream.tail[-TAIL_LIMIT:]
        if self._noted:
            return []
        self._noted = True
        return [Show("stderr", f"[{SHOWN_LIMIT:,} characters are shown; the last lines follow at the end]\n")]


def apply_returns(text: str) -> str:
    """Overwrite lines at carriage returns as a terminal would; what came before the text's first line stays."""
    if "\r" not in text:
        return text
    lines = text.replace("\r\n", "\n").split("\n")
    # what stands before the first line on the screen is unknown: nothing of that line may be dropped
    return "\n".join(_apply_to_line(line, fresh=i > 0) for i, line in enumerate(lines))


def _apply_to_line(line: str, *, fresh: bool) -> str:
    first, *rest = line.split("\r")
    if not rest:
        return line
    over = ""
    for part in rest:
        # escape sequences have no width, so a line that holds any is taken to be redrawn whole
        over = part if "\x1b" in part else part + over[len(part) :]
    open_end = "\r" if not rest[-1] else ""
    head = "" if fresh and len(over) >= len(first) and "\x1b" not in first else first
    return f"{head}\r{over}{open_end}" if over else f"{first}\r"


def _last_lines(text: str) -> str:
    lines = text[-TAIL_LIMIT:].splitlines(keepends=True)[-TAIL_LINES:]
    return "".join(lines)
