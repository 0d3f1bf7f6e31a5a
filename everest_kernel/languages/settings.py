"""Settings of languages, as routes and cells give them."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from ..wire import ConfigurationError

__all__ = ["check_settings", "choice", "no_settings", "words"]


def check_settings(language: str, known: Mapping[str, str], given: Mapping[str, Any]) -> dict[str, Any]:
    """The given settings, all of them known.

    Raises:
        ConfigurationError: one that the language does not have.
    """
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            suggestion = f" Did you mean {near[0]!r}?" if near else ""
            listed = "; ".join(f"{key}: {text}" for key, text in known.items())
            raise ConfigurationError(
                f"{language} has no setting {name!r}.{suggestion}", hint=f"Its settings: {listed or 'none'}."
            )
    return dict(given)


def no_settings(language: str, given: Mapping[str, Any]) -> None:
    """Check that nothing is set for a language that has no settings.

    Raises:
        ConfigurationError: something is.
    """
    check_settings(language, {}, given)


def choice(language: str, name: str, value: Any, choices: tuple[str, ...]) -> str:
    """A setting that is one of a few words.

    Raises:
        ConfigurationError: it is not.
    """
    if value not in choices:
        raise ConfigurationError(f"{name} of {language} cannot be {value!r}", hint=f"One of: {', '.join(choices)}.")
    return str(value)


def words(language: str, name: str, value: Any) -> tuple[str, ...]:
    """A setting that is a list of texts; one text stands for a list of one.

    Raises:
        ConfigurationError: it is neither.
    """
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, (list, tuple)) or not all(isinstance(item, str) for item in items):
        raise ConfigurationError(f"{name} of {language} must be a text or a list of texts, not {value!r}")
    return tuple(items)
