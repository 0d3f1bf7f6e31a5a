"""The Python language."""

from __future__ import annotations

import io
import tokenize
from typing import IO, Any

from ...wire import ProtocolError
from ..archives import ArchivedFile, list_zip
from ..base import CellRequest, CellStream, Display, Names, Program, Returned
from .analyse import find_names
from .program import CELL_FILE, PROGRAM_FILE, render
from .rich_stream import RichStream
from .runner import FETCHED, LAST, VALUES
from .values import Bundle, CannotTravelError

__all__ = ["PythonLanguage"]


class PythonLanguage:
    """Python 3.8 or later on the resource, with nothing of ours installed there."""

    name = "python"
    command = f"python3 {PROGRAM_FILE}"
    program_file = PROGRAM_FILE
    cell_file = CELL_FILE
    values_file = VALUES
    fetched_file = FETCHED

    def names(self, code: str) -> Names:
        """Free and assigned names of the cell; see `analyse`."""
        return find_names(code)

    def render(self, request: CellRequest) -> Program:
        """The cell with its runner; see `program`."""
        return render(request, show_last=not ends_with_semicolon(request.code))

    def stream(self) -> CellStream:
        """Text and displays; see `rich_stream`."""
        return RichStream()

    def read_back(self, values: IO[bytes]) -> Returned:
        """Values, the last line's value, what stayed, and the error, from the bundle that the runner wrote."""
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
