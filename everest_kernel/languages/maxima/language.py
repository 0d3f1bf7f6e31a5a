"""Maxima in batch mode: the main program of a cell, in Lisp."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import IO, TYPE_CHECKING, Any, ClassVar

from ...wire import CellOptionError
from ..base import CellRequest, CellStream, Display, Returned, Text
from ..batch import BatchLanguage, Main, Requirement
from ..drivers import END_MARK
from ..editing import Editing
from ..records import read_records
from ..settings import choice
from ..streams import ErrorStream
from .complete import check_complete
from .literals import Literals, quoted
from .returned import convert
from .statements import Statement, split

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["MaximaLanguage"]

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")
_RESERVED = frozenset(
    """
    and do else elseif false for from if in inf infinity ind minf next not or step then thru true und unless while
    zeroa zerob
    """.split()  # noqa: SIM905
)
_ERROR = r"(?P<error>error: .* \(line \d+ of the cell\))"


@dataclass(frozen=True)
class MaximaLanguage(BatchLanguage):
    """Maxima. Values of statements that end with `;` are displayed; plots are shown, drawn by gnuplot.

    Attributes:
        display: `2d`, as in a session, or `1d`, as it is typed.
        symbolic: in which form expressions come back: `text` or `sympy`.
    """

    display: str = "2d"
    symbolic: str = "text"

    name: ClassVar[str] = "maxima"
    suffix: ClassVar[str] = "mac"
    requirement: ClassVar[Requirement] = Requirement(("maxima",), "Maxima (Debian packages maxima and gnuplot-nox)")
    own_settings: ClassVar[dict[str, str]] = {
        "display": "2d, or 1d: expressions on one line",
        "symbolic": "form of expressions that come back, text or sympy",
    }
    editing: ClassVar[Editing] = Editing("maxima", "maxima", check=check_complete, name=r"[A-Za-z_%][A-Za-z0-9_%]*")

    @property
    def main_file(self) -> str:
        """The main program is in Lisp."""
        return "everest-main.lisp"

    def configure(self, name: str, value: Any) -> Self:
        """`display` and `symbolic`."""
        if name == "display":
            return replace(self, display=choice(self.name, name, value, ("2d", "1d")))
        return replace(self, symbolic=choice(self.name, name, value, ("text", "sympy")))

    def arguments(self) -> tuple[str, ...]:
        """Batch mode; a file of the user's that starts Maxima is not read: the name given for it is none."""
        return "--very-quiet", "--init=everest-none", f"--batch-lisp={self.main_file}"

    def main(self, request: CellRequest) -> Main:
        """Maxima's own batch mode repeats its input and goes on after an error, so each statement is run by ours."""
        literals = Literals()
        # all numbers with a point: the cell may change the base in which Lisp reads the others
        lines = [
            _part("begin.lisp"),
            _part("end.lisp"),
            f"(setq $display2d {'t' if self.display == '2d' else 'nil'} $errormsg nil)",
        ]
        for name, value in request.inputs.items():
            lines.append(f"(everest-set {quoted(_check(name))} '{literals.input(name, value)})")
        lines += [_run(statement) for statement in split(request.code.replace("\r\n", "\n"))]
        names = " ".join(quoted(_check(name)) for name in request.out_named)
        lines.append(f"(everest-write {quoted(self.written_file)} {quoted(END_MARK)} '({names}))")
        return Main("\n".join([*lines, "($quit)"]) + "\n", {}, literals.sizes)

    def reader(self) -> CellStream:
        """Errors are where the Lisp under Maxima has them: on one of both."""
        return _BothStreams()

    def read_values(self, content: IO[bytes], back: Returned) -> None:
        """Records; matrices, long numbers and expressions are made of their parts."""
        read_records(content, back)
        convert(back, self.symbolic)


class _BothStreams:
    def __init__(self) -> None:
        self._out = ErrorStream.of_pattern(_ERROR, "stdout", last=True)
        self._err = ErrorStream.of_pattern(_ERROR, "stderr", last=True)

    @property
    def error(self) -> str:
        """The report, without the word that is before it."""
        return (self._err.error or self._out.error).removeprefix("error: ")

    def feed(self, stream: str, data: bytes) -> list[Text | Display]:
        """Both look, one shows."""
        self._err.feed(stream, data)
        return self._out.feed(stream, data)

    def close(self) -> list[Text | Display]:
        """Both look at their last lines."""
        self._err.close()
        return self._out.close()


def _run(statement: Statement) -> str:
    if statement.lisp:
        return f"(everest-lisp {statement.line}. {quoted(statement.text)})"
    if statement.open:
        return f"(everest-fail {statement.line}. {quoted(f'a {statement.open} that begins here has no end')})"
    shown = "t" if statement.shown else "nil"
    return f"(everest-statement {statement.line}. {quoted(statement.text)} {shown})"


def _check(name: str) -> str:
    if not _NAME.match(name) or name in _RESERVED or name.startswith("everest_"):
        raise CellOptionError(f"{name!r} cannot be the name of a variable in Maxima", hint="Nothing was sent.")
    return name


@cache
def _part(name: str) -> str:
    return (files(__package__) / name).read_text("utf-8")
