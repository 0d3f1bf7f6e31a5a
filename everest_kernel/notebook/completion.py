"""Completion on a `%%remote` line: routes, then options."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ..routes import load_configuration, route_table
from ..wire import ConfigurationError
from .options import OPTIONS

__all__ = ["complete_remote_line"]

_LINE = re.compile(r"%%remote(?P<words>[ \t][^\n]*)?\Z")


def complete_remote_line(code: str, cursor: int) -> dict[str, Any] | None:
    """The content of a complete_reply, or None when the cursor is not on such a line.

    Args:
        code: the cell.
        cursor: position in characters.
    """
    match = _LINE.match(code[:cursor].lstrip())
    if match is None or match["words"] is None:
        return None
    words = match["words"]
    current = re.search(r"\S*\Z", words)
    prefix = current.group() if current else ""
    before = words[: len(words) - len(prefix)].split()
    has_route = any(not word.startswith("-") for word in before)
    choices = OPTIONS if has_route or prefix.startswith("-") else [*_routes(), *OPTIONS]
    return {
        "status": "ok",
        "matches": [choice for choice in choices if choice.startswith(prefix)],
        "cursor_start": cursor - len(prefix),
        "cursor_end": cursor,
        "metadata": {},
    }


def _routes() -> list[str]:
    try:
        return sorted(route_table(load_configuration(Path.cwd())))
    except ConfigurationError:
        return []  # the cell itself will say what is wrong
