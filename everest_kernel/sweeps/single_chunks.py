"""Chunks of exactly one point, as a remote cell would be: for whatever cannot be looped over, as on Windows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

import numpy as np

from ..languages import CellRequest, Language, Program, Returned
from ..wire import JobFailedError, ProtocolError
from .chunks import Answer, Columns, PointCell, PointGroup

__all__ = ["SingleChunks", "as_number", "printed_error", "values_of"]


class SingleChunks:
    """See `chunks.ChunkLanguage`.

    Args:
        language: of the route.
        cell: of the sweep.
    """

    one_by_one = True

    def __init__(self, language: Language, cell: PointCell) -> None:
        self._language = language
        self._cell = cell

    def render(self, columns: Columns, count: int, budget: float) -> Program:
        """The cell with the point's parameters as inputs."""
        return self._language.render(request_of(self._cell, columns, 0))

    def read(self, values: IO[bytes] | None, count: int, problem: str, output: Mapping[str, bytes]) -> Answer:
        """The point's values, or what its program said."""
        if values is None and not output:
            raise JobFailedError(problem or "the program left nothing")
        try:
            back = self._language.read_back(values)
        except ProtocolError as error:
            if not problem:
                raise
            back = Returned(finished=False, error=error.message)
        if problem or back.error or not back.finished:
            said = back.error or printed_error(self._language, output) or problem
            return Answer(failed={0: said or "the program stopped before the end of the cell"})
        return point_answer([(0, back, 0.0)], self._cell.outputs)


def request_of(cell: PointCell, columns: Columns, place: int) -> CellRequest:
    """The cell for one point."""
    point = {
        name: values[place].item() if hasattr(values[place], "item") else values[place]
        for name, values in columns.items()
    }
    return CellRequest(cell.code, {**cell.constants, **point}, cell.outputs, (), cell.files)


def printed_error(language: Language, output: Mapping[str, bytes]) -> str:
    """What a program's output says of an error; the last line on standard error, where a language has no better way."""
    stream = language.stream()
    for name, data in output.items():
        stream.feed(name, data)
    stream.close()
    lines = output.get("stderr", b"").decode("utf-8", "replace").strip().splitlines()
    return stream.error or (lines[-1].strip() if lines else "")


def values_of(back: Returned, outputs: tuple[str, ...]) -> tuple[dict[str, Any], str]:
    """The outputs of a point as numbers, texts or arrays; or what is wrong with them."""
    found: dict[str, Any] = {}
    for name in outputs:
        if name not in back.values:
            problem = next((text for text in back.problems if text.startswith(f"{name}:")), "")
            return {}, problem or f"the cell did not set {name}"
        value = as_number(back.values[name])
        array = np.asarray(value)
        if array.dtype.kind not in "biufcU":
            return {}, f"{name} is a {type(value).__name__}; an output is a number, a text, or an array of them"
        found[name] = array
    return found, ""


def as_number(value: Any) -> Any:
    """A text that is a number as one: shells know nothing else than texts."""
    if not isinstance(value, str):
        return (
            float(value)
            if hasattr(value, "__float__") and not isinstance(value, (int, float, np.ndarray, np.generic))
            else value
        )
    for kind in (int, float):
        try:
            return kind(value.strip())
        except ValueError:
            continue
    return value


def point_answer(points: list[tuple[int, Returned, float]], outputs: tuple[str, ...], seconds: float = 0.0) -> Answer:
    """Points' values, in groups of the same form.

    Args:
        points: place, values, and seconds that it took.
        outputs: names.
        seconds: of all.
    """
    answer = Answer(seconds=seconds)
    forms: dict[Any, list[tuple[int, dict[str, Any], float]]] = {}
    for place, back, took in points:
        values, problem = values_of(back, outputs)
        if problem:
            answer.failed[place] = problem
            continue
        form = tuple((values[name].dtype.kind, values[name].shape) for name in outputs)
        forms.setdefault(form, []).append((place, values, took))
    for group in forms.values():
        answer.groups.append(
            PointGroup(
                np.array([place for place, _, _ in group], np.int64),
                {name: np.stack([values[name] for _, values, _ in group]) for name in outputs},
                np.array([took for _, _, took in group], np.float64),
            )
        )
    return answer
