"""One dimension of a parameter space."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..wire import CellOptionError
from .ranges import Indices, Values, places_of

__all__ = ["Axis"]


@dataclass(frozen=True, eq=False)
class Axis:
    """One parameter, or several that go in step: zipped ones, a frame's columns, the coordinates of a sample.

    Attributes:
        label: the dimension's name: the parameter's, or `zip`, `row` or `sample`.
        values: parameter to its values, all of the same number.
        unit: parameter to its unit, where one was given.
    """

    label: str
    values: Mapping[str, Values]
    unit: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        sizes = {name: values.size for name, values in self.values.items()}
        if len(set(sizes.values())) != 1:
            counts = ", ".join(f"{name} has {size:,}" for name, size in sizes.items())
            raise CellOptionError(
                f"parameters that go in step need equally many values: {counts}",
                hint="Leave --zip out to run every combination.",
            )
        object.__setattr__(self, "values", MappingProxyType(dict(self.values)))

    def __reduce__(self) -> tuple[type[Axis], tuple[Any, ...]]:
        return Axis, (self.label, dict(self.values), self.unit)  # a mapping proxy cannot be copied

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters."""
        return tuple(self.values)

    @property
    def size(self) -> int:
        """Number of values of each."""
        return next(iter(self.values.values())).size

    def column(self, name: str, indices: Indices) -> NDArray[Any]:
        """A parameter's values at some places of the axis.

        Args:
            name: the parameter.
            indices: each in 0 … size - 1; shape (n,).

        Returns:
            Shape (n,); float64, int64, bool, text (`U`) or object.
        """
        return self.values[name].take(indices)

    def draw(self, unit: NDArray[np.float64]) -> dict[str, NDArray[Any]]:
        """The axis' parameters for each number in [0, 1); parameters in step stay in step."""
        if len(self.values) == 1:
            return {name: values.draw(unit) for name, values in self.values.items()}
        indices = places_of(unit, self.size)
        return {name: self.column(name, indices) for name in self.names}

    def describe(self) -> list[str]:
        """A line for each parameter, and one before them when there are several."""
        indent = "  " if len(self.values) > 1 or self.label not in self.values else ""
        lines = [f"{self.label}: {self.size:,} rows"] if indent else []
        for name, values in self.values.items():
            unit = f" [{self.unit[name]}]" if name in self.unit else ""
            lines.append(f"{indent}{name}{unit} = {values.describe()}")
        return lines
