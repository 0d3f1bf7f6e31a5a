"""Which of the user's values a cell takes along, and which names it brings back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..languages import VALUE_LIMIT, CannotTravelError, Language, encode, kind_of
from ..wire import CellOptionError, ValueRefusedError
from .options import RemoteOptions

__all__ = ["Selection", "is_users", "looks_secret", "select"]

_SECRET_PARTS = ("token", "password", "passwd", "passphrase", "secret", "credential", "apikey")
_SECRET_WORDS = frozenset(["key", "keys", "pwd", "pat", "auth"])
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


@dataclass
class Selection:
    """What a cell takes and gives.

    Attributes:
        inputs: values by name.
        named: outputs that must come back.
        found: outputs that come back when they can.
        held_back: names that look like secrets and were not named.
    """

    inputs: dict[str, Any] = field(default_factory=dict)
    named: tuple[str, ...] = ()
    found: tuple[str, ...] = ()
    held_back: tuple[str, ...] = ()


def looks_secret(name: str) -> bool:
    """Whether a name suggests a token, a password or a key."""
    lowered = name.lower().replace("_", "")
    words = {word.lower() for word in _WORD.findall(name)}
    return any(part in lowered for part in _SECRET_PARTS) or bool(words & _SECRET_WORDS)


def select(
    options: RemoteOptions,
    language: Language,
    code: str,
    namespace: Mapping[str, Any],
    hidden: Mapping[str, Any],
) -> Selection:
    """Choose inputs and outputs from the options, else from the code.

    Args:
        options: the magic line.
        language: what the cell is written in.
        code: the cell.
        namespace: the user's names.
        hidden: names that the shell itself put there.

    Raises:
        CellOptionError: `--in` names something that is not defined.
        ValueRefusedError: an input found in the code cannot travel or is too large.
        CellError: the code is not of this language.
    """
    names = language.names(code)
    chosen = Selection()
    if options.inputs is not None:
        chosen.inputs = {name: _defined(name, namespace) for name in options.inputs}
    else:
        candidates = [n for n in (*names.free, *names.maybe_free) if is_users(n, namespace, hidden)]
        chosen.held_back = tuple(n for n in candidates if looks_secret(n))
        for name in candidates:
            if name in chosen.held_back or _cannot_and_need_not(name, namespace[name], names.maybe_free):
                continue
            _check_size(name, namespace[name])
            chosen.inputs[name] = namespace[name]
    if options.outputs is not None:
        chosen.named = options.outputs
    else:
        chosen.found = tuple(names.assigned)
    return chosen


def is_users(name: str, namespace: Mapping[str, Any], hidden: Mapping[str, Any]) -> bool:
    """Whether a name is the user's own, not one that the shell put there."""
    return name in namespace and not (name in hidden and hidden[name] is namespace[name])


def _defined(name: str, namespace: Mapping[str, Any]) -> Any:
    if name not in namespace:
        raise CellOptionError(
            f"--in {name}: the name {name!r} is not defined", hint="Run the cell that defines it first."
        )
    return namespace[name]


def _cannot_and_need_not(name: str, value: Any, maybe: tuple[str, ...]) -> bool:
    """A name that the cell perhaps assigns itself is no reason to refuse it."""
    if name not in maybe:
        return False
    try:
        return encode(value).size > VALUE_LIMIT
    except CannotTravelError:
        return True


def _check_size(name: str, value: Any) -> None:
    try:
        size = encode(value).size
    except CannotTravelError as error:
        raise ValueRefusedError(
            f"the cell uses {name}, and {error} ({kind_of(value)})",
            name=name,
            hint="Define it inside the cell, or name with --in what the cell needs.",
        ) from error
    if size > VALUE_LIMIT:
        raise ValueRefusedError(
            f"the cell uses {name}, which has {size:,} bytes; over {VALUE_LIMIT:,} nothing goes unasked",
            name=name,
            hint=f"Name it to send it: --in {name}",
        )
