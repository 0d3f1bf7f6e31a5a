"""Benettin's algorithm, many parameter points at a time.

The tangent flow V' = J(x(t)) V is integrated beside the orbit, and V is orthonormalised every τ; with r_j the norm
of the j-th vector before it is normalised,

    L_j = (1 / (N τ)) Σ ln r_j                                     (Benettin, Galgani, Giorgilli, Strelcyn,
                                                                    Meccanica 15 (1980) 9 and 21)

Points are independent: the same operations are done on each in the same order whatever its neighbours are, so a
result does not depend on how points are grouped, nor on the number of threads, and one that diverges becomes NaN
alone.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .compiled import load, numba_version
from .numpy_steps import NumpyKernel
from .program import Program
from .schedule import Schedule

__all__ = ["Array", "Local", "integrate"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Local:
    """Local exponents.

    Attributes:
        blocks: means over each block of time, in the order of Gram-Schmidt, shape (blocks, k, points). NaN for points
            that diverged; -inf where a vector vanished, as on superstable orbits of maps.
        divergence: mean divergence along the orbit, shape (points,); 0 if it was not asked for.
        kernel: which code ran.
        seconds: how long that took, without compilation.
    """

    blocks: Array
    divergence: Array
    kernel: str
    seconds: float


def integrate(
    program: Program,
    parameters: Array,
    start: Array,
    schedule: Schedule,
    *,
    code: str = "auto",
    threads: int | None = None,
) -> Local:
    """Local exponents at every point.

    Args:
        program: the system.
        parameters: shape (parameters, points).
        start: initial states, shape (n, points).
        schedule: times and step.
        code: `numba`, `numpy`, or `auto` for numba where it is there.
        threads: of the compiled code; by default as many as this process may use processors.

    Raises:
        RuntimeError: `numba` was asked for and is not there.
        ValueError: `code` is none of these.
    """
    version = numba_version() if code in ("auto", "numba") else ""
    if code not in ("auto", "numba", "numpy"):
        raise ValueError(f"code must be 'auto', 'numba' or 'numpy', not {code!r}")
    if code == "numba" and not version:
        raise RuntimeError("numba is not installed here; code='numpy' does without")
    points = parameters.shape[1]
    blocks = np.empty((schedule.blocks, program.vectors, points))
    divergence = np.zeros(points)
    if version:
        workers = min(threads or _processors(), -(-points // program.points) or 1)
        run: _Compiled | NumpyKernel = _Compiled(program, schedule)
        name = f"numba {version}, {workers} thread{'s' * (workers > 1)}"
    else:
        workers, run, name = 1, NumpyKernel(program, schedule), f"numpy {np.__version__}"
    began = time.perf_counter()
    groups = [slice(i, min(i + run.points, points)) for i in range(0, points, run.points)]

    def compute(part: slice) -> None:
        run.into(parameters[:, part], start[:, part], blocks[:, :, part], divergence[part])

    _each(compute, groups, workers)
    lost = np.isnan(blocks).any(axis=(0, 1)) | np.isposinf(blocks).any(axis=(0, 1)) | ~np.isfinite(divergence)
    blocks[:, :, lost] = np.nan
    return Local(blocks, divergence, name, time.perf_counter() - began)


def _each(compute: Callable[[slice], None], groups: list[slice], workers: int) -> None:
    if workers == 1:
        for part in groups:
            compute(part)
        return
    with ThreadPoolExecutor(workers, thread_name_prefix="lyapunov") as pool:
        for done in [pool.submit(compute, part) for part in groups]:
            done.result()


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Compiled:
    """The code that numba compiled. Compiles, or finds what was compiled, when it is made."""

    def __init__(self, program: Program, schedule: Schedule) -> None:
        self.points = program.points
        self._program, self._schedule = program, schedule
        self._integrate = load(program.numba).integrate
        # a first call with nothing to do: the compiler's time is nobody's computing time
        empty = np.zeros((len(program.parameters), 1)), np.zeros((program.dimension, 1))
        self._run(*self._padded(*empty), 0, 0, 1)

    def into(self, parameters: Array, start: Array, blocks: Array, divergence: Array) -> None:
        """Compute one group of points; results go into `blocks` and `divergence`."""
        schedule, count = self._schedule, parameters.shape[1]
        x, p = self._padded(parameters, start)
        self._run(x, p, 0, 1, schedule.warm_up)
        sums, integral = self._run(x, p, schedule.warm_up, schedule.blocks, schedule.block_length)
        span = schedule.block_length * schedule.interval
        blocks[:] = sums.reshape(schedule.blocks, -1, self.points)[:, :, :count] / span
        divergence[:] = integral[:count] / (span * schedule.blocks)
        state = x.reshape(self._program.dimension, -1, self.points)[:, 0, :count]
        blocks[:, :, ~np.isfinite(state).all(axis=0)] = np.nan

    def _padded(self, parameters: Array, start: Array) -> tuple[Array, Array]:
        """Arrays for whole lanes: the last point is repeated on those that are left."""
        program = self._program
        take = np.minimum(np.arange(self.points), parameters.shape[1] - 1)
        x = np.zeros((program.dimension, 1 + program.vectors, self.points))
        x[:, 0] = start[:, take]
        for vector in range(program.vectors):
            x[vector, 1 + vector] = 1.0
        return x.ravel(), np.ascontiguousarray(parameters[:, take]).ravel()

    def _run(self, x: Array, p: Array, first: int, blocks: int, per_block: int) -> tuple[Array, Array]:
        sums, integral = np.empty((blocks, self._program.vectors * self.points)), np.zeros(self.points)
        self._integrate(x, p, sums, integral, first, blocks, per_block, self._schedule.steps, self._schedule.dt)
        return sums, integral
