"""Maple in batch mode: the main program of a cell."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from importlib.resources import files
from typing import IO, TYPE_CHECKING, Any, ClassVar

from ...wire import CellOptionError
from ..algebra import MAPLE, Statement, check_complete, read_values, split_statements, symbolic_choice
from ..base import CellRequest, CellStream, Located, Returned
from ..batch import BatchLanguage, Main, Requirement
from ..drivers import END_MARK
from ..editing import Editing
from ..giac import GiacLanguage
from ..settings import choice
from .literals import MapleLiterals
from .names import PROTECTED
from .stream import MapleStream

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["MapleLanguage"]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_INSTALL = "Maple, or Giac, which reads Maple's syntax (Debian package xcas, or `pip install 'everest-kernel[giac]'`)"
_DRAWS = re.compile(r"plot|display|draw|animate|graph", re.IGNORECASE)


@dataclass(frozen=True)
class MapleLanguage(BatchLanguage):
    """Maple 17 and later.

    Attributes:
        symbolic: as what symbolic results come back, `text` or `sympy`.
        plots: the plot device that draws pictures.
    """

    symbolic: str = "text"
    plots: str = "gif"

    name: ClassVar[str] = "maple"
    suffix: ClassVar[str] = "mpl"
    editing: ClassVar[Editing] = Editing("maple", "maple", partial(check_complete, dialect=MAPLE))
    own_settings: ClassVar[Mapping[str, str]] = {
        "symbolic": "text or sympy: as what symbolic results come back",
        "plots": "gif, jpeg, png or svg: Maple's plot device for pictures",
        "syntax": "maple",
    }

    @property
    def requirement(self) -> Requirement:  # type: ignore[override]
        """Under Windows `maple` is not the one for batch mode."""
        return Requirement(("cmaple", "maple") if self.platform == "windows" else ("maple", "cmaple"), _INSTALL)

    def configure(self, name: str, value: Any) -> Self:
        """The form of symbolic results, or the plot device."""
        if name == "syntax":
            choice(self.name, name, value, ("maple",))
            return self
        if name == "plots":
            return replace(self, plots=choice(self.name, name, value, ("gif", "jpeg", "png", "svg")))
        return replace(self, symbolic=symbolic_choice(self.name, value))

    def located(self, find: Callable[[str], str | None]) -> Located:
        """Maple, or else Giac in Maple's syntax."""
        found = super().located(find)
        if not found.missing or self.program:
            return found
        giac = GiacLanguage(encoding=self.encoding, syntax="maple", symbolic=self.symbolic).located(find)
        return found if giac.missing else replace(giac, note="Giac in Maple syntax")

    def arguments(self) -> tuple[str, ...]:
        """Quiet, without the user's own start-up files."""
        return "-s", "-q", self.main_file

    def main(self, request: CellRequest) -> Main:
        """Values, the cell, and values back.

        Raises:
            CellError: brackets or blocks of the cell do not match, for certain.
        """
        literals = MapleLiterals(encoding=self.encoding)
        inputs = []
        for name, value in request.inputs.items():
            inputs += [f'everest_mark("input {_check(name)}"):', f"{name} := {literals.input(name, value)}:"]
        lines = [_part("begin.mpl"), f"everest_digits := Digits: Digits := {literals.digits}:", *inputs]
        lines += ["Digits := everest_digits:", f'read "{self.cell_file}";', _part("end.mpl"), *self._writing(request)]
        lines.append("if everest_done = true then everest_write() end if:")
        return Main("\n".join(lines) + "\n", {}, literals.sizes)

    def _writing(self, request: CellRequest) -> list[str]:
        """A procedure that writes the values."""
        lines = ["everest_write := proc()", "  local everest_file;"]
        lines.append(f"  everest_file := fopen(\"{self.written_file}\", 'WRITE');")
        for name in request.out_named:
            lines.append(f'  everest_mark("output {_check(name)}");')
            lines.append(f'  everest_put(everest_file, "{name}", [eval({name})]);')
        lines.append(f'  fprintf(everest_file, "%s\\n", "{END_MARK}");')
        return [*lines, "  fclose(everest_file);", '  everest_mark("end")', "end proc:"]

    def cell_text(self, code: str) -> str:
        """The statements, each behind a mark that says its line, and a sign that all have run.

        Raises:
            CellError: brackets or blocks do not match, for certain.
        """
        pieces, place = list[str](), 0
        statements = split_statements(code, MAPLE)
        for statement in statements:
            pieces += [code[place : statement.start], self._mark(statement)]
            place = statement.start
            if statement.words[0] == "restart":  # the cell begins afresh anyway, and its inputs would be lost
                pieces.append("NULL")
                place += len("restart")
        end = statements[-1].tokens[-1] if statements else None
        if end is not None and not statements[-1].ended:
            pieces += [code[place : end.start + len(end.text)], ";"]
            place = end.start + len(end.text)
        return "".join([*pieces, code[place:].rstrip("\n"), "\neverest_done := true:\n"])

    def _mark(self, statement: Statement) -> str:
        if any(_DRAWS.search(word) for word in statement.words):
            return f'everest_draw({statement.line}, "{self.plots}"): '
        return f"everest_at({statement.line}): "

    def reader(self) -> CellStream:
        """Output and errors."""
        return MapleStream()

    def read_values(self, content: IO[bytes], back: Returned) -> None:
        """Expressions."""
        read_values(content, back, self.symbolic, frozenset("I"), self.encoding)


def _check(name: str) -> str:
    if not _NAME.match(name) or name in PROTECTED or name.startswith("everest_"):
        raise CellOptionError(f"{name!r} cannot be the name of a variable in Maple", hint="Nothing was sent.")
    return name


@cache
def _part(name: str) -> str:
    return (files(__package__) / name).read_text("utf-8").rstrip("\n")
