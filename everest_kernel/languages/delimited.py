"""Tables in text files, with a delimiter between their columns (CSV, TSV): their first rows, as displays."""

from __future__ import annotations

import csv
import html
import io
import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from ..wire import format_size
from .base import Display
from .decoding import decode_file

__all__ = ["show_table"]

MOST_ROWS, MOST_COLUMNS, WIDEST = 20, 20, 50
_SAMPLE_ROWS, _SAMPLE = 50, 20_000
_DELIMITERS = "\t;|,"
"""Of two that fit equally well the earlier: where numbers have decimal commas, those fit too."""
_NUMBER = re.compile(r"\s*[-+]?(\d[\d., ]*|\.\d+)([eE][-+]?\d+)?%?\s*|\s*(nan|[-+]?inf|NA)\s*", re.IGNORECASE)


@dataclass(frozen=True)
class _Table:
    """The first rows of a table, all of one length, and how many rows and columns it has."""

    head: list[str]
    rows: list[list[str]]
    count: int
    columns: int


def show_table(path: str, content: bytes, encoding: str) -> Display | None:
    """The first rows as text and as HTML, with the number of all; None for what is no text."""
    text = decode_file(content, encoding)
    if text is None:
        return None
    delimiter = "\t" if path.lower().endswith(".tsv") else _delimiter(text)
    table = _read(text, delimiter, quotes=True) or _read(text, delimiter, quotes=False)
    name = f"{path}, {format_size(len(content))}"
    if table is None or not table.columns:
        return Display({"text/plain": f"<table {name}: {'cannot be read' if table is None else 'empty'}>"})
    what = _extent(len(table.rows), table.count, "row")
    if table.columns > len(table.rows[0] if table.rows else table.head):
        what += f", {_extent(MOST_COLUMNS, table.columns, 'column')}"
    title = html.escape(f"{name}: {what}")
    return Display({"text/plain": f"<table {name}: {what}>\n{_plain(table)}", "text/html": _html(table, title)})


def _delimiter(text: str) -> str:
    """The delimiter by which most of the first rows have the same number of columns.

    `csv.Sniffer` guesses worse, and for some texts takes seconds.
    """
    sample = text[:_SAMPLE]
    if len(text) > _SAMPLE:
        sample = sample[: max(sample.rfind("\n"), 0)] or sample
    best, most = ",", 0.0
    for delimiter in _DELIMITERS:
        try:
            rows = [len(row) for row in itertools.islice(_reader(sample, delimiter), _SAMPLE_ROWS) if row]
        except csv.Error:
            continue
        width, times = Counter(rows).most_common(1)[0] if rows else (0, 0)
        if width > 1 and times / len(rows) > most:
            best, most = delimiter, times / len(rows)
    return best


def _reader(text: str, delimiter: str, *, quotes: bool = True) -> Iterator[list[str]]:
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quoting=quoting)


def _read(text: str, delimiter: str, *, quotes: bool) -> _Table | None:
    """The table; None when it is none by these rules, as with a quote that nothing closes."""
    try:
        rows = (row for row in _reader(text, delimiter, quotes=quotes) if row)
        first = next(rows, list[str]())
        columns = len(first)
        has_head = bool(first) and not any(_NUMBER.fullmatch(cell) for cell in first[:MOST_COLUMNS])
        shown = [] if has_head or not first else [first]
        shown += itertools.islice(rows, MOST_ROWS - len(shown))
        count = len(shown) + sum(1 for _ in rows)
    except csv.Error:
        return None
    columns = max([columns, *map(len, shown)])
    width = min(columns, MOST_COLUMNS)
    return _Table(_row(first, width) if has_head else [], [_row(row, width) for row in shown], count, columns)


def _row(cells: list[str], width: int) -> list[str]:
    cut = [_cell(cell) for cell in cells[:width]]
    return cut + [""] * (width - len(cut))


def _cell(text: str) -> str:
    text = text.strip()
    clean = "".join(c if c.isprintable() else " " for c in text[:WIDEST]).strip()
    return clean if len(text) <= WIDEST else f"{clean[: WIDEST - 1]}…"


def _extent(shown: int, count: int, kind: str) -> str:
    name = kind if count == 1 else f"{kind}s"
    return f"{count or 'no'} {name}" if shown == count else f"{shown} of {count:,} {name}"


def _right(table: _Table) -> list[bool]:
    """For each column, whether it has numbers only."""
    columns = zip(*table.rows, strict=True) if table.rows else ([] for _ in table.head)
    return [any(column) and all(_NUMBER.fullmatch(cell) for cell in column if cell) for column in columns]


def _plain(table: _Table) -> str:
    lines = [*([table.head] if table.head else []), *table.rows]
    right = _right(table)
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]

    def line(cells: Sequence[str]) -> str:
        placed = zip(cells, widths, right, strict=True)
        return "  ".join(cell.rjust(width) if number else cell.ljust(width) for cell, width, number in placed).rstrip()

    return "\n".join(line(cells) for cells in lines)


def _html(table: _Table, title: str) -> str:
    aligned = [f" style='text-align: {'right' if number else 'left'}'" for number in _right(table)]

    def row(cells: Sequence[str], tag: str) -> str:
        placed = zip(cells, aligned, strict=True)
        return f"<tr>{''.join(f'<{tag}{align}>{html.escape(cell)}</{tag}>' for cell, align in placed)}</tr>"

    head = f"<thead>{row(table.head, 'th')}</thead>" if table.head else ""
    return f"<div>{title}</div><table>{head}<tbody>{''.join(row(cells, 'td') for cells in table.rows)}</tbody></table>"
