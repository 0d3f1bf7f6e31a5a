"""Random and quasi-random samples of a parameter space.

A sample is one axis: its parameters go in step. Ranges of floats are drawn from continuously (logspace and geomspace:
equally likely in the exponent); ints, lists and rows are chosen from. The first points of a longer uniform or Sobol
sample are those of a shorter one with the same seed, so that more points may be added to what is computed already.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..wire import CellOptionError, ConfigurationError
from .axes import Axis
from .ranges import Indices, Values, places_of

__all__ = ["METHODS", "sample_axis"]

METHODS = ("uniform", "lhs", "sobol")
"""Independent points, Latin hypercube (McKay, Beckman, Conover 1979), scrambled Sobol sequence (Sobol 1967)."""
_MOST_SOBOL = 30
"""scipy's Sobol sequences have 30 bits."""


def sample_axis(axes: Sequence[Axis], count: int, seed: int, method: str) -> Axis:
    """The axis of a sample; drawn when a value is first asked for.

    Args:
        axes: the ranges to draw from, one coordinate each.
        count: number of points.
        seed: same seed, same sample.
        method: one of `METHODS`.

    Raises:
        CellOptionError: a count or seed that cannot be, or an unknown method.
        ConfigurationError: scipy is needed and not installed.
    """
    if method not in METHODS:
        raise CellOptionError(
            f"there is no sampling method {method[:40]!r}", hint=f"Choose one of {', '.join(METHODS)}."
        )
    if count < 1:
        raise CellOptionError(f"a sample of {count} points is empty", hint="Write --sample 1000, for example.")
    if seed < 0:
        raise CellOptionError(f"the seed is {seed}, and must not be negative")
    if method == "sobol" and count > 2**_MOST_SOBOL:
        raise CellOptionError(f"a Sobol sequence has at most {2**_MOST_SOBOL:,} points")
    if method != "uniform":
        _qmc()
    sample = _Sample(tuple(axes), count, seed, method)
    values: dict[str, Values] = {name: _Drawn(sample, name, axis) for axis in axes for name in axis.names}
    return Axis("sample", values, {name: unit for axis in axes for name, unit in axis.unit.items()})


def _qmc() -> Any:
    try:
        return importlib.import_module("scipy.stats.qmc")  # slow, and only these methods need it
    except ImportError as error:
        raise ConfigurationError(
            "Latin hypercube and Sobol samples need scipy, which is not installed here",
            hint="Run `pip install scipy`, or leave --method out for a uniform sample.",
        ) from error


@dataclass(frozen=True, eq=False)
class _Sample:
    """Points in the unit cube, and what they mean on each axis."""

    axes: tuple[Axis, ...]
    count: int
    seed: int
    method: str

    @cached_property
    def columns(self) -> dict[str, NDArray[Any]]:
        unit = self._unit()
        found: dict[str, NDArray[Any]] = {}
        for index, axis in enumerate(self.axes):
            found.update(axis.draw(unit[:, index]))
        for column in found.values():
            column.setflags(write=False)
        return found

    def _unit(self) -> NDArray[np.float64]:
        """Shape (count, axes), each in [0, 1)."""
        random, dimensions = np.random.default_rng(self.seed), len(self.axes)
        if self.method == "uniform":
            return random.random((self.count, dimensions))
        kind = {"lhs": "LatinHypercube", "sobol": "Sobol"}[self.method]
        try:
            engine = getattr(_qmc(), kind)(d=dimensions, rng=random)
        except TypeError:  # scipy before 1.15 calls it otherwise
            engine = getattr(_qmc(), kind)(d=dimensions, seed=random)
        if self.method == "lhs":
            return np.asarray(engine.random(self.count), np.float64)
        # a Sobol sequence is drawn whole, to a power of two, and the first points are taken
        points = engine.random_base2((self.count - 1).bit_length())[: self.count]
        return np.asarray(np.minimum(points, np.nextafter(1.0, 0.0)), np.float64)


@dataclass(frozen=True, eq=False)
class _Drawn:
    """One parameter of a sample."""

    sample: _Sample
    name: str
    source: Axis

    @property
    def size(self) -> int:
        return self.sample.count

    @property
    def kind(self) -> str:
        return self.source.values[self.name].kind

    def take(self, indices: Indices) -> NDArray[Any]:
        return self.sample.columns[self.name][indices]

    def draw(self, unit: NDArray[np.float64]) -> NDArray[Any]:
        return self.take(places_of(unit, self.size))

    def describe(self, *, drawn: bool = False) -> str:
        return f"drawn from {self.source.values[self.name].describe(drawn=True)}"
