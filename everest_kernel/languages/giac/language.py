"""Giac in batch mode, in its own syntax or in Maple's: the main program of a cell."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from importlib.resources import files
from typing import IO, TYPE_CHECKING, Any, ClassVar

from ...wire import CellOptionError
from ..algebra import (
    GIAC,
    MAPLE_IN_GIAC,
    MAPLE_KEYWORDS,
    Dialect,
    Statement,
    check_complete,
    read_values,
    split_statements,
    symbolic_choice,
)
from ..base import CellRequest, CellStream, Located, Returned
from ..batch import BatchLanguage, Main, Requirement
from ..drivers import END_MARK
from ..editing import Editing
from ..settings import choice
from .literals import GiacLiterals, quote
from .rewriting import rewrite, shows_nothing
from .stream import GiacStream
from .wheel import giac_of_wheel

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["GiacLanguage"]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_TYPED = re.compile(r"_[dfilsv]\Z")
_DRAWS = re.compile(r"plot|draw|graph|display|point|segment|line|circle|polygon|triangle|square|curve", re.IGNORECASE)
_ASSIGNED = re.compile(r"[^\W\d]\w*\Z")


_EDITING = {
    "giac": Editing("text", "giac", partial(check_complete, dialect=GIAC)),
    "maple": Editing("maple", "maple", partial(check_complete, dialect=MAPLE_IN_GIAC)),
}


@dataclass(frozen=True)
class GiacLanguage(BatchLanguage):
    """Giac.

    Attributes:
        syntax: in which cells are written, `giac` or `maple`.
        symbolic: as what symbolic results come back, `text` or `sympy`.
    """

    syntax: str = "giac"
    symbolic: str = "text"

    name: ClassVar[str] = "giac"
    suffix: ClassVar[str] = "giac"
    requirement: ClassVar[Requirement] = Requirement(
        ("giac", "icas"), "Giac (Debian package xcas, or `pip install 'everest-kernel[giac]'`)"
    )
    own_settings: ClassVar[Mapping[str, str]] = {
        "syntax": "giac or maple: in which cells are written",
        "symbolic": "text or sympy: as what symbolic results come back",
    }

    @property
    def dialect(self) -> Dialect:
        """How cells are divided into statements."""
        return MAPLE_IN_GIAC if self.syntax == "maple" else GIAC

    @property
    def editing(self) -> Editing:  # type: ignore[override]
        """As the syntax has it."""
        return _EDITING[self.syntax]

    def configure(self, name: str, value: Any) -> Self:
        """The syntax, or the form of symbolic results."""
        if name == "syntax":
            return replace(self, syntax=choice(self.name, name, value, ("giac", "maple")))
        return replace(self, symbolic=symbolic_choice(self.name, value))

    def located(self, find: Callable[[str], str | None]) -> Located:
        """Giac as the system has it; else the one that a wheel brings."""
        found = super().located(find)
        if found.missing and not self.program and (path := giac_of_wheel()) is not None:
            return Located(replace(self, program=path))
        return found

    def arguments(self) -> tuple[str, ...]:
        """A file to be evaluated."""
        return (self.main_file,)

    def main(self, request: CellRequest) -> Main:
        """Values, the cell statement by statement, and values back.

        Raises:
            CellError: brackets or blocks of the cell do not match, for certain.
        """
        literals = GiacLiterals(maple=self.syntax == "maple", encoding=self.encoding)
        lines = [_begin()]
        if self.syntax == "maple":
            lines.append('expr("xcas_mode(1)"):;')
        for name, value in request.inputs.items():
            text = f"{_check(name, self.syntax, an_input=True)}:={literals.input(name, value)}"
            lines.append(_guarded(f"input {name}", f"expr({quote(text)})"))
        lines += [self._statement(statement) for statement in split_statements(request.code, self.dialect)]
        lines.append("if (everest_ok) { everest_ok:=0; scientific_format(3); Digits:=13; everest_ok:=1; };")
        lines.append(f'everest_file:=fopen("{self.written_file}"):;')
        for name in request.out_named:
            put = f'fprint(everest_file,Unquoted,"{_check(name, self.syntax)} ",string([expr("{name}")]),char(10))'
            lines.append(_guarded(f"output {name}", put))
        lines.append(f'if (everest_ok) {{ fprint(everest_file,Unquoted,"{END_MARK}",char(10)); }};')
        lines.append("fclose(everest_file):;")
        return Main("\n".join(lines) + "\n", {}, literals.sizes)

    def _statement(self, statement: Statement) -> str:
        words = statement.words
        if words in (["restart"], ["restart", "(", ")"]):  # the cell begins afresh anyway, and its inputs would be lost
            return ""
        text = quote(f"{rewrite(statement, self.encoding, maple=self.syntax == 'maple')};")
        if statement.silent or shows_nothing(statement):
            return _guarded(f"line {statement.line}", f"everest_check([expr({text})])")
        assigned = self.syntax == "maple" and words[1:2] == [":="] and _ASSIGNED.match(words[0])
        prefix = f'everest_prefix:="{words[0]} := "' if assigned else 'everest_prefix:=""'
        return _guarded(f"line {statement.line}", f"{prefix}; {_shows(words, text)}")

    def reader(self) -> CellStream:
        """Output and errors, without Giac's notices."""
        return GiacStream()

    def read_values(self, content: IO[bytes], back: Returned) -> None:
        """Expressions."""
        read_values(content, back, self.symbolic, frozenset("iI"), self.encoding)


def _shows(words: list[str], text: str) -> str:
    """Evaluates a statement and shows its result; a plot is not handed on, for it would not outlive that."""
    if any(_DRAWS.search(word) for word in words):
        return f"everest_kept:=[expr({text})]; everest_draw(string(evalf(everest_kept)))"
    return f"everest_show([expr({text})])"


def _guarded(place: str, action: str) -> str:
    """Statements that run unless an error came before, which is told by its leaving `everest_ok` zero."""
    return f'if (everest_ok) {{ everest_ok:=0; print("// everest {place}"); {action}; everest_ok:=1; }};'


def _check(name: str, syntax: str, *, an_input: bool = False) -> str:
    if not _NAME.match(name) or name in protected_names(syntax) or name.startswith("everest_"):
        raise CellOptionError(f"{name!r} cannot be the name of a variable in Giac", hint="Nothing was sent.")
    if an_input and _TYPED.search(name):
        why = "Giac takes what follows the underscore for a type, and would convert the value. Nothing was sent."
        raise CellOptionError(f"{name!r} cannot be the name of an input in Giac", hint=why)
    return name


@cache
def protected_names(syntax: str) -> frozenset[str]:
    """Names that Giac has for itself: in both syntaxes, only in its own, only in Maple's; asked of Giac 1.9."""
    both, own, maple = (files(__package__) / "names.txt").read_text("utf-8").split("\n\n")
    return MAPLE_KEYWORDS | frozenset(f"{both} {maple if syntax == 'maple' else own}".split())


@cache
def _begin() -> str:
    return (files(__package__) / "begin.giac").read_text("utf-8").rstrip("\n")
