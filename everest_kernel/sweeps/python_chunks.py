"""Chunks of Python cells: one process computes many points; see `worker`, whose text travels."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import math
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from ..languages import CannotTravelError, Language, Program, encode
from ..languages.python.program import cell_modules, loader
from ..languages.python.values import Encoded, write_bundle
from ..wire import JobFailedError, ProtocolError, ValueRefusedError
from .chunks import Answer, Columns, PointCell, PointGroup
from .worker import MODULES

__all__ = ["PythonChunks"]

_INLINE = 48_000
"""Bytes of points up to which they travel inside the program instead of as a file of their own."""
_PACKAGE = "everest_points"
_DTYPES = {"d": np.float64, "q": np.int64, "b": np.bool_, "D": np.complex128}
_CODES = {"f8": "d", "i8": "q", "b1": "b", "c16": "D"}
_KINDS = "biufcU"
_MOST_HEAD = 1 << 30


class PythonChunks:
    """See `chunks.ChunkLanguage`.

    Args:
        language: of the route.
        cell: of the sweep.
    """

    one_by_one = False

    def __init__(self, language: Language, cell: PointCell) -> None:
        self._language = language
        self._cell = cell
        self._constants: dict[str, bytes] = {}
        if cell.constants:  # a file of their own, which a server takes once for all chunks
            stream = io.BytesIO()
            write_bundle(stream, {name: _encoded(name, value) for name, value in cell.constants.items()})
            content = stream.getvalue()
            self._constants = {f"constants-{hashlib.sha256(content).hexdigest()[:16]}.zip": content}

    def render(self, columns: Columns, count: int, budget: float) -> Program:
        """The worker's text, with the points."""
        described, blobs = [], list[bytes]()
        for name, values in columns.items():
            described.append([name, *_column(values, blobs)])
        data, attachments = b"".join(blobs), dict(self._constants)
        points = f"points-{hashlib.sha256(data).hexdigest()[:16]}.bin" if len(data) > _INLINE else ""
        if points:
            attachments[points] = data
        spec = {
            "cell": self._language.cell_file,
            "answer": self._language.values_file,
            "constants": next(iter(self._constants), ""),
            "files": [[file.staged, file.target] for file in self._cell.files],
            "columns": described,
            "points": points,
            "data": "" if points else base64.b64encode(data).decode(),
            "count": count,
            "outputs": list(self._cell.outputs),
            "budget": budget if math.isfinite(budget) else None,
            "vectorized": self._cell.vectorized,
        }
        run = f"import {_PACKAGE}.main\n{_PACKAGE}.main.main(json.loads({json.dumps(spec)!r}))\n"
        return Program(f"{_loader(bool(self._constants))}{run}", self._cell.code, attachments)

    def read(self, values: IO[bytes] | None, count: int, problem: str, output: Mapping[str, bytes]) -> Answer:
        """The worker's answer."""
        if values is None:
            raise JobFailedError(problem or "the program left no answer")
        try:
            answer = json.loads(values.readline(_MOST_HEAD))
            if "error" in answer:
                raise JobFailedError(str(answer["error"]))
            return self._read(answer, values, count)
        except (
            LookupError,
            TypeError,
            ValueError,
            AttributeError,
            ArithmeticError,
            RecursionError,
            MemoryError,
        ) as error:
            raise ProtocolError(f"a chunk's answer cannot be read: {type(error).__name__}: {error}") from error

    def _read(self, answer: Any, blobs: IO[bytes], count: int) -> Answer:
        failed = {int(place): str(error) for place, error in answer["failed"]}
        groups = []
        for group in answer["groups"]:
            index = _array(group["index"], blobs).astype(np.int64, casting="safe", copy=False)
            seconds = _array(group["seconds"], blobs).astype(np.float64, casting="safe", copy=False)
            found = [_array(column, blobs) for column in group["values"]]
            groups.append(PointGroup(index, dict(zip(self._cell.outputs, found, strict=True)), seconds))
        read = Answer(groups, failed, float(answer["seconds"]))
        check_places(read, count)
        return read


def check_places(answer: Answer, count: int) -> None:
    """Refuse an answer that is not about the points that were asked for.

    Raises:
        ValueError: a place that there is not, one that is there twice, or a column of another length.
    """
    places = np.concatenate([*answer.places(), np.fromiter(answer.failed, np.int64, len(answer.failed))])
    if places.size and (places.min() < 0 or places.max() >= count):
        raise ValueError("it has points that the chunk has not")
    if np.unique(places).size != places.size:
        raise ValueError("it has a point twice")
    for group in answer.groups:
        if any(values.shape[:1] != group.index.shape for values in (*group.values.values(), group.seconds)):
            raise ValueError("its columns have different lengths")


def _encoded(name: str, value: Any) -> Encoded:
    try:
        return encode(value)
    except CannotTravelError as error:
        raise ValueRefusedError(
            f"{name}: {error}", name=name, hint="Plain data, arrays and frames travel; define functions in the cell."
        ) from error


def _column(values: NDArray[Any], blobs: list[bytes]) -> list[Any]:
    """How the worker reads a column: numbers from the points' bytes, without numpy there; others as they are.

    Raises:
        ValueRefusedError: a parameter that is neither a number nor a text.
    """
    code = _CODES.get(values.dtype.str[1:]) if values.dtype.isnative else None
    if code:
        blobs.append(values.tobytes())
        return [code, values.nbytes]
    listed = values.tolist()
    if not all(isinstance(value, (str, int, float, bool)) for value in listed):
        raise ValueRefusedError("a parameter's values are numbers, texts, or truth values")
    return ["list", listed]


def _array(described: Sequence[Any], blobs: IO[bytes]) -> NDArray[Any]:
    code, *form = described
    if code == "list":
        values = np.asarray(form[0])
        if values.dtype.kind != "U" and len(form[0]):
            raise TypeError(f"texts of dtype {values.dtype}")
        return values
    dtype = np.dtype(_DTYPES.get(code, code))
    if dtype.kind not in _KINDS or any(type(size) is not int or size < 0 for size in form):
        raise TypeError(f"an array of dtype {dtype} and shape {form}")
    size = math.prod(form) * dtype.itemsize
    data = blobs.read(size)
    if len(data) != size:
        raise ValueError("it ends too soon")
    return np.frombuffer(data, dtype).reshape(form)


@cache
def _loader(with_values: bool) -> str:
    """Program text that makes the worker's modules importable, and those that read values."""
    folder = files(__package__) / "worker"
    sources = {f"{_PACKAGE}.{name}": (folder / f"{name}.py").read_text("utf-8") for name in MODULES}
    return loader({_PACKAGE: "", **sources, **(cell_modules() if with_values else {})})
