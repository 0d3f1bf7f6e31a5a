"""A grid as the labelled tables that others work with: an xarray Dataset, a pandas DataFrame."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .ledger import FLAGS, Status
from .optional import need
from .spaces import SpaceLike

if TYPE_CHECKING:
    import pandas
    import xarray  # type: ignore[import-not-found, unused-ignore]

    from .results import SweepResults

__all__ = ["dimension_names", "free_name", "to_dataframe", "to_xarray"]

_MOST_COLUMNS = 1000
"""An output with more entries per point stays one column, of arrays."""
_NULLABLE = {"b": "boolean", "i": "Int64", "u": "UInt64"}
"""What pandas calls the kinds that can have missing entries, by numpy's letter."""


def free_name(wanted: str, taken: Iterable[str]) -> str:
    """The name, with underscores behind it until it is not taken."""
    names = set(taken)
    while wanted in names:
        wanted += "_"
    return wanted


def dimension_names(space: SpaceLike, outputs: Iterable[str]) -> tuple[str, ...]:
    """A name for each axis that collides with nothing: its label where possible."""
    taken = set(outputs)
    found: list[str] = []
    for axis in space.axes:
        others = {name for name in space.names if name not in axis.names}
        found.append(free_name(axis.label, taken | others | set(found)))
    return tuple(found)


def to_xarray(grid: SweepResults) -> xarray.Dataset:
    """The grid as an xarray Dataset.

    Args:
        grid: of any state.

    Returns:
        Outputs as variables with one dimension per axis (and `name_0`, `name_1`, … for arrays per point), parameters
        as coordinates with their units, and `point_status` (see `Status`). Integers and truth values of which some
        are missing become floating point with NaN; missing texts are empty.

    Raises:
        ConfigurationError: xarray is not installed.
    """
    package = need("xarray", "a labelled Dataset")
    space = grid.space
    dims = dimension_names(space, grid.outputs)
    data: dict[str, Any] = {}
    for name in grid.outputs:
        values = grid[name]
        if isinstance(values, np.ma.MaskedArray):
            values = values.filled("") if values.dtype.kind in "UO" else grid.array(name)
        inner = [f"{name}_{number}" for number in range(values.ndim - len(dims))]
        data[name] = ([*dims, *inner], values)
    data[free_name("point_status", (*grid.outputs, *space.names))] = (dims, grid.status, FLAGS)
    coordinates = {
        name: (dim, values, {"units": axis.unit[name]} if axis.unit.get(name) else {})
        for dim, axis in zip(dims, space.axes, strict=True)
        for name, values in ((name, grid.params[name]) for name in axis.names)
    }
    attributes = {"where": space.where} if space.where else {}
    fixed = {name: (str(value) if isinstance(value, bool) else value) for name, value in grid.fixed.items()}
    dataset: xarray.Dataset = package.Dataset(data, coords=coordinates, attrs={**attributes, **fixed})
    return dataset


def to_dataframe(grid: SweepResults) -> pandas.DataFrame:
    """The grid as a pandas DataFrame with one row per point; points that are left out have none.

    Args:
        grid: of any state.

    Returns:
        A column per parameter, per output (`v[0]`, `v[1]`, … for arrays per point) and `status` (done, failed,
        waiting); the index `point` has the points' numbers. Integers and truth values of which some are missing have
        pandas' nullable types.

    Raises:
        ConfigurationError: pandas is not installed.
    """
    frames = need("pandas", "a DataFrame")
    status = grid.status.reshape(-1)
    numbers = np.flatnonzero(status != Status.LEFT_OUT).astype(np.int64)
    columns: dict[str, Any] = dict(grid.space.columns(numbers))
    for name in grid.outputs:
        values = grid[name]
        inner = values.shape[len(grid.shape) :]
        columns.update(_columns(name, values.reshape(-1, *inner)[numbers], frames))
    words = np.array([state.name.lower() for state in Status])
    columns[free_name("status", columns)] = words[status[numbers]]
    frame: pandas.DataFrame = frames.DataFrame(columns, index=frames.Index(numbers, name="point"))
    return frame


def _columns(name: str, values: NDArray[Any], frames: Any) -> dict[str, Any]:
    """One output as columns: `values` has shape (rows, *point_shape)."""
    inner = values.shape[1:]
    if not inner:
        return {name: _column(values, frames)}
    if values[:1].size > _MOST_COLUMNS:
        column = np.empty(len(values), dtype=object)
        for row, value in enumerate(values):
            column[row] = value
        return {name: column}
    return {
        f"{name}[{', '.join(str(part) for part in index)}]": _column(values.reshape(len(values), -1)[:, number], frames)
        for number, index in enumerate(np.ndindex(*inner))
    }


def _column(values: NDArray[Any], frames: Any) -> Any:
    if not isinstance(values, np.ma.MaskedArray):
        return values
    kind = _NULLABLE.get(values.dtype.kind)
    if kind is not None:
        column = frames.array(values.filled(0), dtype=kind)
        column[np.ma.getmaskarray(values)] = frames.NA
        return column
    texts = values.filled("").astype(object)
    texts[np.ma.getmaskarray(values)] = None
    return texts
