"""What is told of the word under the cursor in a cell that goes elsewhere. The far side is not asked."""

from __future__ import annotations

import re
import reprlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..languages import CellRequest, Language, kind_of
from ..routes import find_route, load_configuration, route_table
from ..wire import ConfigurationError, EverestError
from .cell_text import (
    CellText,
    MagicLine,
    language_of,
    locate,
    locate_lyapunov_line,
    locate_route_line,
    locate_routed,
    read_cell,
    read_line,
    words_of,
)
from .dry_run import fenced
from .header import format_size
from .inputs import is_users, looks_secret
from .line_values import Notebook
from .line_words import LineWord
from .lyapunov_editing import find_system, system_told
from .lyapunov_options import LYAPUNOV_HELP, LYAPUNOV_OPTIONS
from .options import HELP, OPTIONS
from .routing import local_as_python
from .sweep_options import SWEEP_HELP, SWEEP_OPTIONS
from .sweep_parameters import SweepParameter, parameters_of

__all__ = ["PythonInspection", "inspect_cell"]

PythonInspection = Callable[[str, int], dict[str, Any]]
"""IPython's own: an inspect_reply for a Python text and a position in it."""
_OPTIONS = {"remote": OPTIONS, "sweep": SWEEP_OPTIONS, "lyapunov": LYAPUNOV_OPTIONS}
_HELP = {"remote": (HELP,), "sweep": (SWEEP_HELP, HELP), "lyapunov": (LYAPUNOV_HELP, SWEEP_HELP, HELP)}
"""Where options are told, the magic's own text first."""
_SMALL = 200_000
"""Bytes up to which a value is rendered to tell its size."""
_KNOWN = frozenset(["builtins", "datetime", "decimal", "fractions", "numpy", "pandas", "pytz", "sympy", "zoneinfo"])
"""Packages whose values languages take."""


@dataclass(frozen=True)
class _Told:
    """What is told: how the thing is written, what it is, and more; each may be empty."""

    usage: str = ""
    what: str = ""
    more: tuple[str, ...] = ()


def inspect_cell(
    code: str, cursor: int | None, notebook: Notebook, python: PythonInspection, detail: int = 0
) -> dict[str, Any] | None:
    """The content of an inspect_reply, or None when the cursor is where IPython knows better.

    Args:
        code: the cell.
        cursor: position in characters (code points); None for the end.
        notebook: names and files.
        python: tells of a name in the text of a Python cell.
        detail: 1 for more.
    """
    cursor = len(code) if cursor is None else max(0, min(cursor, len(code)))
    cell = locate(code) or locate_routed(code, notebook.route, notebook.line_magics)
    cell = cell or locate_route_line(code, cursor) or locate_lyapunov_line(code, cursor)
    if cell is None or cursor <= cell.line_start:
        text = local_as_python(code)
        return python(text, cursor) if text is not None and cursor > code.index("%%local") + len("%%local") else None
    line = read_cell(cell)
    language = language_of(line, notebook.folder)
    if cursor <= cell.line_start + len(cell.line):
        return _reply(_of_line(cell, cursor - cell.line_start, line, language, notebook, detail), "")
    if language is None:
        return _reply(None, "")
    place = cursor - cell.body_start
    name = language.editing.word_at(cell.body, place)
    if name in line.inputs:
        return _reply(_of_value(name, language, notebook, detail), "")
    parameters = parameters_of(line, notebook.namespace, notebook.folder)
    if name in parameters and not re.search(r"\.\w*\Z", cell.body[:place]):
        return _reply(_of_parameter(parameters[name]), "")
    if language.editing.lexer == "python":
        return python(cell.body, place)
    return _reply(_of_word(name, cell, language, detail), language.editing.lexer)


def _of_word(name: str, cell: CellText, language: Language, detail: int) -> _Told | None:
    word = language.editing.word(name) if name else None
    if word is None:
        return None
    lines = [
        n for n, text in enumerate(cell.body.split("\n"), 1) if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text)
    ]
    used = f"On {'line' if len(lines) == 1 else 'lines'} {', '.join(map(str, lines[:20]))} of the cell."
    more = (*([word.help] if word.help else []), *([used] if detail else []))
    return _Told(word.usage or name, f"{word.kind} of {language.name}", more)


def _of_line(
    cell: CellText, place: int, line: MagicLine, language: Language | None, notebook: Notebook, detail: int
) -> _Told | None:
    words = words_of(cell)
    at = next((n for n, word in enumerate(words) if word.start <= place <= word.start + len(word.raw)), None)
    if at is None:
        return None
    word, before = words[at], read_line(words[:at], cell.magic)
    options = _OPTIONS[cell.magic]
    option, equals, value = word.text.partition("=")
    if option in options and not (equals and place > word.start + len(option)):
        return _of_option(option, cell.magic, detail)
    waits, value = (option, value) if equals and option in options else (before.waits, word.text)
    if not waits:
        if cell.magic != "remote" and word.parameter:
            name = re.split(r"[\[=]", word.parameter)[0]
            own = _own_value(name, line, notebook) if cell.magic == "lyapunov" else ()
            return _of_parameter(parameters_of(line, {}, notebook.folder)[name], own)
        if cell.magic == "lyapunov":
            return _of_system(word.text, notebook, detail)
        route = "" if before.route or word.text.startswith("-") else _route_at(cell, word, place)
        return _of_route(route, notebook.folder, detail) if route else None
    if waits == "--route":
        return _of_route(_route_at(cell, word, place).removeprefix("--route="), notebook.folder, detail)
    if waits == "--in" and language is not None:
        name = next((m.group() for m in re.finditer(r"\w+", word.raw) if m.end() >= place - word.start), "")
        return _of_value(name, language, notebook, detail) if name in line.inputs else None
    if waits == "--with" and language is not None:
        name = value.partition("=")[0]
        if name in language.settings:
            return _Told(f"{name}=…", f"setting of {language.name}", (language.settings[name],))
    if waits == "--frame" and value in notebook.namespace:
        frame = notebook.namespace[value]
        return _Told(value, f"{kind_of(frame)}{_shape(frame)}", ("Its rows are the points of the sweep.",))
    return _of_option(waits, cell.magic, detail) if waits in options else None


def _route_at(cell: CellText, word: LineWord, place: int) -> str:
    """The route at a place of the line: a sweep may name several."""
    if cell.magic == "remote":
        return word.text
    begin = word.raw.rfind(",", 0, place - word.start) + 1
    return word.raw[begin:].partition(",")[0].strip("'\"")


def _of_parameter(parameter: SweepParameter, more: tuple[str, ...] = ()) -> _Told:
    unit = f", in {parameter.unit}" if parameter.unit else ""
    told = (parameter.told,) if parameter.told else ()
    return _Told(parameter.written, f"parameter of the sweep{unit}", (*told, *more))


def _own_value(name: str, line: MagicLine, notebook: Notebook) -> tuple[str, ...]:
    """The system's value of a parameter, in a sentence."""
    system = find_system(line.route, notebook.namespace)
    if system is None or name not in system.defaults:
        return ()
    return (f"The system's own value: {system.defaults[name]:.6g}.",)


def _of_system(name: str, notebook: Notebook, detail: int) -> _Told | None:
    system = find_system(name, notebook.namespace)
    return None if system is None else _Told(*system_told(system, name, detail))


def _of_option(option: str, magic: str, detail: int) -> _Told:
    texts = _HELP[magic]
    pattern = rf"^({re.escape(option)}(?![\w-]).*?)  +(\S.*(?:\n {{16}}.*)*)$"
    found = next((match for text in texts if (match := re.search(pattern, text, re.MULTILINE))), None)
    usage, text = (found[1], " ".join(found[2].split())) if found else (option, "")
    help_text = (texts[0],) if detail else ()
    kind = f"option of {'%' if magic == 'lyapunov' else '%%'}{magic}"
    return _Told(usage, kind, (text[:1].upper() + text[1:] + ".", *help_text))


def _of_route(name: str, folder: Path, detail: int) -> _Told:
    try:
        route = find_route(name, route_table(load_configuration(folder)))
    except ConfigurationError as error:
        return _Told(name, error.message, (error.hint,) if error.hint else ())
    rows = {
        "server": route.server,
        "command": route.command,
        "note": route.note,
        "missing": route.missing,
        "resources": ", ".join(route.resources),
    }
    if detail:
        rows |= {"application": route.application, "time limit": f"{route.time_limit:g} s" if route.time_limit else ""}
        rows |= {f"--with {setting}": text for setting, text in route.language.settings.items()}
    width = max(len(key) for key, text in rows.items() if text)
    table = "\n".join(f"{key:{width}}  {text}" for key, text in rows.items() if text)
    return _Told(name, f"route to {route.language.name}", (table,))


def _of_value(name: str, language: Language, notebook: Notebook, detail: int) -> _Told:
    if not is_users(name, notebook.namespace, notebook.hidden):
        return _Told(name, "not defined here", ("Run the cell that defines it first.",))
    value = notebook.namespace[name]
    size = _rough_size(value)
    more = [_going(name, value, size, language)]
    if detail and size is not None and size <= _SMALL and not looks_secret(name):
        more.append(reprlib.repr(value))
    return _Told(name, f"{kind_of(value)}{_shape(value)}, goes with --in", tuple(more))


def _shape(value: Any) -> str:
    """Type of elements and dimensions of an array or table. Other objects are not asked: their answers may be slow."""
    package = type(value).__module__.partition(".")[0]  # by name: to import numpy takes long when nothing else has
    parts = (["dtype"] if package == "numpy" else []) + (["shape"] if package in ("numpy", "pandas") else [])
    return "".join(f" {part}" for part in (getattr(value, name, ()) for name in parts) if part != ())


def _going(name: str, value: Any, size: int | None, language: Language) -> str:
    """How many bytes the value takes on its way, or why it cannot go."""
    if size is None:
        return "Whether it can go is told when the cell runs."
    if size > _SMALL:
        return f"About {format_size(size)}; how much goes is counted when the cell runs."
    try:
        sizes = language.render(CellRequest(code="", inputs={name: value})).sizes
    except EverestError as error:
        return f"Cannot go: {error.message}"
    return f"{format_size(sizes[name])} as a value of {language.name}." if name in sizes else ""


def _rough_size(value: Any) -> int | None:
    """Bytes of a value, counted only as far as it is small.

    None when it has parts that may not be asked about themselves: that would run code of anybody's.
    """
    total, waiting = 0, [value]
    while waiting and total <= _SMALL:
        part = waiting.pop()
        kind = type(part)
        if kind.__module__.partition(".")[0] not in _KNOWN:
            return None
        total += 8
        if kind in (str, bytes, bytearray):
            total += len(part)
        elif kind is int:
            total += part.bit_length() // 3
        elif kind in (list, tuple, set, frozenset):
            total += 8 * len(part)
            waiting += part if len(part) < _SMALL else []
        elif kind is dict:
            total += 16 * len(part)
            waiting += [*part.keys(), *part.values()] if len(part) < _SMALL else []
        else:
            total += _array_size(part)
    return total


def _array_size(part: Any) -> int:
    package = type(part).__module__.partition(".")[0]
    if package not in ("numpy", "pandas"):
        return 0
    size = getattr(part, "nbytes" if package == "numpy" else "size", 0)
    return (16 if package == "pandas" else 1) * size if isinstance(size, int) else 0


def _reply(told: _Told | None, lexer: str) -> dict[str, Any]:
    if told is None:
        return {"status": "ok", "found": False, "data": {}, "metadata": {}}
    plain = "\n".join([told.usage, told.what, *(f"\n{text}" for text in told.more)])
    blocks = [fenced(told.usage, lexer), told.what]
    blocks += [fenced(text, "") if "\n" in text else text for text in told.more]
    data = {"text/plain": plain, "text/markdown": "\n\n".join(blocks)}
    return {"status": "ok", "found": True, "data": data, "metadata": {}}
