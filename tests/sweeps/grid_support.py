"""A small space for tests of grids, and grids that are filled."""

from __future__ import annotations

from typing import Any

import numpy as np

from everest_kernel.sweeps.grid import Grid
from everest_kernel.sweeps.spaces import ListedAxis, ListedSpace


def axis(name: str, values: Any, unit: str = "") -> ListedAxis:
    return ListedAxis({name: np.asarray(values)}, name, {name: unit} if unit else {})


def small_space(where: bool = False) -> ListedSpace:
    """3 x 2 points of a (metres) and b; with a condition, the last two are left out."""
    allowed = np.array([[True, True], [True, True], [False, False]]) if where else None
    axes = [axis("a", [0.0, 0.5, 1.0], "m"), axis("b", [10, 16])]
    return ListedSpace(axes, "a < 1" if where else "", allowed)


def zip_space() -> ListedSpace:
    """4 points of t and s in step."""
    return ListedSpace([ListedAxis({"t": np.arange(4.0), "s": np.array(["u", "v", "w", "x"])}, "zip", {})])


def filled(space: Any = None, **values: Any) -> Grid:
    """A grid with every point done; values of shape (size, ...)."""
    space = space or small_space()
    values = values or {"L1": np.arange(space.size, dtype=float)}
    grid = Grid(space, tuple(values))
    grid.put(np.arange(space.size), values, seconds=0.5, resource="vm", job_id="j1")
    return grid
