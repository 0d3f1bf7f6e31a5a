"""From a program, parameters and starts to a spectrum. Needs numpy alone, and uses numba where it is."""

from __future__ import annotations

from typing import Any

import numpy as np

from .engine import Array, Local, integrate
from .program import Program
from .result import LyapunovSpectrum, summarize
from .schedule import Schedule

__all__ = ["compute"]


def compute(
    program: Program,
    values: Array,
    shape: tuple[int, ...],
    starts: Array,
    schedule: Schedule,
    *,
    tolerance: float | None = None,
    code: str = "auto",
    threads: int | None = None,
) -> LyapunovSpectrum:
    """Spectra at all points, averaged over starts.

    Args:
        program: the system.
        values: parameters, shape (parameters, points).
        shape: of the grid that the points fill.
        starts: initial states, shape (starts, n); each point has them all.
        schedule: times and step.
        tolerance: see `engine.integrate`, whose errors are raised.
        code: see there.
        threads: see there.
    """
    points = values.shape[1]
    repeated = np.repeat(values, len(starts), axis=1)
    first = np.tile(starts.T, (1, points))
    local = integrate(program, repeated, first, schedule, tolerance=tolerance, code=code, threads=threads)
    blocks = _all_exponents(program, local, _known_sum(program, repeated))
    total = _known_sum(program, values)
    return summarize(
        blocks,
        local.used,
        len(starts),
        shape,
        None if total is None else total.reshape(shape),
        schedule,
        kind="flow" if program.flow else "map",
        driven=program.driven,
        complete=program.complete,
        kernel=local.kernel,
        seconds=local.seconds,
    )


def _all_exponents(program: Program, local: Local, known: Array | None) -> Array:
    """Block means with the exponents that follow from the others: the last one, and that of a driven flow's phase."""
    blocks = local.blocks
    if program.trace_rule:
        total = local.divergence[:, None] if known is None else known
        blocks = np.concatenate([blocks, total - blocks.sum(axis=1, keepdims=True)], axis=1)
    if program.driven:
        phase = np.where(np.isnan(blocks[:, :1]), np.nan, 0.0)
        blocks = np.concatenate([blocks, phase], axis=1)
    return blocks


def _known_sum(program: Program, values: Array) -> Array | None:
    """The sum of all exponents where it is known beforehand, shape (points,)."""
    if not program.sum:
        return None
    names: dict[str, Any] = {name: getattr(np, name) for name in ("log", "exp", "sqrt", "sin", "cos", "abs", "where")}
    found = eval(program.sum, names | {f"p{i}_": row for i, row in enumerate(values)})
    return np.array(np.broadcast_to(np.asarray(found, dtype=np.float64), values.shape[1:]))
