"""What could stand on a `%%remote` or `%%sweep` line: routes, options, and the values of options."""

from __future__ import annotations

import os
import re
import types
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..languages import Language
from ..routes import load_configuration, route_table
from ..wire import CellError, ConfigurationError
from .cell_text import CellText, MagicLine, language_of, read_cell, read_line, words_of
from .inputs import is_users
from .line_words import LineWord
from .options import OPTIONS, RUNNING
from .sweep_options import SAMPLINGS, SWEEP_OPTIONS
from .sweep_parameters import CONDITION_NAMES, frame_names, parameters_of

__all__ = ["Choices", "Notebook", "line_choices", "route_names", "setting_choices"]

_ASSIGNED = re.compile(r"(?<![\w.$])([^\W\d]\w*)[ \t]*(?::=|<-|=(?!=)|:(?![=:/\w]))")
"""Assignments as most languages write them."""
_MOST_FILES = 500
_WORDS = {"--running": RUNNING, "--sampling": SAMPLINGS}
"""Options whose values are some words."""


@dataclass(frozen=True)
class Notebook:
    """What the notebook has: the user's names, those that the shell put among them, and the working directory.

    Attributes:
        route: the line of the route to which cells without a magic go; empty when they run here.
        line_magics: names of the shell's line magics.
        sweeps: gives those in the background, by id.
    """

    namespace: Mapping[str, Any] = field(default_factory=dict)
    hidden: Mapping[str, Any] = field(default_factory=dict)
    folder: Path = Path()
    route: str = ""
    line_magics: Container[str] = ()
    sweeps: Callable[[], Mapping[str, Any]] = dict


@dataclass(frozen=True)
class Choices:
    """Words that could stand before the cursor in place of `prefix`, each with its kind."""

    prefix: str
    words: tuple[tuple[str, str], ...] = ()


def line_choices(cell: CellText, cursor: int, notebook: Notebook) -> Choices:
    """The choices at a place of the line.

    Args:
        cell: the cell.
        cursor: position in the line, in characters.
        notebook: names and files.
    """
    words = words_of(cell, cursor)
    current = words.pop() if words and words[-1].start + len(words[-1].raw) == cursor else LineWord(cursor, "", "")
    before, whole = read_line(words, cell.magic), read_cell(cell)
    language = language_of(whole, notebook.folder)
    option, equals, _ = current.raw.partition("=")
    if option.startswith("--") and equals:
        raw = current.raw[len(option) + 1 :]
        return _values(option, LineWord(0, raw, current.text.partition("=")[2]), cell, whole, language, notebook)
    if before.waits and not current.raw.startswith("--"):
        return _values(before.waits, current, cell, whole, language, notebook)
    all_options = SWEEP_OPTIONS if cell.magic == "sweep" else OPTIONS
    options = [(name, "option") for name in all_options if _fits(name, language)]
    if before.route or current.raw.startswith("-"):
        return Choices(current.raw, tuple(options))
    given, comma, prefix = current.raw.rpartition(",") if cell.magic == "sweep" else ("", "", current.raw)
    if comma:
        return Choices(prefix, tuple((name, "route") for name in _more_routes(given.split(","), notebook.folder)))
    routes = [(name, "route") for name in route_names(notebook.folder)]
    return Choices(current.raw, (*routes, *options))


def route_names(folder: Path) -> list[str]:
    """The routes, sorted; none when the configuration is faulty."""
    try:
        return sorted(route_table(load_configuration(folder)))
    except ConfigurationError:
        return []  # the cell itself will say what is wrong


def _more_routes(given: list[str], folder: Path) -> list[str]:
    """Routes that can share a sweep with those that are given: others of the same language."""
    try:
        routes = route_table(load_configuration(folder))
        first = routes.get(given[0])
        languages = {first.language.name} if first is not None else set()
        return sorted(name for name in routes if name not in given and routes[name].language.name in languages)
    except ConfigurationError:
        return []  # the cell itself will say what is wrong


def setting_choices(language: Language, name: str) -> list[str]:
    """The words that a setting can be: those of its help that the language takes, when it does not take any text."""
    if _takes(language, name, "no such choice"):
        return []
    words = dict.fromkeys(re.findall(r"[\w+.-]*[\w+]", language.settings[name]))
    return [word for word in words if _takes(language, name, word)]


def _takes(language: Language, name: str, value: str) -> bool:
    try:
        language.configured({name: value})
    except ConfigurationError:
        return False
    return True


def _fits(option: str, language: Language | None) -> bool:
    if option == "--vectorized":
        return language is None or language.name == "python"
    needed = {"--maple": "syntax", "--sympy": "symbolic"}.get(option)
    return needed is None or language is None or needed in language.settings


def _values(
    option: str, current: LineWord, cell: CellText, line: MagicLine, language: Language | None, notebook: Notebook
) -> Choices:
    if option in ("--in", "--out"):
        given, _, prefix = current.raw.rpartition(",")
        names = _inputs(notebook) if option == "--in" else _outputs(cell.body, language)
        taken = {*given.split(","), *parameters_of(line, notebook.namespace, notebook.folder)}
        return Choices(prefix, tuple((name, "name") for name in names if name not in taken))
    if option == "--with" and language is not None:
        name, equals, prefix = current.raw.partition("=")
        if not equals:
            return Choices(name, tuple((f"{setting}=", "setting") for setting in language.settings))
        if name in language.settings:
            return Choices(prefix, tuple((choice, "value") for choice in setting_choices(language, name)))
    if option in _WORDS:
        return Choices(current.raw, tuple((word, "value") for word in _WORDS[option]))
    if option in ("--files", "--plan-file"):
        return Choices(current.raw, tuple((path, "path") for path in _paths(current, notebook.folder)))
    return _of_sweep(option, current, cell, line, language, notebook)


def _of_sweep(
    option: str, current: LineWord, cell: CellText, line: MagicLine, language: Language | None, notebook: Notebook
) -> Choices:
    """Values of options that speak of a sweep's parameters and outputs."""
    if option == "--frame":
        return Choices(current.raw, tuple((name, "name") for name in frame_names(notebook.namespace)))
    if option == "--where":
        prefix = current.raw[re.search(r"(?:[^\W\d]\w*)?\Z", current.raw).start() :]  # type: ignore[union-attr]
        parameters = parameters_of(line, notebook.namespace, notebook.folder)
        functions = ((name, "function") for name in CONDITION_NAMES if name not in parameters)
        return Choices(prefix, (*((name, "name") for name in parameters), *functions))
    if option in ("--live", "--refine"):
        names = () if "=" in current.raw else line.outputs or _outputs(cell.body, language)
        end = "=" if option == "--refine" else ""
        return Choices(current.raw, tuple((name + end, "name") for name in names))
    return Choices(current.raw)


def _inputs(notebook: Notebook) -> list[str]:
    """Names of values; functions, classes and modules are nothing that one names."""
    kinds = (types.ModuleType, types.FunctionType, types.BuiltinFunctionType, type)
    return sorted(
        name
        for name, value in [*notebook.namespace.items()]  # threads may add to it meanwhile
        if not name.startswith("_")
        and is_users(name, notebook.namespace, notebook.hidden)
        and not issubclass(type(value), kinds)  # not isinstance, which asks the object
    )


def _outputs(body: str, language: Language | None) -> Iterable[str]:
    """Names that the cell assigns, in order."""
    try:
        assigned = language.names(body).assigned if language is not None else ()
    except CellError:
        assigned = ()  # not a complete text
    found = (name for line in body.splitlines() for name in _ASSIGNED.findall(line))
    return assigned or dict.fromkeys(name for name in found if name.isidentifier())


def _paths(current: LineWord, folder: Path) -> list[str]:
    """Files and directories that begin like the word, written as the word is: in its quotes, or escaped."""
    quote = current.raw[:1] if current.raw[:1] in ("'", '"') else ""
    parent, _, begin = current.text.rpartition("/")
    shown = f"{parent}/" if "/" in current.text else ""
    try:
        with os.scandir(folder / shown if shown else folder) as entries:
            found = [
                f"{entry.name}/" if entry.is_dir() else entry.name for entry in entries if entry.name.isprintable()
            ]
    except (OSError, ValueError):
        return []
    wanted = sorted(name for name in found if name.startswith(begin) and (begin or not name.startswith(".")))
    return [_written(shown + name, quote) for name in wanted[:_MOST_FILES]]


def _written(path: str, quote: str) -> str:
    if quote:
        end = "" if path.endswith("/") else quote
        return f"{quote}{path}{end}"
    return re.sub(r"([^\w@%+=:,./-])", r"\\\1", path)
