"""The points of a bifurcation diagram."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["BifurcationPoints"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class BifurcationPoints:
    """Points of a bifurcation diagram; `parameter, value = points` takes them apart.

    Attributes:
        parameter: shape (m,), in the order in which the parameter values were given, each as often as it has points.
        value: shape (m,).
        parameter_name: what the parameter is called.
        value_name: what the values are.
    """

    parameter: Array
    value: Array
    parameter_name: str = "parameter"
    value_name: str = "value"

    def __iter__(self) -> Iterator[Array]:
        yield self.parameter
        yield self.value

    def picture(
        self, exponent_parameter: ArrayLike | None = None, exponents: ArrayLike | None = None, **options: Any
    ) -> Figure:
        """The diagram; with exponents, their curves beneath it.

        Args:
            exponent_parameter: shape (points,), rising.
            exponents: shape (points,) or (points, k), as `spectrum(...).exponents`.
            options: of `bifurcation_picture`, as labels with units, names, title, size.

        Returns:
            The figure.

        Raises:
            ValueError: shapes do not fit.
        """
        from .picture_curves import bifurcation_picture
        from .pictures import Label

        labels = {"parameter_label": Label(self.parameter_name), "value_label": Label(self.value_name)}
        return bifurcation_picture(self.parameter, self.value, exponent_parameter, exponents, **(labels | options))
