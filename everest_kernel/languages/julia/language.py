"""Julia in batch mode: the main program of a cell."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import IO, TYPE_CHECKING, Any, ClassVar

from ...wire import CellOptionError
from ..base import CellRequest, CellStream, Returned
from ..batch import BatchLanguage, Main, Requirement
from ..drivers import END_MARK
from ..editing import Editing
from ..records import read_records
from ..settings import choice
from ..streams import ErrorStream
from .complete import check_complete, ends_quietly
from .literals import Literals
from .returned import convert

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["JuliaLanguage"]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_RESERVED = frozenset(
    """
    baremodule begin break catch const continue do else elseif end export false finally for function global if import
    in isa let local macro module quote return struct true try using where while ccall Main Base Core
    """.split()  # noqa: SIM905
)


@dataclass(frozen=True)
class JuliaLanguage(BatchLanguage):
    """Julia 1.6 or later. The value of the last line is shown, as a picture where it can be one, unless `;` ends it.

    Attributes:
        figures: the format of pictures that is taken where a value has several, `svg` or `png`.
    """

    figures: str = "svg"

    name: ClassVar[str] = "julia"
    suffix: ClassVar[str] = "jl"
    requirement: ClassVar[Requirement] = Requirement(("julia",), "Julia 1.6 or later (julialang.org)")
    own_settings: ClassVar[dict[str, str]] = {"figures": "format of pictures where a value has several, svg or png"}
    editing: ClassVar[Editing] = Editing("julia", "julia", check=check_complete, name=r"[^\W\d]\w*!?")

    @property
    def cell_file(self) -> str:
        """By this name errors are found to be in the cell, and not in another file that is called so."""
        return "everest_cell.jl"

    def configure(self, name: str, value: Any) -> Self:
        """Only `figures`."""
        return replace(self, figures=choice(self.name, name, value, ("svg", "png")))

    def arguments(self) -> tuple[str, ...]:
        """Batch mode, without the user's own start-up file and without colours."""
        return "--startup-file=no", "--history-file=no", "--color=no", self.main_file

    def main(self, request: CellRequest) -> Main:
        """Values, the cell, statement by statement, and values back."""
        literals = Literals()
        lines = [_part("begin.jl"), f'everest_cell.preferred[] = "{self.figures}"']
        for name, value in request.inputs.items():
            lines.append(f"{_check(name)} = {literals.input(name, value)}")
        names = ", ".join(f'"{_check(name)}"' for name in request.out_named)
        shown = "false" if ends_quietly(request.code) else "true"
        lines += [f"everest_cell.run({shown})", _part("end.jl")]
        lines.append(f'everest_values.finish("{self.written_file}", "{END_MARK}", String[{names}])')
        return Main("\n".join(lines) + "\n", literals.attachments, literals.sizes)

    def reader(self) -> CellStream:
        """Errors are on standard error, each with its line."""
        return ErrorStream.of_pattern(r"error: (?P<error>.* \(line \d+ of the cell\))", last=True)

    def read_values(self, content: IO[bytes], back: Returned) -> None:
        """Records; tuples and dictionaries are made of their parts."""
        read_records(content, back)
        convert(back)


def _check(name: str) -> str:
    if not _NAME.match(name) or name in _RESERVED or name.startswith("everest_") or set(name) == {"_"}:
        raise CellOptionError(f"{name!r} cannot be the name of a variable in Julia", hint="Nothing was sent.")
    return name


@cache
def _part(name: str) -> str:
    return (files(__package__) / name).read_text("utf-8")
