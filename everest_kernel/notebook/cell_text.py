"""Where things stand in the text of a `%%remote` cell, also while it is being typed: nothing here raises."""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path

from ..languages import Language, find_language
from ..routes import load_configuration
from ..wire import ConfigurationError
from .options import WITH_VALUE
from .routing import runs_here

__all__ = [
    "CellText",
    "LineWord",
    "MagicLine",
    "language_of",
    "locate",
    "locate_route_line",
    "locate_routed",
    "read_line",
    "split_line",
]

_OUTER = re.compile(r"\s*%%(?:capture|prun|time|timeit)(?:[ \t][^\n]*)?\n")
"""Magics of IPython's that run their text as a cell, so that a `%%remote` may stand in it."""
_REMOTE = re.compile(r"\s*%%remote(?P<line>[ \t][^\n]*)?(?P<end>\n|\Z)")
_ROUTE_LINE = re.compile(r"^[ \t]*%route(?P<line>[ \t].*)?$", re.MULTILINE)
_SHORT = {"--maple": {"syntax": "maple"}, "--sympy": {"symbolic": "sympy"}}


@dataclass(frozen=True)
class CellText:
    """The parts of a cell.

    Attributes:
        line: what follows `%%remote` on its line.
        line_start: where that begins, in characters.
        body: the text under the line.
        body_start: where that begins.
    """

    line: str
    line_start: int
    body: str
    body_start: int


@dataclass(frozen=True)
class LineWord:
    """A word of the line: where it begins, as it is written, and what it means without quotes."""

    start: int
    raw: str
    text: str


@dataclass(frozen=True)
class MagicLine:
    """What a line says so far.

    Attributes:
        route: empty when none is named.
        inputs: names behind `--in`.
        settings: what `--with` and its short forms set.
        waits: the option whose value comes next; empty when none does.
    """

    route: str = ""
    inputs: tuple[str, ...] = ()
    settings: tuple[tuple[str, str], ...] = ()
    waits: str = ""


def locate(code: str) -> CellText | None:
    """The parts of a `%%remote` cell, or None for any other cell.

    IPython takes the magic on the first line that is not empty, indented or not; so do the magics that run cells.
    """
    begin = 0
    while outer := _OUTER.match(code, begin):
        begin = outer.end()
    found = _REMOTE.match(code, begin)
    if found is None or (found["line"] or "").strip() == "?":
        return None
    line_start = found.end("line") - len(found["line"]) if found["line"] is not None else found.start("end")
    return CellText(found["line"] or "", line_start, code[found.end() :], found.end())


def locate_routed(code: str, route: str, line_magics: Container[str]) -> CellText | None:
    """A cell without a magic as the `%%remote` cell for which it stands, or None when it runs here.

    Its line is not in the text: it ends before the text begins.

    Args:
        code: the cell.
        route: the line of the route that is on; empty for none.
        line_magics: names of the shell's line magics.
    """
    if not route or runs_here(code, line_magics):
        return None
    return CellText(route, -1 - len(route), code, 0)


def locate_route_line(code: str, cursor: int) -> CellText | None:
    """The `%route` line on which the cursor stands; it has no body."""
    for match in _ROUTE_LINE.finditer(code):
        if match["line"] is not None and match.start("line") < cursor <= match.end():
            return CellText(match["line"], match.start("line"), "", len(code) + 1)
    return None


def split_line(line: str) -> list[LineWord]:
    """Words as a shell sees them; a quote that is not closed yet runs to the end."""
    words = []
    for match in re.finditer(r"""(?:\\.|'[^']*(?:'|\Z)|"(?:\\.|[^"\\])*(?:"|\\?\Z)|[^\s'"\\]|\\\Z)+""", line):
        words.append(LineWord(match.start(), match.group(), _unquoted(match.group())))
    return words


def _unquoted(raw: str) -> str:
    def inner(match: re.Match[str]) -> str:
        escaped, single, double = match.groups()
        return escaped or single or re.sub(r'\\([\\"])', r"\1", double or "")

    return re.sub(r"""\\(.)|'([^']*)'?|"((?:\\.|[^"\\])*)"?""", inner, raw)


def read_line(words: list[LineWord]) -> MagicLine:
    """What words say, the last of which may be half typed."""
    route, waits = "", ""
    inputs: list[str] = []
    given: dict[str, str] = {}
    for word in words:
        option, equals, value = word.text.partition("=")
        if waits and not word.text.startswith("--"):
            option, value, waits = waits, word.text, ""
        elif word.text.startswith("-"):
            waits = option if option in WITH_VALUE and not equals else ""
            given |= _SHORT.get(word.text, {})
        else:
            route = route or word.text
            continue
        if option == "--in":
            inputs += [name.strip() for name in value.split(",") if name.strip()]
        elif option == "--with" and "=" in value:
            name, _, setting = value.partition("=")
            given[name.strip()] = setting.strip()
    return MagicLine(route, tuple(inputs), tuple(given.items()), waits)


def language_of(line: MagicLine, folder: Path) -> Language | None:
    """The language of a line's route with the line's settings; None when there is no such route.

    Which program runs it is not looked for: an editor need not know.
    """
    try:
        route = load_configuration(folder).routes.get(line.route)
        language = find_language((route.language if route else "") or line.route)
        if language is not None and route is not None:
            language = language.configured(route.of_language)
    except ConfigurationError:
        return None  # the cell itself will say what is wrong
    if language is None or not line.settings:
        return language
    try:
        return language.configured(dict(line.settings))
    except ConfigurationError:
        return language  # a setting that is half typed
