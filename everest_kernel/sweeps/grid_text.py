"""How a grid shows itself: lines of text in consoles, a table with a small picture in notebooks."""

from __future__ import annotations

import base64
import html
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..wire import EverestError
from .drawing import picture_bytes
from .optional import have
from .outputs import kind_word
from .selection import axis_values
from .tables import html_table, short, text_table

if TYPE_CHECKING:
    from .results import SweepResults

__all__ = ["as_html", "as_text", "counts_line"]

_MOST_LOOKED_AT = 20_000_000
"""Entries of an output up to which its range is worked out for showing it."""


def counts_line(grid: SweepResults) -> str:
    """For instance "62 points: 60 done, 1 failed, 1 waiting"."""
    parts = [("done", grid.done), ("failed", grid.failed), ("waiting", grid.waiting), ("left out", grid.left_out)]
    said = ", ".join(f"{count:,} {word}" for word, count in parts if count or word == "done")
    points = "1 point" if grid.space.size == 1 else f"{grid.space.size:,} points"
    return f"{points}: {said}"


def as_text(grid: SweepResults) -> str:
    """Counts, the parameters, the outputs, and where files are."""
    lines = [f"Grid of {_shape(grid)}{counts_line(grid)}"]
    if grid.space.names:
        lines += ["", text_table(("parameter", "values", "unit"), _parameters(grid))]
    lines += ["", text_table(("output", "kind", "per point", "range"), _outputs(grid))]
    return "\n".join([*lines, *(f"\n{note}" for note in _notes(grid))])


def as_html(grid: SweepResults) -> str:
    """The same as HTML, with a small picture when matplotlib is there and something has come."""
    title = f"<p><b>Grid</b> of {html.escape(_shape(grid) + counts_line(grid))}</p>"
    tables = html_table(("parameter", "values", "unit"), _parameters(grid)) if grid.space.names else ""
    tables += html_table(("output", "kind", "per point", "range"), _outputs(grid))
    notes = "".join(f"<p>{html.escape(note)}</p>" for note in _notes(grid))
    picture = _picture(grid)
    if not picture:
        return f"<div>{title}{tables}{notes}</div>"
    side = f'<div style="display:flex;flex-wrap:wrap;gap:1em;align-items:flex-start"><div>{tables}</div>{picture}</div>'
    return f"<div>{title}{side}{notes}</div>"


def _shape(grid: SweepResults) -> str:
    return f"{' × '.join(str(size) for size in grid.shape)} = " if len(grid.shape) > 1 else ""


def _parameters(grid: SweepResults) -> list[list[Any]]:
    rows = []
    for axis in grid.space.axes:
        for name in axis.names:
            together = f" (with {', '.join(axis.names)})" if len(axis.names) > 1 else ""
            rows.append([name, _few(axis_values(axis, name)) + together, axis.unit.get(name, "")])
    return rows


def _few(values: NDArray[Any]) -> str:
    listed = values.tolist()
    if len(listed) <= 6:
        return ", ".join(short(value) for value in listed)
    first, last = ", ".join(short(value) for value in listed[:2]), short(listed[-1])
    return f"{first}, … {last} ({len(listed):,} values)"


def _outputs(grid: SweepResults) -> list[list[str]]:
    rows = []
    for name in grid.outputs:
        if grid.done == 0:
            rows.append([name, "nothing yet", "", ""])
            continue
        values = grid.result(name)
        inner = values.shape[len(grid.shape) :]
        rows.append([name, kind_word(values.dtype), " × ".join(map(str, inner)) or "one", _range(grid, name, values)])
    return rows


def _range(grid: SweepResults, name: str, values: NDArray[Any]) -> str:
    if values.dtype.kind in "UOc" or values.size > _MOST_LOOKED_AT:
        return ""
    numbers = grid.array(name)
    known = numbers[np.isfinite(numbers)]
    return f"{short(known.min())} … {short(known.max())}" if known.size else ""


def _notes(grid: SweepResults) -> list[str]:
    notes = [f"{name} = {short(value)}" for name, value in grid.fixed.items()]
    if grid.space.where:
        notes.append(f"where {grid.space.where}")
    if grid.failed:
        error, count = grid.failures.common[0]
        line = (error.strip().splitlines() or [""])[0]
        notes.append(f"{count:,} of {grid.failed:,} failures: {line} (all: grid.failures)")
    for name, path in grid.spilled.items():
        notes.append(f"{name} is too large for memory and lies in {path}")
    return notes


def _picture(grid: SweepResults) -> str:
    if not grid.done or not have("matplotlib"):
        return ""
    for name in grid.outputs:
        try:
            picture = picture_bytes(grid, name)
        except EverestError:  # texts, arrays per point: the next output may do
            continue
        source = base64.b64encode(picture).decode("ascii")
        return f'<img alt="{html.escape(name)}" src="data:image/png;base64,{source}">'
    return ""
