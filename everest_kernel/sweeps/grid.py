"""The labelled grid: the results of a sweep, and their forms for other tools."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from . import drawing, grid_files, grid_text, labelled
from .ledger import Status
from .outputs import OutputColumn
from .results import SweepNameError, SweepResults
from .selection import axis_values, choose, scalar
from .spaces import ListedSpace
from .spilling import Spill

if TYPE_CHECKING:
    import pandas
    import xarray  # type: ignore[import-not-found, unused-ignore]
    from matplotlib.axes import Axes

__all__ = ["Grid", "Status", "SweepNameError"]


class Grid(SweepResults):
    """The labelled results of a sweep; may be used while the sweep still runs.

    ``grid["L1"]`` and ``grid.L1`` are the results of an output (NaN or masked where missing), ``grid["a"]`` the values
    of a parameter. ``grid.failures`` and ``grid.timings`` are tables.

    Args:
        space: the parameter space.
        outputs: names of the results, in order.
        spill: folder for outputs that are too large for memory; None: a temporary folder.

    Raises:
        CellOptionError: an output has the name of a parameter, or comes twice.
    """

    def sel(self, **params: Any) -> Grid:
        """The grid over the other axes, where parameters have the given values.

        Args:
            params: parameter to its value; of numbers the nearest one in the grid.

        Returns:
            A copy that does not change any more; `fixed` has the values that were taken.

        Raises:
            CellOptionError: no such parameter, or a value outside of its range.
        """
        chosen = choose(self.space, params)
        index = tuple(chosen.get(number, slice(None)) for number in range(len(self.shape)))
        numbers = np.arange(self.space.size, dtype=np.int64).reshape(self.shape)[index].reshape(-1)
        axes = [axis for number, axis in enumerate(self.space.axes) if number not in chosen]
        with self._lock:
            ledger = self._ledger.part(numbers)
            part = Grid(ListedSpace(axes, self.space.where, ledger.status != Status.LEFT_OUT), self.outputs)
            part._ledger = ledger
            for name, column in self._columns.items():
                data = column.take(numbers)
                if data is not None:
                    part._columns[name] = OutputColumn(name, len(numbers), Spill(None))
                    part._columns[name].restore(data, 0)
        cut = {
            name: scalar(axis_values(self.space.axes[at], name)[where])
            for at, where in chosen.items()
            for name in self.space.axes[at].names
        }
        part.fixed = {**self.fixed, **cut}
        return part

    def to_xarray(self) -> xarray.Dataset:
        """An xarray Dataset: outputs as variables, parameters as coordinates with units, and `point_status`.

        Integers and truth values of which some are missing become floating point with NaN.

        Raises:
            ConfigurationError: xarray is not installed.
        """
        with self._lock:
            return labelled.to_xarray(self)

    def to_dataframe(self) -> pandas.DataFrame:
        """A pandas DataFrame, one row per point: parameters, outputs and `status` (done, failed, waiting).

        Arrays per point become columns `v[0]`, `v[1]`, …; points that are left out have no row.

        Raises:
            ConfigurationError: pandas is not installed.
        """
        with self._lock:
            return labelled.to_dataframe(self)

    def plot(
        self, output: str | None = None, *, contour: float | None = None, ax: Axes | None = None, **params: Any
    ) -> Axes:
        """Draw an output: a line over one axis, a heat map over two.

        Args:
            output: its name, or `"v[0]"` for one entry of an array; None: the first.
            contour: a level to draw as a line into a heat map; 0 for the border of chaos.
            ax: matplotlib axes to draw into; None: a new figure.
            params: parameter to its value, for spaces of more than two axes; where none is given, the middle.

        Returns:
            The matplotlib axes.

        Raises:
            ConfigurationError: matplotlib is not installed.
            SweepOutputError: nothing has come yet, or the output cannot be drawn.
            CellOptionError: no such parameter, or a value outside of its range.
        """
        return drawing.plot(self, output, contour=contour, ax=ax, params=params)

    def save(self, path: str | Path) -> Path:
        """Write everything to a file: results, failures, timings. `Grid.load` gives it back exactly.

        Args:
            path: ends with `.nc` (netCDF 4) or `.zarr`; replaced when it exists.

        Returns:
            The path.

        Raises:
            ConfigurationError: xarray, or what writes this format, is not installed.
            CellOptionError: another ending.
        """
        with self._lock:
            return grid_files.save(self, self._ledger, self._columns, Path(path))

    @classmethod
    def load(cls, path: str | Path, *, spill: Path | None = None) -> Grid:
        """Read what `save` wrote.

        Args:
            path: the file or folder.
            spill: folder for outputs that are too large for memory; None: a temporary folder.

        Raises:
            ConfigurationError: xarray, or what reads this format, is not installed.
            CellOptionError: no such file, or not written by `save`.
        """
        saved = grid_files.load(Path(path))
        grid = cls(saved.space, saved.outputs, spill=spill)
        grid._ledger, grid.fixed = saved.ledger, saved.fixed
        for name, data in saved.data.items():
            grid._columns[name].restore(data, saved.first)
        return grid

    def __repr__(self) -> str:
        return grid_text.as_text(self)

    def _repr_html_(self) -> str:
        return grid_text.as_html(self)
