"""Small tables as text and as HTML, for consoles and notebooks."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["html_table", "short", "text_table"]

_WIDEST = 60


def short(value: Any) -> str:
    """One cell of a table: numbers with the digits that matter, long texts cut."""
    if isinstance(value, (float, np.floating)):
        return f"{float(value):.6g}"
    if isinstance(value, (bool, np.bool_, int, np.integer)):
        return str(value)
    lines = str(value).strip().splitlines() or [""]
    text = lines[0]
    return text if len(text) <= _WIDEST and len(lines) == 1 else text[: _WIDEST - 1] + "…"


def text_table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Columns set apart by two blanks; the head is followed by a rule.

    Args:
        head: names of the columns.
        rows: of as many values.
    """
    cells = [[str(name) for name in head], *([short(value) for value in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def html_table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """The same as an HTML table; everything is escaped.

    Args:
        head: names of the columns.
        rows: of as many values.
    """
    top = "".join(f"<th>{html.escape(str(name))}</th>" for name in head)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(short(value))}</td>" for value in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"
