"""Runs the cell: for each point, or for arrays of points."""

# ruff: noqa: B905 - Python 3.8 has no strict zip
from __future__ import annotations

import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Any

CELL = "<cell>"
MOST_ERROR = 4000
FIRST_PIECE = 64
MEASURED = 1.0
"""Seconds of time from which on a chunk's size comes from a measured speed: arrays of all its points are right then."""
SHORT = 5.0
"""Seconds up to which the first point does not count as time that the chunk has used."""


def one_by_one(chunk: dict[str, Any], columns: dict[str, Any], end: float) -> Callable[..., Iterator[Any]]:
    """Runs the cell for each point, in a namespace of its own."""
    names, outputs = list(columns), chunk["outputs"]
    constants = dict(chunk["constants"], __name__="__main__", __builtins__=__builtins__)

    code = compile(chunk["code"], CELL, "exec", dont_inherit=True)

    def work(indices: Iterable[int], begin: Callable[[int], None]) -> Iterator[Any]:
        rows = list(zip(*(columns[name] for name in names)))
        clock, until, first = time.perf_counter, end, True
        for index in indices:
            begin(index)
            before = clock()
            namespace = dict(constants)
            namespace.update(zip(names, rows[index]))
            values, error = None, ""
            try:
                exec(code, namespace)
                values = tuple(_plain(_found(namespace, name), name) for name in outputs)
            except (Exception, SystemExit) as raised:  # noqa: BLE001 - what a point raises is its answer
                error = told(raised)
            after = clock()
            yield index, after - before, values, error
            if first and after - before < SHORT:
                until += after - before  # it may have imported what the others find imported
            elif after >= until:
                return
            first = False

    return work


def in_pieces(chunk: dict[str, Any], columns: dict[str, Any], end: float) -> Callable[..., Iterator[Any]]:
    """Runs a cell that takes arrays: pieces that grow while there is time; one that fails is halved."""
    import numpy

    code = compile(chunk["code"], CELL, "exec", dont_inherit=True)
    arrays = {name: numpy.asarray(values) for name, values in columns.items()}
    constants = dict(chunk["constants"], __name__="__main__", __builtins__=__builtins__)

    def compute(indices: Sequence[int]) -> list[Any]:
        chosen = numpy.asarray(indices)
        namespace = dict(constants)
        namespace.update((name, values[chosen]) for name, values in arrays.items())
        exec(code, namespace)
        found = {name: numpy.asarray(_found(namespace, name)) for name in chunk["outputs"]}
        for name, values in found.items():
            if values.shape[:1] != (len(indices),):
                shown, wanted = values.shape, len(indices)
                raise ValueError(f"{name} has shape {shown}; a vectorized cell gives a row for each of {wanted} points")
        return [tuple(_plain(values[row], name) for name, values in found.items()) for row in range(len(indices))]

    def work(indices: Iterable[int], begin: Callable[[int], None]) -> Iterator[Any]:
        waiting = list(indices)
        size = FIRST_PIECE if chunk["budget"] < MEASURED else len(waiting)
        halves: list[list[int]] = []
        while waiting or halves:
            if halves:
                piece = halves.pop()
            else:
                piece, waiting = waiting[:size], waiting[size:]
            begin(piece[0])
            before = time.perf_counter()
            try:
                rows = compute(piece)
            except (Exception, SystemExit) as raised:  # noqa: BLE001 - what a point raises is its answer
                middle = len(piece) // 2
                if middle:
                    halves += [piece[middle:], piece[:middle]]
                else:
                    yield piece[0], time.perf_counter() - before, None, told(raised)
                continue
            after = time.perf_counter()
            each = max((after - before) / len(piece), 1e-9)
            for index, values in zip(piece, rows):
                yield index, each, values, ""
            if size == FIRST_PIECE and after - before < SHORT:
                size *= 8  # whatever the time: small pieces tell little of how fast large ones are
            elif after >= end and not halves:
                return
            else:
                size = max(1, min(size * 8, int((end - after) / each)))

    return work


def _found(namespace: dict[str, Any], name: str) -> Any:
    if name not in namespace:
        raise NameError(f"the cell did not set {name}")
    return namespace[name]


def _plain(value: Any, name: str) -> Any:
    """A number or a text of Python's own, or an array of numbers or texts."""
    kind = type(value)
    if kind in (float, bool, complex):
        return value
    if kind is str:
        if value.endswith("\0"):
            raise ValueError(f"{name} ends with a zero character, which an array of texts does not keep")
        return value
    if kind is int:
        if not -(2**63) <= value < 2**63:
            raise OverflowError(f"{name} has more than 64 bits; make it a float or a text")
        return value
    numpy = sys.modules.get("numpy")
    if kind in (list, tuple) or (numpy is not None and isinstance(value, (numpy.ndarray, numpy.generic))):
        return _plain_array(value, name)
    if hasattr(kind, "__float__"):  # a fraction, a decimal number, a symbolic constant
        return float(value)
    raise TypeError(f"{name} is a {kind.__name__}; an output is a number, a text, or an array of them")


def _plain_array(value: Any, name: str) -> Any:
    import numpy

    found = numpy.ascontiguousarray(value) if numpy.ndim(value) else numpy.asarray(value)
    if found.dtype.kind not in "biufcUS":
        raise TypeError(f"{name} is an array of dtype {found.dtype}; an output has numbers or texts")
    return _plain(found.item(), name) if found.shape == () and found.dtype.kind != "S" else found


def told(raised: BaseException) -> str:
    """What was raised, in one line, with the line of the cell."""
    line, place = 0, raised.__traceback__
    while place is not None:
        if place.tb_frame.f_code.co_filename == CELL:
            line = place.tb_lineno
        place = place.tb_next
    if isinstance(raised, SyntaxError) and raised.filename == CELL:
        line = raised.lineno or 0
    where = f" (line {line} of the cell)" if line else ""
    try:
        text = str(raised)
    except Exception:  # noqa: BLE001 - an error whose text fails is an error all the same
        text = "(it has no text)"
    return f"{type(raised).__name__}: {text}{where}"[:MOST_ERROR]
