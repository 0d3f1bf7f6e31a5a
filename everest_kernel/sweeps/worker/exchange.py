"""Reads the points of a chunk and writes its answer: a line of JSON, and blobs of numbers; see `python_chunks`."""

# ruff: noqa: B905 - Python 3.8 has no strict zip
from __future__ import annotations

import array
import binascii

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

CODES: dict[type, str] = {float: "d", int: "q", bool: "b"}


def columns_of(spec: dict[str, Any]) -> dict[str, Any]:
    """The points' values, by parameter."""
    if spec["points"]:
        with open(spec["points"], "rb") as stream:
            data = stream.read()
    else:
        data = binascii.a2b_base64(spec["data"])
    columns, at = {}, 0
    for name, code, content in spec["columns"]:
        if code == "list":
            columns[name] = content
            continue
        columns[name] = _numbers(code, data[at : at + content])
        at += content
    return columns


def _numbers(code: str, data: bytes) -> Any:
    numbers = array.array("d" if code == "D" else code)
    numbers.frombytes(data)
    if code == "D":
        return [complex(numbers[i], numbers[i + 1]) for i in range(0, len(numbers), 2)]
    return [bool(number) for number in numbers] if code == "b" else numbers.tolist()


def add(part: Any, outputs: list[str], groups: dict[Any, Any], failed: dict[int, str]) -> None:
    """Add a part to the group of points whose outputs have the same types and shapes, or to those that failed."""
    index, seconds, values, error = part
    if values is None:
        failed[index] = error
        return
    form = tuple((v.dtype.str, v.shape) if hasattr(v, "dtype") else type(v) for v in values)
    if form not in groups:
        groups[form] = {"index": [], "seconds": [], "values": {name: [] for name in outputs}}
    group = groups[form]
    group["index"].append(index)
    group["seconds"].append(seconds)
    for name, value in zip(outputs, values):
        group["values"][name].append(value)


def packed(values: list[Any], blobs: list[bytes]) -> list[Any]:
    """How values of one kind are read: numbers and arrays from a blob, texts as they are."""
    kind = type(values[0])
    if kind in CODES:
        blobs.append(array.array(CODES[kind], values).tobytes())
        return [CODES[kind], len(values)]
    if kind is complex:
        blobs.append(array.array("d", [part for value in values for part in (value.real, value.imag)]).tobytes())
        return ["D", len(values)]
    if kind is str:
        return ["list", values]
    blobs += [value.tobytes() for value in values]
    return [values[0].dtype.str, len(values), *values[0].shape]
