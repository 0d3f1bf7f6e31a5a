"""The languages by name: our own, and those of other packages."""

from __future__ import annotations

import importlib
from functools import cache
from importlib.metadata import EntryPoint, entry_points

from ..wire import ConfigurationError
from .base import Language

__all__ = ["GROUP", "find_language", "language_names"]

GROUP = "everest_kernel.languages"
"""The entry point group in which other packages name theirs: the language's name, and a callable that gives it."""

_OWN = {
    "cmd": ".cmd:CmdLanguage",
    "cpp": ".cpp:CppLanguage",
    "giac": ".giac:GiacLanguage",
    "julia": ".julia:JuliaLanguage",
    "maple": ".maple:MapleLanguage",
    "maxima": ".maxima:MaximaLanguage",
    "octave": ".octave:OctaveLanguage",
    "powershell": ".powershell:PowerShellLanguage",
    "python": ".python:PythonLanguage",
    "R": ".r:RLanguage",
    "shell": ".shell:ShellLanguage",
    "templet": ".templet:TempletLanguage",
}


@cache
def _others() -> dict[str, EntryPoint]:
    found: dict[str, EntryPoint] = {}
    for point in entry_points(group=GROUP):
        found.setdefault(point.name, point)
    return found


def language_names() -> list[str]:
    """The names of all languages; nothing is loaded."""
    return sorted({*_OWN, *_others()})


@cache
def find_language(name: str) -> Language | None:
    """The language of that name; None when there is none. Another package's goes before ours.

    Raises:
        ConfigurationError: another package's language that cannot be loaded.
    """
    if name in _others():
        return _load(_others()[name])
    if name not in _OWN:
        return None
    module, _, attribute = _OWN[name].partition(":")
    language: Language = getattr(importlib.import_module(module, __package__), attribute)()
    return language


def _load(point: EntryPoint) -> Language:
    package = point.dist.name if point.dist else "another package"
    try:
        language: Language = point.load()()
        found = language.name
    except Exception as error:
        raise ConfigurationError(
            f"the language {point.name!r} of {package} cannot be loaded: {type(error).__name__}: {error}",
            hint=f"Update or remove {package}.",
        ) from error
    if found != point.name:
        raise ConfigurationError(f"the language {point.name!r} of {package} calls itself {found!r}")
    return language
