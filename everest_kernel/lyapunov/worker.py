"""What a task does: spectra at some points, as columns of numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .classes import OrbitClass
from .computing import compute
from .program import Program
from .schedule import Schedule

__all__ = ["column_names", "columns", "numbered_columns"]


def column_names(program: Program) -> tuple[str, ...]:
    """Names of a program's columns; see `numbered_columns`."""
    return numbered_columns(program.vectors + program.trace_rule + program.driven)


def numbered_columns(count: int) -> tuple[str, ...]:
    """L1 … Ln, their standard errors dL1 … dLn, the Kaplan-Yorke dimension D_KY, and the class of the orbit.

    Args:
        count: n, the number of exponents.
    """
    numbers = range(1, count + 1)
    return (*(f"L{i}" for i in numbers), *(f"dL{i}" for i in numbers), "D_KY", "orbit")


def columns(task: Mapping[str, Any], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Columns by name, each of shape (points,).

    Args:
        task: what `shipping.worker_text` has put beside this code: program, schedule, starts, constants, code, threads.
        parameters: values by name, each of shape (points,); constants stand for those that are missing.
    """
    program, schedule = Program(**task["program"]), Schedule(**task["schedule"])
    given = [np.atleast_1d(np.asarray(parameters.get(n, task["constants"].get(n)), float)) for n in program.parameters]
    points = max([len(np.atleast_1d(v)) for v in parameters.values()], default=1)
    values = np.array([np.broadcast_to(v, points) for v in given]).reshape(len(given), points)
    starts = np.asarray(task["starts"], dtype=np.float64)
    found = compute(
        program, values, (points,), starts, schedule, code=task.get("code", "auto"), threads=task.get("threads", 1)
    )
    orbits = np.array([OrbitClass(int(code)).label for code in found.classes])
    numbers = [*found.exponents.T, *found.standard_error.T, found.kaplan_yorke, orbits]
    named = dict(zip(column_names(program), numbers))  # noqa: B905 - Python 3.9 has no strict zip
    return {**named, "kernel": np.full(points, found.kernel)}
