"""Chunks of Python cells: one process computes many points; see `worker`, whose text travels."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from ..languages import CannotTravelError, CellRequest, Language, Program, encode
from ..languages.python.values import Encoded, write_bundle
from ..wire import JobFailedError, ProtocolError, ValueRefusedError
from .chunks import Answer, Columns, PointCell, PointGroup
from .worker import pack

__all__ = ["PythonChunks"]

_CHUNK, _ANSWER = "everest_chunk", "everest_answer"
_APART = 16_384
"""Bytes of constants above which they are a file of their own, which a server takes once for all chunks."""
_READ_CONSTANTS = """
from everest_cell.values import Bundle as _Bundle
with open({name!r}, "rb") as _stream:
    _bundle = _Bundle(_stream, trusted=True)
    {chunk}["constants"] = {{name: _bundle.value(name) for name in _bundle.names}}
"""
_DTYPES = {"d": np.float64, "q": np.int64, "b": np.bool_, "D": np.complex128}
_CODES = {"f8": "d", "i8": "q", "b1": "b", "c16": "D"}


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
        encoded = {name: _encoded(name, value) for name, value in cell.constants.items()}
        self._apart: dict[str, bytes] = {}
        if sum(value.size for value in encoded.values()) > _APART:
            stream = io.BytesIO()
            write_bundle(stream, encoded)
            content = stream.getvalue()
            self._apart = {f"constants-{hashlib.sha256(content).hexdigest()[:16]}.zip": content}

    def render(self, columns: Columns, count: int, budget: float) -> Program:
        """The worker's text, with the points as a value."""
        chunk = {
            "code": self._cell.code,
            "constants": {} if self._apart else self._cell.constants,
            "columns": {name: _packed(values) for name, values in columns.items()},
            "count": count,
            "outputs": list(self._cell.outputs),
            "budget": budget,
            "vectorized": self._cell.vectorized,
        }
        read = "".join(_READ_CONSTANTS.format(name=name, chunk=_CHUNK) for name in self._apart)
        code = f"{_worker()}{read}\n{_ANSWER} = answer_of({_CHUNK})\n"
        request = CellRequest(code, {_CHUNK: chunk}, (_ANSWER,), (), self._cell.files)
        program = self._language.render(request)
        return replace(program, attachments={**program.attachments, **self._apart})

    def read(self, values: IO[bytes] | None, count: int, problem: str, output: Mapping[str, bytes]) -> Answer:
        """The worker's answer."""
        if values is None:
            raise JobFailedError(problem or "the program left no answer")
        back = self._language.read_back(values)
        if _ANSWER not in back.values:
            raise JobFailedError(back.error or problem or "; ".join(back.problems) or "the program left no answer")
        try:
            return self._read(back.values[_ANSWER], count)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise ProtocolError(f"a chunk's answer cannot be read: {type(error).__name__}: {error}") from error

    def _read(self, answer: Any, count: int) -> Answer:
        failed = {int(place): str(error) for place, error in answer["failed"].items()}
        groups = []
        for group in answer["groups"]:
            index = _array(group["index"]).astype(np.int64, casting="safe", copy=False)
            found = {name: _array(group["values"][name]) for name in self._cell.outputs}
            seconds = _array(group["seconds"]).astype(np.float64, casting="safe", copy=False)
            groups.append(PointGroup(index, found, seconds))
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


def _packed(values: NDArray[Any]) -> list[Any]:
    """A column as the worker unpacks it: Python's own numbers there, without numpy."""
    code = _CODES.get(values.dtype.str[1:]) if values.dtype.isnative else None
    return [code, values.tobytes()] if code else pack(values.tolist())


def _array(packed: Sequence[Any]) -> NDArray[Any]:
    code, data = packed
    if code in _DTYPES:
        return np.frombuffer(data, _DTYPES[code])
    if code == "array":
        if not isinstance(data, np.ndarray):
            raise TypeError("an array was promised")
        return data
    values = np.asarray(data)
    if values.dtype.kind not in "biufcU" and len(data):
        raise TypeError(f"values of dtype {values.dtype}")
    return values


@cache
def _worker() -> str:
    return (files(__package__) / "worker.py").read_text("utf-8")
