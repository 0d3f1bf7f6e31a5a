"""A job's log, read again and again while the job runs: which of its lines are new, and which say something.

The log is text with a line per event, each starting with a time stamp in UTC. Many lines repeat raw messages of
an agent, as `[<resource>/…] Received ["TASK_STATE", …]`; of those only a change of state is worth a line.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import msgspec

from ..wire import MALFORMED

__all__ = ["JobLog", "LogLine"]

_STAMP = re.compile(r"\d{4}-\d\d-\d\d[ T](?P<clock>\d\d:\d\d:\d\d)(?:[.,]\d+)?Z?\s*(?P<text>.*)")
_AGENT = re.compile(r"\[(?P<resource>[^\]/\s]+)/[^\]]*\].*?(?P<message>\[\"[A-Z].*)")
_MOST_CHARACTERS = 500
_MOST_LINES = 200
_WORDS = {
    "RUNNING": "the task runs",
    "COMPLETED": "the program has ended; its outputs are on the way",
    "FAILED": "the task failed",
    "CANCELED": "the task was cancelled",
}


class LogLine(NamedTuple):
    """One line for people: the time of day (UTC), what happened, and the resource that it tells of (or empty)."""

    clock: str
    text: str
    resource: str = ""

    def __str__(self) -> str:
        return f"{self.clock} {self.text}" if self.clock else self.text


class JobLog:
    """What of a growing log was seen."""

    def __init__(self) -> None:
        self._seen = 0
        self._told = 0
        self._last = ""

    def feed(self, text: str) -> list[LogLine]:
        """The whole log as it is now; gives the new lines that say something.

        A line that is still being written waits. After 200 lines the rest is left to whoever reads the log itself.
        """
        if len(text) < self._seen:  # it was begun anew
            self._seen = 0
        end = text.rfind("\n") + 1
        new, self._seen = text[self._seen : end], max(end, self._seen)
        found = []
        for line in new.splitlines():
            read = _read(line)
            if read is None or read.text == self._last or self._told > _MOST_LINES:
                continue
            self._told, self._last = self._told + 1, read.text
            found.append(read if self._told <= _MOST_LINES else LogLine("", "the log goes on; no more of it is shown"))
        return found


def _read(line: str) -> LogLine | None:
    printable = "".join(c if c.isprintable() else " " for c in line).strip()
    stamped = _STAMP.match(printable)
    clock, text = (stamped["clock"], stamped["text"]) if stamped else ("", printable)
    agent = _AGENT.search(text)
    if agent is not None:
        said = _state(agent["message"])
        return LogLine(clock, f"{said} on {agent['resource']}", agent["resource"]) if said else None
    return LogLine(clock, text[:_MOST_CHARACTERS]) if text else None


def _state(message: str) -> str:
    """What an agent's message tells of its task, in words; empty for other messages."""
    try:
        parts: list[Any] = msgspec.json.decode(message, type=list[Any])
    except MALFORMED:
        return ""
    if len(parts) < 3 or parts[0] != "TASK_STATE" or not isinstance(parts[2], str):
        return ""
    said = _WORDS.get(parts[2], "")
    info = parts[3] if len(parts) > 3 and isinstance(parts[3], dict) else {}
    why = next((info[key] for key in ("error", "message", "reason") if isinstance(info.get(key), str)), "")
    return f"{said} ({why[:_MOST_CHARACTERS]})" if said and why else said
