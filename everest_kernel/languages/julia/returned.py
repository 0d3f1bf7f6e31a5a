"""What Julia wrote that records have no kind for: tuples, and dictionaries with any texts as keys."""

from __future__ import annotations

from typing import Any

from ...wire import ProtocolError
from ..base import Returned

__all__ = ["convert"]

MARK = "\0"
"""The key under which a record says what it is; all dictionaries of Julia's are written with it."""


def convert(back: Returned) -> None:
    """Replace what stands for tuples and dictionaries.

    Raises:
        ProtocolError: it was not written by our program.
    """
    for name, value in back.values.items():
        try:
            back.values[name] = _converted(value)
        except (KeyError, TypeError, ValueError) as error:
            raise ProtocolError(f"{name}: a value of Julia's cannot be read: {error}") from error


def _converted(value: Any) -> Any:
    if isinstance(value, list):
        return [_converted(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value[MARK] == "tuple":
        return tuple(_converted(item) for item in value["items"])
    if value[MARK] == "dict":
        return dict(zip(value["keys"], map(_converted, value["values"]), strict=True))
    raise ValueError(f"an unknown kind {value[MARK]!r}")
