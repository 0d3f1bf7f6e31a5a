"""Spectra as short texts for people: one point as a table of exponents, a grid as a table of points."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from .classes import OrbitClass

if TYPE_CHECKING:
    from .result import LyapunovSpectrum

__all__ = ["aligned", "spectrum_text", "with_error"]

_MOST_ROWS = 8
"""Points of a grid, or exponents of a point beyond 1.5 times as many, that are shown; the middle is left out."""
_MOST_COLUMNS = 4
"""Exponents that are shown of each point of a grid."""


def spectrum_text(found: LyapunovSpectrum) -> str:
    """A table with a line on how it was computed."""
    shape = found.exponents.shape[:-1]
    times = found.schedule
    what = f"{'driven ' * found.driven}{found.kind}"
    size = " × ".join(map(str, shape)) + " points" if shape else "one point"
    step = f"dt = {times.dt:g}, " if found.kind == "flow" else ""
    starts = f", {found.starts} starts" if found.starts > 1 else ""
    head = f"Lyapunov exponents of a {what}, {size}: T = {times.T:g}, {step}transient {times.transient:g}{starts}"
    rate = found.points_per_second
    tail = found.kernel + (f", {rate:,.3g} points per second" if math.isfinite(rate) else "")
    body = _grid(found) if shape else _point(found)
    return "\n".join([head, *body, tail])


def _point(found: LyapunovSpectrum) -> list[str]:
    n = len(found.exponents)
    rows = [[f"L{j + 1}", with_error(found.exponents[j], found.standard_error[j])] for j in range(n)]
    rows = _shortened(rows, _MOST_ROWS * 3 // 2)
    if found.complete:
        rows.append(["sum", _sum(found, ())])
    rows.append(["D_KY", f"{float(found.kaplan_yorke):.4f}"])
    rows.append(["class", OrbitClass(int(found.classes)).label])
    return aligned(rows)


def _grid(found: LyapunovSpectrum) -> list[str]:
    shape, n = found.exponents.shape[:-1], found.exponents.shape[-1]
    shown = min(n, _MOST_COLUMNS)
    classes, dimension = found.classes, found.kaplan_yorke
    head = ["point", *(f"L{j + 1}" for j in range(shown)), *["…"] * (n > shown)]
    head += [*["sum"] * found.complete, "D_KY", "class"]
    size = int(np.prod(shape))
    rows = []
    for number in range(size):
        if _MOST_ROWS // 2 <= number < size - _MOST_ROWS // 2 and size > _MOST_ROWS:
            if number == _MOST_ROWS // 2:
                rows.append(["…"])
            continue
        at = tuple(int(i) for i in np.unravel_index(number, shape))
        values, errors = found.exponents[at], found.standard_error[at]
        row = [", ".join(map(str, at)), *(with_error(values[j], errors[j]) for j in range(shown))]
        row += [*["…"] * (n > shown), *([_sum(found, at)] if found.complete else [])]
        rows.append([*row, f"{dimension[at]:.4f}", OrbitClass(int(classes[at])).label])
    counts = [(int((classes == code).sum()), code.label) for code in OrbitClass]
    return [*aligned([head, *rows]), "classes: " + ", ".join(f"{count} {label}" for count, label in counts if count)]


def _sum(found: LyapunovSpectrum, at: tuple[int, ...]) -> str:
    text = f"{found.sum[at]:.6g}"
    return text if found.exact_sum is None else f"{text} (exact {found.exact_sum[at]:.6g})"


def _shortened(rows: list[list[str]], most: int) -> list[list[str]]:
    """At most so many rows and a gap."""
    return rows if len(rows) <= most else [*rows[: most // 2], ["…"], *rows[-(most // 2) :]]


def with_error(value: Any, error: Any) -> str:
    """A number with its standard error, to two digits of the error; without one where there is none."""
    number, spread = float(value), float(error)
    if not math.isfinite(number) or not math.isfinite(spread) or spread <= 0:
        return f"{number:.6g}"
    digits = min(max(1 - math.floor(math.log10(spread)), 0), 8)
    return f"{number:.{digits}f} ± {spread:.2g}"


def aligned(rows: list[list[str]]) -> list[str]:
    """Lines whose columns begin one beneath the other."""
    widths = [max(len(row[c]) for row in rows if c < len(row)) for c in range(max(map(len, rows)))]
    # rows may be shorter than others; and Python 3.9 has no strict zip
    padded = ([cell.ljust(width) for cell, width in zip(row, widths)] for row in rows)  # noqa: B905
    return ["  ".join(cells).rstrip() for cells in padded]
