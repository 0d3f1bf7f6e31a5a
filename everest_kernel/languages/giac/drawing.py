"""Plots of Giac as pictures: in batch mode it gives their points and draws nothing."""

from __future__ import annotations

import cmath
import math
import re

from ..algebra import UnreadableError, read_expression
from ..base import Display

__all__ = ["draw"]

_CIRCLE = re.compile(r"circle\(pnt\[group\[([^\[\]()]*)\],([^\[\](),]+),([^\[\](),]+)\]\)")
_GROUP = re.compile(r"group\[([^\[\]()]*)\]")
_POINT = re.compile(r"pnt\(pnt\[([^\[\](),]+),")
_WIDTH, _HEIGHT, _MARGIN = 640, 400, 50
_COLOURS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#17becf")


def draw(text: str) -> Display | None:
    """A picture of curves, polygons and points in the plane; None when the text has none of them.

    Args:
        text: the plot as Giac writes it.
    """
    arcs = [arc for match in _CIRCLE.finditer(text) if (arc := _arc(match))]
    text = _CIRCLE.sub("", text)
    lines = arcs + [points for match in _GROUP.finditer(text) if len(points := _points(match[1].split(","))) > 1]
    dots = [points[0] for match in _POINT.finditer(text) if (points := _points([match[1]]))]
    known = [point for line in lines for point in line] + dots
    if not known:
        return None
    view = _View.around(known)
    parts = [*_axes(view)]
    for number, line in enumerate(lines):
        places = " ".join(f"{view.x(p.real):.2f},{view.y(p.imag):.2f}" for p in line)
        colour = _COLOURS[number % len(_COLOURS)]
        parts.append(f'<polyline points="{places}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
    parts += [f'<circle cx="{view.x(p.real):.2f}" cy="{view.y(p.imag):.2f}" r="2.5" fill="#d62728"/>' for p in dots]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}">'
    svg = "\n".join([head, '<rect width="100%" height="100%" fill="white"/>', *parts, "</svg>"])
    return Display({"image/svg+xml": svg, "text/plain": "<plot>"})


def _arc(match: re.Match[str]) -> list[complex]:
    """Points of a circle that is given by a diameter, from the second end of that, and by two angles."""
    ends, angles = _points(match[1].split(",")), _points([match[2], match[3]])
    if len(ends) != 2 or len(angles) != 2:
        return []
    middle, (begin, end) = sum(ends) / 2, angles
    turns = [begin + (end - begin) * number / 120 for number in range(121)]
    return [middle + (ends[1] - middle) * cmath.exp(1j * turn) for turn in turns]


def _points(texts: list[str]) -> list[complex]:
    found = []
    for text in texts:
        try:
            value = read_expression(text)
        except UnreadableError:
            return []
        if isinstance(value, str) or not isinstance(value, (int, float, complex)):
            continue  # exact, such as sqrt(2), or out of the plot
        if math.isfinite(abs(value)):
            found.append(complex(value))
    return found


class _View:
    """Where points of the plane are in the picture."""

    def __init__(self, left: float, right: float, bottom: float, top: float) -> None:
        self.left, self.right, self.bottom, self.top = left, right, bottom, top

    @classmethod
    def around(cls, points: list[complex]) -> _View:
        """All points, and something around them when they are in a line."""
        sides = []
        for values in ([p.real for p in points], [p.imag for p in points]):
            low, high = min(values), max(values)
            more = 0.0 if high > low else abs(low) / 2 or 1.0
            sides += [low - more, high + more]
        return cls(*sides)

    def x(self, value: float) -> float:
        return _MARGIN + (value - self.left) / (self.right - self.left) * (_WIDTH - 2 * _MARGIN)

    def y(self, value: float) -> float:
        return _HEIGHT - _MARGIN - (value - self.bottom) / (self.top - self.bottom) * (_HEIGHT - 2 * _MARGIN)


def _axes(view: _View) -> list[str]:
    """A frame with numbers."""
    wide, high = _WIDTH - 2 * _MARGIN, _HEIGHT - 2 * _MARGIN
    frame = f'<rect x="{_MARGIN}" y="{_MARGIN}" width="{wide}" height="{high}" fill="none" stroke="#888"/>'
    style = 'font-family="sans-serif" font-size="11" fill="#333"'
    parts = [frame]
    for value in _ticks(view.left, view.right):
        place = f'x="{view.x(value):.1f}" y="{_HEIGHT - _MARGIN + 16}" text-anchor="middle"'
        parts.append(f"<text {place} {style}>{value:g}</text>")
    for value in _ticks(view.bottom, view.top):
        place = f'x="{_MARGIN - 6}" y="{view.y(value) + 4:.1f}" text-anchor="end"'
        parts.append(f"<text {place} {style}>{value:g}</text>")
    return parts


def _ticks(low: float, high: float) -> list[float]:
    """Some four to eight round numbers."""
    rough = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    first = math.ceil(low / step)
    return [round(number * step, 12) for number in range(first, math.floor(high / step) + 1)]
