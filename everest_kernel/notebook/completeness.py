"""Whether a `%%remote` cell is complete, for consoles: the language of its route decides."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from .cell_text import language_of, locate, read_line, split_line

__all__ = ["check_cell"]


def check_cell(code: str, folder: Path) -> dict[str, Any] | None:
    """The content of an is_complete_reply, or None for a cell of which IPython knows as much.

    As with every cell magic an empty line ends a cell, so that more statements can follow a complete one; but no
    number of empty lines ends one that the language calls unfinished.
    """
    cell = locate(code)
    language = language_of(read_line(split_line(cell.line)), folder) if cell is not None else None
    if cell is None or language is None:
        return None
    lines = code.splitlines()
    last = next((line for line in reversed(cell.body.splitlines()) if line.strip()), "")
    here = re.match(r"[ \t]*", last)
    indent = here.group() if here else ""
    if not last:
        return {"status": "complete"} if not lines[-1].strip() else {"status": "incomplete", "indent": ""}
    magic = code.rindex("%%remote", 0, cell.line_start)
    margin = code[code.rfind("\n", 0, magic) + 1 : magic]  # IPython takes it from every line
    found = language.editing.check(re.sub(rf"^{margin}", "", cell.body, flags=re.MULTILINE))
    if found.status == "incomplete":
        return {"status": "incomplete", "indent": margin + found.indent}
    if lines[-1].strip():
        return {"status": "incomplete", "indent": indent}
    return {"status": "invalid" if found.status == "invalid" else "complete"}
