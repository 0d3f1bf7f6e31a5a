"""The rows of a pandas frame as points of a sweep."""

from __future__ import annotations

from typing import Any

from ..wire import CellOptionError
from .axes import Axis
from .listing import listed
from .ranges import Values

__all__ = ["frame_axis"]


def frame_axis(frame: Any) -> Axis:
    """One axis, `row`, whose parameters are the frame's columns. The frame's index is left out.

    Raises:
        CellOptionError: it is no frame, has no rows or columns, or a column's name cannot be a parameter's.
    """
    if not (hasattr(frame, "iloc") and hasattr(frame, "columns")):
        raise CellOptionError(f"a {type(frame).__name__} is no pandas frame", hint="Make one: pandas.DataFrame(...).")
    if not len(frame) or not len(frame.columns):
        raise CellOptionError(f"the frame is empty: {len(frame)} rows, {len(frame.columns)} columns")
    columns: dict[str, Values] = {}
    for index, name in enumerate(frame.columns):
        if not (isinstance(name, str) and name.isidentifier()):
            raise CellOptionError(
                f"the frame's column {name!r} cannot be a parameter's name",
                hint='Rename it: frame.rename(columns={"my column": "my_column"}).',
            )
        if name in columns:
            raise CellOptionError(f"the frame has the column {name} twice")
        columns[name] = listed(frame.iloc[:, index])
    return Axis("row", columns)
