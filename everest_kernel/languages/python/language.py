"""The Python language."""

from __future__ import annotations

import io
import shlex
import sys
import tokenize
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import IO, Any, ClassVar

from ...wire import ProtocolError
from ..archives import ArchivedFile, list_zip
from ..base import CellRequest, CellStream, Display, Located, Names, Program, Returned
from ..editing import Editing
from ..settings import check_settings
from .analyse import find_names
from .completeness import check
from .new_files import SHOWN
from .program import CELL_FILE, PROGRAM_FILE, render
from .rich_stream import RichStream
from .runner import FETCHED, LAST, VALUES
from .values import Bundle, CannotTravelError

__all__ = ["PythonLanguage"]


@dataclass(frozen=True)
class PythonLanguage:
    """Python 3.8 or later on the resource, with nothing of ours installed there."""

    interpreter: str = "python3"

    name = "python"
    program_file = PROGRAM_FILE
    cell_file = CELL_FILE
    values_file = VALUES
    fetched_file = FETCHED
    repeatable = True
    pictures_file = SHOWN  # of files; displays travel in the output
    settings: ClassVar[Mapping[str, str]] = {"program": "the interpreter, such as /opt/python/bin/python3"}
    editing: ClassVar[Editing] = Editing("python", check=check)  # the kernel knows more of it than a table

    @property
    def command(self) -> str:
        """The interpreter with the program."""
        return shlex.join([self.interpreter, PROGRAM_FILE])

    @property
    def runs(self) -> str:
        """The interpreter."""
        return self.interpreter

    def configured(self, settings: Mapping[str, Any]) -> PythonLanguage:
        """With another interpreter."""
        checked = check_settings(self.name, self.settings, settings)
        return PythonLanguage(str(checked["program"])) if "program" in checked else self

    def located(self, find: Callable[[str], str | None]) -> Located:
        """The notebook's own interpreter, so that a cell finds the packages that plain cells find."""
        return Located(self if self.interpreter != PythonLanguage.interpreter else PythonLanguage(sys.executable))

    def names(self, code: str) -> Names:
        """Free and assigned names of the cell; see `analyse`."""
        return find_names(code)

    def render(self, request: CellRequest) -> Program:
        """The cell with its runner; see `program`."""
        return render(request, show_last=not ends_with_semicolon(request.code))

    def stream(self) -> CellStream:
        """Text and displays; see `rich_stream`."""
        return RichStream()

    def read_back(self, values: IO[bytes] | None) -> Returned:
        """Values, the last line's value, what stayed, and the error, from the bundle that the runner wrote."""
        if values is None:
            return Returned()
        try:
            bundle = Bundle(values)
            back = Returned()
            for name in bundle.names:
                self._read_value(bundle, name, back)
            _read_report(bundle.extra, back)
        except (CannotTravelError, AttributeError, KeyError, TypeError, ValueError) as error:
            raise ProtocolError(f"what the program sent back cannot be read: {error}") from error
        return back

    def read_fetched(self, archive: IO[bytes]) -> dict[str, ArchivedFile]:
        """Files from the runner's ZIP archive."""
        return list_zip(archive)

    def _read_value(self, bundle: Bundle, name: str, back: Returned) -> None:
        try:
            value = bundle.value(name)
        except CannotTravelError as error:
            back.problems.append(f"{'the last value' if name == LAST else name}: {error}")
            return
        if name == LAST:
            back.last, back.has_last = value, True
        else:
            back.values[name] = value
            back.sizes[name] = bundle.size(name)


def _read_report(report: dict[str, Any], back: Returned) -> None:
    back.left = {str(name): str(kind) for name, kind in report.get("left", {}).items()}
    back.problems += [f"{name}: {why}" for name, why in report.get("refused", {}).items()]
    for name, size in report.get("too_large", {}).items():
        back.problems.append(f"{name} has {int(size):,} bytes; name it with --out {name} to bring it back")
    back.problems += [f"no file matches --fetch {pattern!r}" for pattern in report.get("unmatched", [])]
    if "last" in report:
        back.display = Display(dict(report["last"]["data"]), dict(report["last"]["metadata"]))
    error = report.get("error")
    if error:
        where = f" (line {int(error['line'])} of the cell)" if error["line"] else ""
        back.error = f"{error['ename']}: {error['evalue']}{where}"


def ends_with_semicolon(code: str) -> bool:
    """Whether the last token is a semicolon, which in a notebook keeps a value from being shown."""
    last = ""
    try:
        for token in tokenize.generate_tokens(io.StringIO(code).readline):
            if token.type not in _LAYOUT:
                last = token.string
    except (tokenize.TokenError, SyntaxError):
        return False
    return last == ";"


_LAYOUT = frozenset(
    [tokenize.NL, tokenize.NEWLINE, tokenize.COMMENT, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER]
)
