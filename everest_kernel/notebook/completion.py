"""Completion on a `%%remote` line (routes, then options) and on an `%everest` line (what it does, then with what)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from ..routes import EMBEDDED, load_configuration, route_table
from ..wire import ConfigurationError
from .everest_magic import SUBCOMMANDS
from .options import OPTIONS

__all__ = ["complete_line"]

_LINE = re.compile(r"%%remote(?P<words>[ \t][^\n]*)?\Z")


_EVEREST = re.compile(r"(?:\A|\n)[ \t]*%everest(?P<words>[ \t][^\n]*)\Z")


def complete_line(code: str, cursor: int) -> dict[str, Any] | None:
    """The content of a complete_reply, or None when the cursor is not on such a line.

    Args:
        code: the cell.
        cursor: position in characters.
    """
    for line, choose in ((_LINE.match(code[:cursor].lstrip()), _remote), (_EVEREST.search(code[:cursor]), _everest)):
        if line is not None and line["words"] is not None:
            return _reply(line["words"], cursor, choose)
    return None


def _reply(words: str, cursor: int, choose: Callable[[list[str], str], Iterable[str]]) -> dict[str, Any]:
    current = re.search(r"\S*\Z", words)
    prefix = current.group() if current else ""
    choices = choose(words[: len(words) - len(prefix)].split(), prefix)
    return {
        "status": "ok",
        "matches": [choice for choice in choices if choice.startswith(prefix)],
        "cursor_start": cursor - len(prefix),
        "cursor_end": cursor,
        "metadata": {},
    }


def _remote(before: list[str], prefix: str) -> Iterable[str]:
    has_route = any(not word.startswith("-") for word in before)
    return OPTIONS if has_route or prefix.startswith("-") else [*_routes(), *OPTIONS]


def _everest(before: list[str], prefix: str) -> Iterable[str]:
    if not before:
        return SUBCOMMANDS
    options = ["--job"] if before[0] == "doctor" and "--job" not in before else []
    if any(not word.startswith("-") for word in before[1:]):
        return options
    kind = SUBCOMMANDS.get(before[0])
    return [*(_routes() if kind == "route" else _servers() if kind == "server" else []), *options]


def _servers() -> list[str]:
    try:
        return sorted({EMBEDDED, *load_configuration(Path.cwd()).servers})
    except ConfigurationError:
        return []


def _routes() -> list[str]:
    try:
        return sorted(route_table(load_configuration(Path.cwd())))
    except ConfigurationError:
        return []  # the cell itself will say what is wrong
