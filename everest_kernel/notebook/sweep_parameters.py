"""The parameters of a `%%sweep` cell as far as its line tells them, for an editor: no value is computed.

What computes a space needs numpy, which an editor's first answer would wait for; so this reads the line by itself.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..wire import EverestError, parse_plan
from .cell_text import MagicLine

__all__ = ["CONDITION_NAMES", "MAKERS", "SweepParameter", "frame_names", "parameters_of"]

MAKERS = ("linspace", "logspace", "geomspace", "arange")
"""Functions that values can be written with, whatever the notebook has imported."""
CONDITION_NAMES = (
    *("abs", "min", "max", "round", "int", "float", "sqrt", "exp", "log", "log10", "log2"),
    *("sin", "cos", "tan", "atan2", "hypot", "floor", "ceil", "isnan", "pi"),
)
"""What a `--where` can use besides the parameters."""
_WRITTEN = re.compile(r"(?P<name>\w+)(?:\[(?P<unit>[^\]]*)\])?=(?P<values>.*)", re.DOTALL)
_STEP = re.compile(r".*:\s*(?:[-+]?[\d._]+(?:[eE][-+]?\d+)?|\(.+\))\s*s", re.DOTALL)
_MOST_SHOWN = 200
_MOST_NAMES = 1000
_LARGEST_PLAN = 1_000_000


@dataclass(frozen=True)
class SweepParameter:
    """A parameter.

    Attributes:
        written: as it stands on the line, or its name.
        unit: may be empty.
        told: what its values are, in a sentence; empty when that cannot be said.
    """

    written: str
    unit: str = ""
    told: str = ""


def parameters_of(line: MagicLine, namespace: Mapping[str, Any], folder: Path) -> dict[str, SweepParameter]:
    """The parameters of a line by name: those that it writes, and those of its frame or plan.

    Args:
        line: of the sweep.
        namespace: where its frame is.
        folder: where its plan file is.
    """
    found: dict[str, SweepParameter] = {}
    for written in line.parameters:
        match = _WRITTEN.fullmatch(written)
        if match is not None:
            found[match["name"]] = SweepParameter(
                written, (match["unit"] or "").strip(), _told(match["values"].strip())
            )
    frame, plan = line.value("--frame"), line.value("--plan-file")
    found |= {name: SweepParameter(name, told=f"A column of {frame}.") for name in _columns(namespace.get(frame))}
    return found | (_planned(folder / plan, plan) if plan else {})


def frame_names(namespace: Mapping[str, Any]) -> list[str]:
    """Names of pandas frames, sorted."""
    return sorted(name for name, value in [*namespace.items()] if not name.startswith("_") and _is_frame(value))


def _is_frame(value: Any) -> bool:
    kind = type(value)  # by its name: to import pandas takes long when nothing else has
    return kind.__name__ == "DataFrame" and kind.__module__.partition(".")[0] == "pandas"


def _columns(frame: Any) -> list[str]:
    if not _is_frame(frame):
        return []
    return [name for name in [*frame.columns[:_MOST_NAMES]] if isinstance(name, str) and name.isidentifier()]


def _planned(path: Path, shown: str) -> dict[str, SweepParameter]:
    try:
        if not path.is_file() or path.stat().st_size > _LARGEST_PLAN:
            return {}
        plan = parse_plan(path.read_text("utf-8"))
    except (OSError, ValueError, EverestError):
        return {}  # the cell itself will say what is wrong
    counts = {name: len(values) for name, values in plan.parameters.items() if name.isidentifier()}
    return {name: SweepParameter(name, told=f"{_values(count)} of the plan {shown}.") for name, count in counts.items()}


def _told(values: str) -> str:
    """What values are, by the way they are written; nothing is looked up or computed."""
    by_step = _STEP.fullmatch(values) is not None
    source = f"_[{values[:-1] if by_step else values}]"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Python's about what is half typed
            tree = ast.parse(source, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    if not isinstance(tree, ast.Subscript):
        return ""
    if isinstance(tree.slice, ast.Slice):
        first, last, step = (
            ast.get_source_segment(source, part) or "" if part is not None else ""
            for part in (tree.slice.lower, tree.slice.upper, tree.slice.step)
        )
        return _range_told(first, last, step, by_step=by_step)
    if isinstance(tree.slice, ast.Tuple) and not values.startswith("("):
        return f"{_values(len(tree.slice.elts))}: {_short(values)}."
    if isinstance(tree.slice, ast.Constant):
        return f"One value: {_short(values)}."
    return f"What {_short(values)} gives."


def _range_told(first: str, last: str, step: str, *, by_step: bool) -> str:
    if not first or not last:
        return ""
    if by_step:
        return f"From {first} to {last} in steps of {step}."
    if not step:
        return f"With --sample: drawn from {first} to {last}."
    return f"{_values(step)} from {first} to {last}, both included."


def _values(count: int | str) -> str:
    return "1 value" if str(count) == "1" else f"{count} values"


def _short(text: str) -> str:
    return text if len(text) <= _MOST_SHOWN else text[: _MOST_SHOWN - 1] + "…"
