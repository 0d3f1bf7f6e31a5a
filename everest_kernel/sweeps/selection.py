"""Points chosen by values of their parameters: slices of a grid."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..wire import CellOptionError
from .spaces import AxisLike, SpaceLike

__all__ = ["axis_values", "choose", "nearest", "scalar"]


def axis_values(axis: AxisLike, name: str) -> NDArray[Any]:
    """All values of a parameter along its axis."""
    return np.asarray(axis.column(name, np.arange(axis.size, dtype=np.int64)))


def scalar(value: Any) -> Any:
    """A value of an array as a Python scalar."""
    return value.item() if isinstance(value, np.generic) else value


def choose(space: SpaceLike, params: Mapping[str, Any]) -> dict[int, int]:
    """Where to cut a space so that parameters have these values.

    Args:
        space: the parameter space.
        params: parameter to the wanted value.

    Returns:
        Number of each axis that is cut, to the index on it.

    Raises:
        CellOptionError: no such parameter, a value outside of its range, or two parameters that run in step.
    """
    chosen: dict[int, int] = {}
    for name, value in params.items():
        at = next((number for number, axis in enumerate(space.axes) if name in axis.names), None)
        if at is None:
            hint = f"The parameters are {', '.join(space.names)}."
            raise CellOptionError(f"this grid has no parameter {name!r}", hint=hint)
        if at in chosen:
            both = ", ".join(space.axes[at].names)
            raise CellOptionError(f"{both} run in step", hint="Give the value of one of them.")
        chosen[at] = nearest(name, axis_values(space.axes[at], name), value)
    return chosen


def nearest(name: str, values: NDArray[Any], wanted: Any) -> int:
    """The index of the value that is nearest (numbers) or equal (everything else).

    Args:
        name: of the parameter, for messages.
        values: of shape (n,).
        wanted: one value.

    Raises:
        CellOptionError: no value is equal, or a number lies further outside than the nearest two lie apart.
    """
    if values.dtype.kind in "iuf" and isinstance(wanted, (int, float, np.integer, np.floating)):
        distance = np.abs(values.astype(np.float64) - float(wanted))
        index = int(np.argmin(distance))
        low, high = float(values.min()), float(values.max())
        spare = (high - low) / max(1, len(values) - 1) if len(values) > 1 else 1e-9 * max(1.0, abs(low))
        if low - spare <= wanted <= high + spare:
            return index
        raise CellOptionError(f"{name}={wanted} is outside of this grid", hint=f"{name} goes from {low:g} to {high:g}.")
    same = [index for index, value in enumerate(values.tolist()) if value == wanted]
    if not same:
        some = ", ".join(repr(value) for value in values[:8].tolist()) + (", …" if len(values) > 8 else "")
        raise CellOptionError(f"{name}={wanted!r} is not in this grid", hint=f"{name} takes the values {some}.")
    return same[0]
