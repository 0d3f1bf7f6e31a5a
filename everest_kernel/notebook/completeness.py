"""Whether a cell that goes elsewhere is complete, for consoles: the language of its route decides."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from .cell_text import language_of, locate, locate_routed, read_cell
from .line_values import Notebook
from .routing import without_local

__all__ = ["PythonCheck", "check_cell"]

PythonCheck = Callable[[str], dict[str, Any]]
"""IPython's own: an is_complete_reply for a Python cell."""


def check_cell(code: str, notebook: Notebook, python: PythonCheck) -> dict[str, Any] | None:
    """The content of an is_complete_reply, or None for a cell of which IPython knows as much.

    As with every cell magic an empty line ends a cell, so that more statements can follow a complete one; but no
    number of empty lines ends one that the language calls unfinished. The first line of a cell without a magic can
    be all of it, as in every console.
    """
    cell = locate(code)
    routed = locate_routed(code, notebook.route, notebook.line_magics) if cell is None else None
    cell = cell or routed
    language = language_of(read_cell(cell), notebook.folder) if cell is not None else None
    if cell is None or language is None:
        return _of_local(code, python)
    lines = code.splitlines()
    last = next((line for line in reversed(cell.body.splitlines()) if line.strip()), "")
    here = re.match(r"[ \t]*", last)
    indent = here.group() if here else ""
    if not last:
        return {"status": "complete"} if not lines[-1].strip() else {"status": "incomplete", "indent": ""}
    margin = "" if routed else _margin(code, cell.magic_start)
    found = language.editing.check(re.sub(rf"^{margin}", "", cell.body, flags=re.MULTILINE))
    if found.status == "incomplete":
        return {"status": "incomplete", "indent": margin + found.indent}
    if lines[-1].strip() and not (routed and len(lines) == 1):
        return {"status": "incomplete", "indent": indent}
    return {"status": "invalid" if found.status == "invalid" else "complete"}


def _margin(code: str, magic_start: int) -> str:
    """The indent of the magic: IPython takes it from every line."""
    return code[code.rfind("\n", 0, magic_start) + 1 : magic_start]


def _of_local(code: str, python: PythonCheck) -> dict[str, Any] | None:
    text = without_local(code)
    if text is None:
        return None
    if text.strip():
        return python(text.lstrip("\n"))
    return {"status": "complete"} if "\n" in text else {"status": "incomplete", "indent": ""}
