"""Completion in a cell that goes elsewhere, on its line and in its text, and on the lines of our magics.

Nothing asks the far side.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from .cell_text import (
    CellText,
    language_of,
    locate,
    locate_lyapunov_line,
    locate_route_line,
    locate_routed,
    read_cell,
    read_line,
    words_of,
)
from .everest_magic import SUBCOMMANDS
from .job_completion import JOB_MAGICS, cache_words, job_words, server_names
from .line_values import Choices, Notebook, line_choices, route_names
from .lyapunov_editing import lyapunov_choices
from .routing import HERE, SAVE, is_half_typed_magic, local_as_python
from .sweep_parameters import MAKERS, parameters_of

__all__ = ["TYPES", "PythonCompletion", "complete_cell"]

TYPES = "_jupyter_types_experimental"
"""Key of a complete_reply's metadata under which front ends look for the kinds of matches."""
PythonCompletion = Callable[[str, int], dict[str, Any]]
"""IPython's own: a complete_reply for a Python text and a position in it."""

_LINE = re.compile(rf"(?:\A|\n)[ \t]*%(?P<magic>everest|{'|'.join(JOB_MAGICS)})(?P<words>[ \t][^\n]*)\Z")
_JUPYTER_KINDS = {"name": "instance", "constant": "instance", "variable": "instance", "type": "class"}
"""Kinds for which front ends have signs of their own."""


def complete_cell(code: str, cursor: int | None, notebook: Notebook, python: PythonCompletion) -> dict[str, Any] | None:
    """The content of a complete_reply, or None when the cursor is where IPython knows better.

    Args:
        code: the cell.
        cursor: position in characters (code points); None for the end.
        notebook: names and files.
        python: completes the text of a Python cell.
    """
    cursor = len(code) if cursor is None else max(0, min(cursor, len(code)))
    cell = locate(code)
    if cell is None and not is_half_typed_magic(code, cursor):
        cell = locate_routed(code, notebook.route, notebook.line_magics)
    if cell is None:
        ours = _lyapunov_line(code, cursor, notebook, python) or _line_of_ours(code, cursor, notebook)
        return ours or _in_local(code, cursor, python)
    if cursor >= cell.body_start and (cell.body_start > cell.line_start + len(cell.line)):
        return _body(cell, cursor, notebook, python)
    if cursor > cell.line_start:
        values = _values_of_parameter(cell, cursor, python)
        return _reply(line_choices(cell, cursor - cell.line_start, notebook), cursor) if values is None else values
    return None


def _values_of_parameter(cell: CellText, cursor: int, python: PythonCompletion) -> dict[str, Any] | None:
    """In the values of a parameter, which are Python; None elsewhere."""
    words = words_of(cell, cursor - cell.line_start)
    if cell.magic == "remote" or not words:
        return None
    last, before = words[-1], read_line(words[:-1], cell.magic)
    if not last.parameter or before.waits or last.start + len(last.raw) < cursor - cell.line_start:
        return None
    expression = last.raw.partition("=")[2]
    makers = tuple((maker, "function") for maker in MAKERS)
    if not expression:  # IPython would offer all that there is
        return _reply(Choices("", makers), cursor)
    return _with(_moved(python(expression, len(expression)), cursor - len(expression)), makers, expression, cursor)


def _body(cell: CellText, cursor: int, notebook: Notebook, python: PythonCompletion) -> dict[str, Any]:
    line = read_cell(cell)
    language = language_of(line, notebook.folder)
    if language is None:
        return _reply(Choices(""), cursor)
    place = cursor - cell.body_start
    parameters = tuple(parameters_of(line, notebook.namespace, notebook.folder))
    if language.editing.lexer == "python":
        found_by_python = _moved(python(cell.body, place), cell.body_start)
        return _with(found_by_python, tuple((name, "name") for name in parameters), cell.body[:place], cursor)
    found = language.editing.complete(cell.body, place, (*line.inputs, *parameters))
    prefix = cell.body[found.start : cursor - cell.body_start]
    return _reply(Choices(prefix, tuple(zip(found.matches, found.kinds, strict=True))), cursor)


def _moved(reply: dict[str, Any], by: int) -> dict[str, Any]:
    """IPython's reply for the text alone as one for the cell; magics do not work there."""
    metadata = dict(reply.get("metadata") or {})
    if TYPES in metadata:
        metadata[TYPES] = [
            {**kind, "start": kind["start"] + by, "end": kind["end"] + by}
            for kind in metadata[TYPES]
            if not kind["text"].startswith("%")
        ]
    return {
        **reply,
        "matches": [match for match in reply["matches"] if not match.startswith("%")],
        "cursor_start": reply["cursor_start"] + by,
        "cursor_end": reply["cursor_end"] + by,
        "metadata": metadata,
    }


def _with(reply: dict[str, Any], words: tuple[tuple[str, str], ...], before: str, cursor: int) -> dict[str, Any]:
    """IPython's reply with words of ours in front, where a name stands before the cursor that is no attribute."""
    name = re.search(r"(?<![\w.])[^\W\d]\w*\Z", before)
    if name is None or (reply["matches"] and cursor - reply["cursor_start"] != len(name.group())):
        return reply
    known = set(reply["matches"])
    own = _reply(Choices(name.group(), tuple(word for word in words if word[0] not in known)), cursor)
    if not own["matches"]:
        return reply
    kinds = [*own["metadata"][TYPES], *reply["metadata"].get(TYPES, [])]
    return {**own, "matches": own["matches"] + reply["matches"], "metadata": {**reply["metadata"], TYPES: kinds}}


def _reply(choices: Choices, cursor: int) -> dict[str, Any]:
    start = cursor - len(choices.prefix)
    words = [(word, kind) for word, kind in choices.words if word.startswith(choices.prefix)]
    return {
        "status": "ok",
        "matches": [word for word, _ in words],
        "cursor_start": start,
        "cursor_end": cursor,
        "metadata": {
            TYPES: [
                {"start": start, "end": cursor, "text": word, "type": _JUPYTER_KINDS.get(kind, kind), "signature": ""}
                for word, kind in words
            ]
        },
    }


def _in_local(code: str, cursor: int, python: PythonCompletion) -> dict[str, Any] | None:
    text = local_as_python(code)
    if text is None or cursor <= (code + "\n").index("\n", code.index("%%local")):
        return None
    return python(text, cursor)


def _lyapunov_line(code: str, cursor: int, notebook: Notebook, python: PythonCompletion) -> dict[str, Any] | None:
    line = locate_lyapunov_line(code, cursor)
    if line is None:
        return None
    values = _values_of_parameter(line, cursor, python)
    return _reply(lyapunov_choices(line, cursor - line.line_start, notebook), cursor) if values is None else values


def _line_of_ours(code: str, cursor: int, notebook: Notebook) -> dict[str, Any] | None:
    line = locate_route_line(code, cursor)
    if line is None:
        return _magic_line(code, cursor, notebook)
    choices = line_choices(line, cursor - line.line_start, notebook)
    more = {"route": (HERE, "route"), "option": (SAVE, "option")}
    kinds = {kind for _, kind in choices.words}
    return _reply(Choices(choices.prefix, (*choices.words, *(more[kind] for kind in more if kind in kinds))), cursor)


def _magic_line(code: str, cursor: int, notebook: Notebook) -> dict[str, Any] | None:
    line = _LINE.search(code[:cursor])
    if line is None:
        return None
    prefix = re.split(r"\s", line["words"])[-1]
    before = line["words"][: len(line["words"]) - len(prefix)].split()
    everest = line["magic"] == "everest"
    words = _everest(before, notebook.folder) if everest else job_words(line["magic"], before, notebook)
    return _reply(Choices(prefix, tuple((word, "value") for word in words)), cursor)


def _everest(before: list[str], folder: Path) -> Iterable[str]:
    if not before:
        return SUBCOMMANDS
    if before[0] == "cache":
        return cache_words(before[1:])
    if before[0] == "sweeps":
        return [] if before[1:] else ["clear"]
    options = ["--job"] if before[0] == "doctor" and "--job" not in before else []
    if any(not word.startswith("-") for word in before[1:]):
        return options
    kind = SUBCOMMANDS.get(before[0])
    return [*(route_names(folder) if kind == "route" else server_names(folder) if kind == "server" else []), *options]
