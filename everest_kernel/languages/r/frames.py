"""pandas' data frames as R's. pandas is there when a value of it is."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from .literals import Literals

__all__ = ["categorical", "frame"]


def frame(value: Any, literals: Literals) -> str:
    """An expression for a data frame.

    Raises:
        ValueRefusedError: it has columns or an index that R's have not.
    """
    names = list(value.columns)
    if not all(isinstance(name, str) and name for name in names) or len(set(names)) < len(names):
        raise literals.refused("the columns of the data frame must have texts as names, each its own")
    if value.columns.name is not None or value.index.name is not None or value.attrs:
        raise literals.refused("R's data frames have no names for index and columns, and no attrs")
    columns = [_column(name, value[name].array, literals) for name in names]
    return f"everest_frame({literals.texts(names)}, {', '.join([_rows(value.index, literals), *columns])})"


def categorical(value: Any, literals: Literals) -> str:
    """An expression for a factor.

    Raises:
        ValueRefusedError: its categories are not texts.
    """
    levels = list(value.categories)
    if not all(isinstance(level, str) for level in levels):
        raise literals.refused("the categories must be texts to be the levels of a factor")
    codes = np.asarray(value.codes).astype("i8")
    ordered = "TRUE" if value.ordered else "FALSE"
    positions = _missing(literals.vector(codes + 1), codes < 0, literals)
    return f"everest_factor({positions}, {literals.texts(levels)}, {ordered})"


def _rows(index: Any, literals: Literals) -> str:
    pandas = importlib.import_module("pandas")
    if type(index) is pandas.RangeIndex and (index.start, index.step) == (0, 1):
        return f".set_row_names({len(index)}L)"
    labels = list(index)
    if len(set(labels)) == len(labels) and labels:
        if all(isinstance(label, str) for label in labels):
            return literals.texts(labels)
        numbers = index.dtype.kind == "i"
        # 1, 2, 3, ... is what R has when there are no names
        if numbers and max(map(abs, labels)) < 2**31 and labels != list(range(1, len(labels) + 1)):
            return literals.vector(np.asarray(index))
    raise literals.refused(
        "R has no such names of rows as the index of the data frame: reset_index() makes a column of it"
    )


def _column(name: str, array: Any, literals: Literals) -> str:
    pandas = importlib.import_module("pandas")
    dtype = array.dtype
    if isinstance(dtype, pandas.CategoricalDtype):
        return categorical(array, literals)
    gone = np.zeros(len(array), bool)
    if isinstance(dtype, pandas.StringDtype) or hasattr(array, "_mask"):  # with missing elements, as R has them
        gone = np.asarray(array.isna())
    if isinstance(dtype, pandas.StringDtype) or str(dtype) == "object":
        texts = ["" if absent else item for item, absent in zip(array, gone, strict=True)]
        if not all(isinstance(text, str) for text in texts):
            raise literals.refused(f"column {name!r} of the data frame holds something else than texts")
        return _missing(literals.texts([str(text) for text in texts]), gone, literals)
    numbers = getattr(dtype, "numpy_dtype", dtype)
    if not isinstance(numbers, np.dtype) or numbers.kind not in "biuf":
        raise literals.refused(f"column {name!r} of the data frame is of type {dtype}, which R has not")
    zero = numbers.type(0)
    values = array.to_numpy(dtype=numbers, na_value=zero) if hasattr(array, "_mask") else np.asarray(array)
    return _missing(literals.vector(values), gone, literals)


def _missing(vector: str, gone: np.ndarray[Any, Any], literals: Literals) -> str:
    if not gone.any():
        return vector
    return f"everest_missing({vector}, {literals.vector(np.flatnonzero(gone) + 1)})"
