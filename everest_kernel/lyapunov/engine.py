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
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .compiled import load, numba_version
from .numpy_steps import NumpyKernel
from .program import Program
from .schedule import Schedule

__all__ = ["LEAST_BLOCKS", "Array", "Local", "integrate"]

Array = NDArray[np.float64]


LEAST_BLOCKS = 8
"""Blocks from which a standard error is taken."""


@dataclass(frozen=True)
class Local:
    """Local exponents.

    Attributes:
        blocks: means over each block of time, in the order of Gram-Schmidt, shape (blocks, k, points). NaN for points
            that diverged; -inf where a vector vanished, as on superstable orbits of maps.
        divergence: the same of the divergence, shape (blocks, points); 0 if it was not asked for.
        used: how many blocks each point has, shape (points,); those behind them mean nothing.
        kernel: which code ran.
        seconds: how long that took, without compilation.
    """

    blocks: Array
    divergence: Array
    used: NDArray[np.int64]
    kernel: str
    seconds: float


def integrate(
    program: Program,
    parameters: Array,
    start: Array,
    schedule: Schedule,
    *,
    tolerance: float | None = None,
    code: str = "auto",
    threads: int | None = None,
) -> Local:
    """Local exponents at every point.

    Args:
        program: the system.
        parameters: shape (parameters, points).
        start: initial states, shape (n, points).
        schedule: times and step.
        tolerance: a point is done when the standard error of its first exponent, from its blocks, is at most this.
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
    divergence = np.zeros((schedule.blocks, points))
    used = np.full(points, schedule.blocks)
    if version:
        workers = min(threads or _processors(), -(-points // program.points) or 1)
        run: _Compiled | NumpyKernel = _Compiled(program, schedule)
        name = f"numba {version}, {workers} thread{'s' * (workers > 1)}"
    else:
        workers, run, name = 1, NumpyKernel(program, schedule), f"numpy {np.__version__}"
    began = time.perf_counter()
    groups = [slice(i, min(i + run.points, points)) for i in range(0, points, run.points)]

    def compute(part: slice) -> None:
        with np.errstate(all="ignore"):  # a point that escapes to infinity is no accident here: it becomes NaN
            group = run.begin(parameters[:, part], start[:, part])
            used[part] = _fill(group, blocks[:, :, part], divergence[:, part], tolerance)
            blocks[:, :, part][:, :, ~np.isfinite(group.state).all(axis=0)] = np.nan

    _each(compute, groups, workers)
    wrong = np.isnan(blocks) | np.isposinf(blocks) | ~np.isfinite(divergence[:, None])
    counted = np.arange(schedule.blocks)[:, None] < used
    blocks[:, :, (wrong & counted[:, None]).any(axis=(0, 1))] = np.nan
    return Local(blocks, divergence, used, name, time.perf_counter() - began)


class _Group(Protocol):
    """Some points under way."""

    @property
    def state(self) -> Array: ...
    def block(self) -> tuple[Array, Array]: ...


def _fill(group: _Group, blocks: Array, divergence: Array, tolerance: float | None) -> NDArray[np.int64]:
    """Compute blocks until every point has what it needs; how many each of them needed."""
    used = np.full(blocks.shape[2], len(blocks))
    open_points = np.ones(blocks.shape[2], dtype=bool)
    for number in range(len(blocks)):
        blocks[number], divergence[number] = group.block()
        count = number + 1
        if tolerance is None or count < LEAST_BLOCKS:
            continue
        # each point by itself: the others' blocks that are computed meanwhile are not counted for it
        first = blocks[:count, 0]
        error = first.std(axis=0, ddof=1) / np.sqrt(count)
        done = open_points & ~(error > tolerance)  # one that has diverged is done as well
        used[done], open_points = count, open_points & ~done
        if not open_points.any():
            blocks[count:], divergence[count:] = 0.0, 0.0
            break
    return used


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
        self.program, self.schedule = program, schedule
        self.run = load(program.numba).integrate
        # a first call with nothing to do: the compiler's time is nobody's computing time
        empty = self.begin(np.zeros((len(program.parameters), 1)), np.zeros((program.dimension, 1)), warm=False)
        empty.advance(0, 1)

    def begin(self, parameters: Array, start: Array, *, warm: bool = True) -> _Lanes:
        """One group of points, after its transient."""
        group = _Lanes(self, parameters, start)
        if warm:
            group.advance(1, self.schedule.warm_up)
        return group


class _Lanes:
    """Points that are computed together."""

    def __init__(self, code: _Compiled, parameters: Array, start: Array) -> None:
        """The last point is repeated on the lanes that are left over."""
        self._code, self._count = code, parameters.shape[1]
        take = np.minimum(np.arange(code.points), self._count - 1)
        x = np.zeros((code.program.dimension, 1 + code.program.vectors, code.points))
        x[:, 0] = start[:, take]
        for vector in range(code.program.vectors):
            x[vector, 1 + vector] = 1.0
        self._x, self._p, self._intervals = x.ravel(), np.ascontiguousarray(parameters[:, take]).ravel(), 0

    @property
    def state(self) -> Array:
        """Where the orbits are, shape (n, points)."""
        return self._x.reshape(self._code.program.dimension, -1, self._code.points)[:, 0, : self._count]

    def block(self) -> tuple[Array, Array]:
        """Means over the next block of time: of local exponents, shape (k, points), and of the divergence."""
        length = self._code.schedule.block_length
        sums, integral = self.advance(1, length)
        span = length * self._code.schedule.interval
        exponents = sums.reshape(-1, self._code.points)[:, : self._count] / span
        return exponents, integral[: self._count] / span

    def advance(self, blocks: int, per_block: int) -> tuple[Array, Array]:
        """Go on; sums of logarithms and the integral of the divergence."""
        code, schedule = self._code, self._code.schedule
        sums, integral = np.empty((blocks, code.program.vectors * code.points)), np.zeros(code.points)
        first, self._intervals = self._intervals, self._intervals + blocks * per_block
        code.run(self._x, self._p, sums, integral, first, blocks, per_block, schedule.steps, schedule.dt)
        return sums, integral
