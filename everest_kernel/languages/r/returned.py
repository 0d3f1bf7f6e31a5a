"""What R wrote that records have no kind for: data frames and factors."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from ...wire import ProtocolError
from ..base import Returned

__all__ = ["convert"]

MARK = "\0"
"""The key under which a dictionary says what it is; no list of R's can have it."""


def convert(back: Returned) -> None:
    """Replace what stands for data frames and factors; without pandas they are problems.

    Raises:
        ProtocolError: it was not written by our program.
    """
    for name, value in list(back.values.items()):
        try:
            back.values[name] = _converted(value)
        except ImportError:
            del back.values[name]
            back.problems.append(f"{name}: pandas is needed for data frames and factors and is not installed here")
        except (KeyError, TypeError, ValueError) as error:
            raise ProtocolError(f"{name}: a value of R's cannot be read: {error}") from error


def _converted(value: Any) -> Any:
    if isinstance(value, list):
        return [_converted(item) for item in value]
    if not isinstance(value, dict):
        return value
    kind = value.get(MARK)
    if kind is None:
        return {key: _converted(item) for key, item in value.items()}
    pandas = importlib.import_module("pandas")
    if kind == "factor":
        codes = np.asarray(value["codes"]) - 1
        return pandas.Categorical.from_codes(codes, value["levels"], ordered=value["ordered"])
    if kind == "missing":
        return _with_missing(value["data"], value["mask"])
    rows = value["rows"]
    index = pandas.RangeIndex(rows) if isinstance(rows, int) else pandas.Index(rows)
    columns = [_column(item, index) for item in value["columns"]]
    made = pandas.DataFrame(dict(enumerate(columns)), index=index)
    made.columns = pandas.Index(value["names"], dtype=None if value["names"] else object)
    return made


def _column(item: Any, index: Any) -> Any:
    pandas = importlib.import_module("pandas")
    value = _converted(item)
    return pandas.Series(value, index=index, dtype=object if isinstance(value, list) and not value else None)


def _with_missing(data: Any, mask: Any) -> Any:
    pandas = importlib.import_module("pandas")
    if isinstance(data, list):
        array = pandas.array(data, dtype="string")
        array[mask] = pandas.NA
        return array
    kinds = {"b": pandas.arrays.BooleanArray, "i": pandas.arrays.IntegerArray, "f": pandas.arrays.FloatingArray}
    # not by pandas.array: it would take a NaN for a missing number
    return kinds[data.dtype.kind](data, np.array(mask, bool))
