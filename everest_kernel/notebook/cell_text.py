"""Where things stand in a `%%remote` or `%%sweep` cell or a `%lyapunov` line, while it is typed too: nothing raises."""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path

from ..languages import Language, find_language
from ..routes import load_configuration
from ..wire import ConfigurationError
from .line_words import LineWord, split_line, split_sweep_line
from .lyapunov_options import LYAPUNOV_WITH_VALUE
from .options import WITH_VALUE
from .routing import runs_here
from .sweep_options import SWEEP_WITH_VALUE

__all__ = [
    "CellText",
    "MagicLine",
    "language_of",
    "locate",
    "locate_lyapunov_line",
    "locate_route_line",
    "locate_routed",
    "read_cell",
    "read_line",
    "words_of",
]

_OUTER = re.compile(r"\s*%%(?:capture|prun|time|timeit)(?:[ \t][^\n]*)?\n")
"""Magics of IPython's that run their text as a cell, so that one of ours may stand in it."""
_OURS = re.compile(r"\s*(?P<start>%%)(?P<magic>remote|sweep)(?P<line>[ \t][^\n]*)?(?P<end>\n|\Z)")
_ROUTE_LINE = re.compile(r"^[ \t]*%route(?P<line>[ \t].*)?$", re.MULTILINE)
_LYAPUNOV_LINE = re.compile(r"^[ \t]*(?:%time[ \t]+)?%lyapunov(?P<line>[ \t].*)?$", re.MULTILINE)
_SWEEPS = ("sweep", "lyapunov")
"""Magics whose lines have parameters."""
_WITH_VALUE = {"remote": WITH_VALUE, "sweep": SWEEP_WITH_VALUE, "lyapunov": LYAPUNOV_WITH_VALUE}
_SHORT = {"--maple": {"syntax": "maple"}, "--sympy": {"symbolic": "sympy"}}


@dataclass(frozen=True)
class CellText:
    """The parts of a cell.

    Attributes:
        line: what follows the magic on its line.
        line_start: where that begins, in characters.
        body: the text under the line.
        body_start: where that begins.
        magic: `remote`, `sweep` or `lyapunov`.
        magic_start: where the percent signs of a cell magic begin.
    """

    line: str
    line_start: int
    body: str
    body_start: int
    magic: str = "remote"
    magic_start: int = -1


@dataclass(frozen=True)
class MagicLine:
    """What a line says so far.

    Attributes:
        route: empty when none is named; of a sweep the first one, of `%lyapunov` the system.
        inputs: names behind `--in`.
        outputs: names behind `--out`.
        settings: what `--with` and its short forms set.
        waits: the option whose value comes next; empty when none does.
        parameters: `NAME=VALUES` and `NAME[unit]=VALUES` of a sweep, as they are written.
        values: of other options, each as it was given last.
    """

    route: str = ""
    inputs: tuple[str, ...] = ()
    settings: tuple[tuple[str, str], ...] = ()
    waits: str = ""
    outputs: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()
    values: tuple[tuple[str, str], ...] = ()

    def value(self, option: str) -> str:
        """What was given to an option; empty when nothing was."""
        return dict(self.values).get(option, "")


def locate(code: str) -> CellText | None:
    """The parts of a `%%remote` or `%%sweep` cell, or None for any other cell.

    IPython takes the magic on the first line that is not empty, indented or not; so do the magics that run cells.
    """
    begin = 0
    while outer := _OUTER.match(code, begin):
        begin = outer.end()
    found = _OURS.match(code, begin)
    if found is None or (found["line"] or "").strip() == "?":
        return None
    line, body = found["line"] or "", code[found.end() :]
    return CellText(line, found.end("magic"), body, found.end(), found["magic"], found.start("start"))


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
    return _line_at(_ROUTE_LINE, code, cursor, "remote")


def locate_lyapunov_line(code: str, cursor: int) -> CellText | None:
    """The `%lyapunov` line on which the cursor stands, also behind `%time`; it has no body."""
    return _line_at(_LYAPUNOV_LINE, code, cursor, "lyapunov")


def _line_at(pattern: re.Pattern[str], code: str, cursor: int, magic: str) -> CellText | None:
    for match in pattern.finditer(code):
        if match["line"] is not None and match.start("line") < cursor <= match.end():
            return CellText(match["line"], match.start("line"), "", len(code) + 1, magic)
    return None


def words_of(cell: CellText, end: int | None = None) -> list[LineWord]:
    """The words of a cell's line, up to a place in it."""
    line = cell.line[:end]
    return split_sweep_line(line)[0] if cell.magic in _SWEEPS else split_line(line)


def read_cell(cell: CellText) -> MagicLine:
    """What a cell's line says."""
    return read_line(words_of(cell), cell.magic)


def read_line(words: list[LineWord], magic: str = "remote") -> MagicLine:
    """What words behind a magic say, the last of which may be half typed."""
    with_value = _WITH_VALUE[magic]
    route, waits = "", ""
    names: dict[str, list[str]] = {"--in": [], "--out": []}
    parameters: list[str] = []
    given: dict[str, str] = {}
    values: dict[str, str] = {}
    for word in words:
        option, equals, value = word.text.partition("=")
        if waits and not word.text.startswith("--"):
            option, value, waits = waits, word.text, ""
        elif word.text.startswith("-"):
            waits = option if option in with_value and not equals else ""
            given |= _SHORT.get(word.text, {})
        elif magic in _SWEEPS and word.parameter:
            parameters.append(word.parameter)
            continue
        else:
            route = route or word.text
            continue
        if option in names:
            names[option] += _listed(value)
        elif option == "--with" and "=" in value:
            name, _, setting = value.partition("=")
            given[name.strip()] = setting.strip()
        elif option in with_value:
            values[option] = value
    first = next(iter(_listed(route)), "") if magic == "sweep" else route
    return MagicLine(
        first,
        tuple(names["--in"]),
        tuple(given.items()),
        waits,
        tuple(names["--out"]),
        tuple(parameters),
        tuple(values.items()),
    )


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


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
