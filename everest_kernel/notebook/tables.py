"""Small tables, as text and as HTML."""

from __future__ import annotations

import html
from collections.abc import Sequence

__all__ = ["table"]


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> dict[str, str]:
    """A table as a MIME bundle; cells are text, whatever is in them."""
    clean = [["".join(c if c.isprintable() else " " for c in cell) for cell in row] for row in rows]
    widths = [max(len(cell) for cell in column) for column in zip(head, *clean, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in [head, *clean]]
    header = "".join(f"<th style='text-align: left'>{html.escape(cell)}</th>" for cell in head)
    body = "".join(
        "<tr>" + "".join(f"<td style='text-align: left'>{html.escape(cell)}</td>" for cell in row) + "</tr>"
        for row in clean
    )
    return {
        "text/plain": "\n".join(line.rstrip() for line in lines),
        "text/html": f"<table><thead><tr>{header}</tr></thead><tbody>{body}</tbody></table>",
    }
