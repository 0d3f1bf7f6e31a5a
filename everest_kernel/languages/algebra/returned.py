"""What a program of a computer-algebra language wrote, as Python's values."""

from __future__ import annotations

import importlib.util
import re
from typing import IO, Any

from ...wire import ConfigurationError, ProtocolError
from ..base import Returned
from ..drivers import END_MARK
from ..settings import choice
from .reader import RefusedValue, Symbolic, UnreadableError, read_named_values
from .symbolic import to_sympy

__all__ = ["read_values", "symbolic_choice"]

_PROCEDURE = re.compile(r"\s*(?:proc\s*\(|\(?[\w, ]*\)?\s*->)")
_TOO_LONG = re.compile(r"Integer[ _]too[ _]large[ _]for[ _]display")


def symbolic_choice(language: str, value: Any) -> str:
    """The setting `symbolic`.

    Raises:
        ConfigurationError: no such choice, or sympy is not installed.
    """
    chosen = choice(language, "symbolic", value, ("text", "sympy"))
    if chosen == "sympy" and importlib.util.find_spec("sympy") is None:
        raise ConfigurationError("symbolic=sympy needs sympy here", hint="pip install sympy")
    return chosen


def read_values(
    content: IO[bytes], back: Returned, symbolic: str, units: frozenset[str], encoding: str = "utf-8"
) -> None:
    """Add the values of a file of expressions to `back`; `back.finished` tells whether the file has its end.

    Args:
        content: the file.
        back: takes the values.
        symbolic: as what symbolic results come back, `text` or `sympy`.
        units: the names of the imaginary unit.
        encoding: of the file, and of the texts whose bytes it gives.

    Raises:
        ProtocolError: the file is not of this form.
    """
    text = content.read().decode(encoding, "replace").replace("\r\n", "\n")
    body, mark, rest = text.rpartition(END_MARK)
    back.finished = bool(mark) and not rest.strip()
    if not back.finished:
        return
    try:
        found = read_named_values(body, encoding)
    except UnreadableError as error:
        raise ProtocolError(f"the values that the program wrote cannot be read: {error}") from error
    for name, (items, size) in found.items():
        value = items[0] if len(items) == 1 else items
        problem = _problem(name, value)
        if not problem and symbolic == "sympy":
            try:
                value = _with_sympy(value, units)
            except UnreadableError as error:
                problem = f"sympy cannot have it: {error}"
        if problem:
            back.problems.append(f"{name}: {problem}")
        else:
            back.values[name], back.sizes[name] = _plain(value), size


def _problem(name: str, value: Any) -> str:
    """Why a value cannot be had; empty when it can."""
    if isinstance(value, (list, tuple, set, frozenset)):
        return next(filter(None, (_problem("", item) for item in value)), "")
    if isinstance(value, dict):
        return _problem("", list(value.values()))
    if isinstance(value, RefusedValue):
        return str(value)
    if isinstance(value, Symbolic):
        if value == name:
            return "the cell did not assign it"
        if _PROCEDURE.match(value):
            return "a procedure cannot travel"
        if _TOO_LONG.search(value):
            return "an integer of more than a million digits cannot travel"
        if value.startswith("pointer("):
            return "a file cannot travel"
    return ""


def _convert(value: Any, change: Any) -> Any:
    """The value with something done to all that is symbolic in it."""
    if isinstance(value, Symbolic):
        return change(value)
    if isinstance(value, list):
        return [_convert(item, change) for item in value]
    if isinstance(value, set):
        return {_convert(item, change) for item in value}
    if isinstance(value, dict):
        return {_convert(key, change): _convert(item, change) for key, item in value.items()}
    if hasattr(value, "dtype") and value.dtype == object:
        changed = value.copy()
        for place, item in enumerate(value.flat):
            changed.flat[place] = _convert(item, change)
        return changed
    return value


def _plain(value: Any) -> Any:
    return _convert(value, lambda text: str.__str__(text))


def _with_sympy(value: Any, units: frozenset[str]) -> Any:
    return _convert(value, lambda text: to_sympy(text, units))
