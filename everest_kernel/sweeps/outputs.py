"""One output of a sweep: an array that is made at the first result and takes results as they come.

Kinds promote as in numpy (truth values, integers, floating point, complex); texts stay texts. What cannot stand in one
array is refused before anything is written, so an error never costs the results that are already there.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..wire import EverestError
from .spilling import Spill

__all__ = ["OutputColumn", "SweepOutputError", "as_results", "kind_word"]

_NUMBERS = "biufc"
_MOST_TEXT_BYTES = 2**28
"""Texts are handed out as an array of fixed width up to this size, and as an array of objects above."""
_COPIED_AT_ONCE = 2**24
"""Bytes that are converted at once when a spilled array changes its kind."""


class SweepOutputError(EverestError):
    """The results of some points do not fit the grid: another shape, another kind, or no result at all."""


def kind_word(dtype: np.dtype[Any]) -> str:
    """What people call this kind of value."""
    words = {"b": "truth values", "i": "integers", "u": "integers", "f": "numbers", "c": "complex numbers"}
    return words.get(dtype.kind, "texts" if dtype.kind in "UO" else str(dtype))


def as_results(name: str, values: Any) -> NDArray[Any]:
    """Results of several points in a form that a grid keeps.

    Args:
        name: the output, for messages.
        values: of shape (n, ...): truth values, integers, floating point, complex, texts, or Python objects of these.

    Returns:
        An array of kind b, i, u, f, c, or of texts as objects.

    Raises:
        SweepOutputError: anything else, or integers beyond 64 bits.
    """
    array = np.asarray(values)
    if array.dtype.kind == "O":
        array = _from_objects(name, array)
    if array.dtype.kind == "O":  # texts
        return array
    if array.dtype.kind == "U":
        return array.astype(object)
    if array.dtype.kind not in _NUMBERS:
        raise SweepOutputError(
            f"{name!r} is of type {array.dtype}, which a grid cannot hold",
            hint=f"Set {name} to a number, a text, or an array of numbers: float(...), str(...), numpy.array(...).",
        )
    if array.dtype.kind in "fc" and array.dtype.char in "gG":  # kinds that differ between machines
        return array.astype(np.float64 if array.dtype.char == "g" else np.complex128)
    if array.dtype == np.uint64 and (array.size == 0 or int(array.max()) < 2**63):
        return array.astype(np.int64)  # with signed integers it would promote to floating point
    return array


def _from_objects(name: str, array: NDArray[Any]) -> NDArray[Any]:
    kinds = {type(value) for value in array.flat}
    if kinds <= {str, np.str_}:
        return array
    try:
        found = np.array(array.tolist())
    except ValueError:  # sequences of different lengths
        found = array
    if found.dtype.kind not in _NUMBERS or found.shape != array.shape:
        odd = [value for value in array.flat if not isinstance(value, (bool, int, float, complex))]
        what = f"of type {type(odd[0]).__name__}" if odd else "an integer beyond 64 bits"
        raise SweepOutputError(
            f"{name!r} is {what}, which a grid cannot hold",
            hint=f"Set {name} to a number, a text, or an array of numbers: float(...), str(...), numpy.array(...).",
        )
    return found


class OutputColumn:
    """The results of one output for all points. Not guarded: its Grid holds the lock.

    Args:
        name: of the output.
        size: points of the space.
        spill: where arrays go that are too large for memory.
    """

    def __init__(self, name: str, size: int, spill: Spill) -> None:
        self.name = name
        self.size = size
        self._spill = spill
        self._data: NDArray[Any] | None = None
        self._first = -1

    @property
    def empty(self) -> bool:
        """Whether no result has come."""
        return self._data is None

    @property
    def point_shape(self) -> tuple[int, ...]:
        """Shape of one point's result; () before the first."""
        return () if self._data is None else self._data.shape[1:]

    @property
    def dtype(self) -> np.dtype[Any]:
        """What is kept so far; floating point before the first result, object for texts."""
        return np.dtype(np.float64) if self._data is None else self._data.dtype

    @property
    def path(self) -> Path | None:
        """The file that holds the array, when it is not in memory."""
        return self._spill.path(self._data)

    @property
    def raw(self) -> NDArray[Any] | None:
        """The array itself, of shape (points, *point_shape), to read under the lock; None before the first result."""
        return self._data

    def check(self, values: NDArray[Any], numbers: NDArray[np.int64], describe: Callable[[int], str]) -> None:
        """Whether these results fit those that are there.

        Args:
            values: from `as_results`, of shape (n, ...).
            numbers: of the points.
            describe: a point's number to its parameters as text.

        Raises:
            SweepOutputError: another shape or kind; names both.
        """
        if self._data is None:
            return
        if values.shape[1:] != self.point_shape:
            raise SweepOutputError(
                f"{self.name!r} has shape {values.shape[1:]} at {describe(int(numbers[0]))}, "
                f"but shape {self.point_shape} at {describe(self._first)}",
                hint=f"Give {self.name} the same shape at every point, for instance by padding it with NaN.",
            )
        if (values.dtype.kind == "O") != (self._data.dtype.kind == "O"):
            raise SweepOutputError(
                f"{self.name!r} holds {kind_word(values.dtype)} at {describe(int(numbers[0]))}, "
                f"but {kind_word(self._data.dtype)} at {describe(self._first)}",
                hint=f"Give {self.name} the same kind at every point, for instance NaN where there is no number.",
            )

    def make_room(self, values: NDArray[Any], first: int, missing: NDArray[np.bool_] | None) -> None:
        """Make the array, or change its kind, so that results which were checked can be put.

        Args:
            values: from `as_results`, of shape (n, *point_shape).
            first: number of the first of these points.
            missing: which points have no result, of shape (points,); asked for by `changes_kind`.

        Raises:
            SweepOutputError: the array fits neither into memory nor on the disk.
        """
        if self._data is None:
            self._data, self._first = self._new(values.dtype, values.shape[1:]), first
        elif missing is not None:
            self._promote(self._data, np.result_type(self._data.dtype, values.dtype), missing)

    def changes_kind(self, values: NDArray[Any]) -> bool:
        """Whether these results, from `as_results`, need an array of another kind than there is."""
        return self._data is not None and np.result_type(self._data.dtype, values.dtype) != self._data.dtype

    def put(self, numbers: NDArray[np.int64], values: NDArray[Any]) -> None:
        """Take results for which there is room.

        Args:
            numbers: of the points, of shape (n,).
            values: from `as_results`, of shape (n, *point_shape).
        """
        assert self._data is not None
        self._data[numbers] = values

    def read(self, shape: tuple[int, ...], missing: NDArray[np.bool_]) -> NDArray[Any]:
        """The results as users get them.

        Args:
            shape: of the space.
            missing: of shape (points,): which have no result.

        Returns:
            An array of shape (*shape, *point_shape). A copy, except a spilled array: a read-only view of its file.
            Masked where results are missing and their kind has no NaN.
        """
        if self._data is None:
            return np.full(shape, np.nan)
        full = (*shape, *self.point_shape)
        if self.path is not None:
            data: NDArray[Any] = self._data.view()
            data.flags.writeable = False
        else:
            data = _texts(self._data) if self._data.dtype.kind == "O" else self._data.copy()
        data = data.reshape(full)
        if data.dtype.kind in "fc" or not missing.any():
            return data
        mask = missing.reshape(shape + (1,) * len(self.point_shape))
        return np.ma.MaskedArray(data, mask=np.broadcast_to(mask, full).copy(), fill_value=_fill(data.dtype))

    def restore(self, data: NDArray[Any], first: int) -> None:
        """Begin with results that are there already.

        Args:
            data: from `as_results`, of shape (points, *point_shape); copied.
            first: number of a point that has a result.

        Raises:
            SweepOutputError: the array fits neither into memory nor on the disk.
        """
        self._data, self._first = self._new(data.dtype, data.shape[1:]), first
        self._data[...] = data

    def take(self, numbers: NDArray[np.int64]) -> NDArray[Any] | None:
        """A copy of the raw results of these points, of shape (n, *point_shape), or None before the first result."""
        return None if self._data is None else np.asarray(self._data[numbers])

    def _promote(self, old: NDArray[Any], wanted: np.dtype[Any], missing: NDArray[np.bool_]) -> None:
        new = self._new(wanted, old.shape[1:])
        step = max(1, _COPIED_AT_ONCE // max(1, old[:1].nbytes))
        for start in range(0, self.size, step):
            part = slice(start, start + step)
            new[part] = old[part]
            if wanted.kind in "fc":
                new[part][missing[part]] = np.nan
        self._data = new
        self._spill.drop(old)

    def _new(self, dtype: DTypeLike, point_shape: tuple[int, ...]) -> NDArray[Any]:
        kind = np.dtype(dtype)
        shape = (self.size, *point_shape)
        need = math.prod(shape) * kind.itemsize
        try:
            array = self._spill.array(self.name, shape, kind)
        except (OSError, MemoryError) as error:
            raise SweepOutputError(
                f"{self.name!r} of all points needs {need / 2**30:.2g} GB, and there is no room for it: {error}",
                hint="Return less per point (a summary instead of a whole array), or sweep fewer points.",
            ) from error
        return array


def _fill(dtype: np.dtype[Any]) -> Any:
    """What masked entries become in `.filled()`: numpy's own default does not fit small integers."""
    return {"b": False, "i": -1, "u": 0, "U": "", "O": ""}[dtype.kind]


def _texts(data: NDArray[Any]) -> NDArray[Any]:
    width = max((len(text) for text in data.flat if text is not None), default=1)
    return data.copy() if data.size * width * 4 > _MOST_TEXT_BYTES else data.astype(f"U{max(1, width)}")
