"""R in batch mode: the main program of a cell."""

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
from .complete import check_complete
from .literals import Literals
from .returned import convert

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["RLanguage"]

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")
_RESERVED = frozenset(
    """
    if else repeat while function for next break in TRUE FALSE NULL Inf NaN NA NA_integer_ NA_real_ NA_complex_
    NA_character_
    """.split()  # noqa: SIM905
)


@dataclass(frozen=True)
class RLanguage(BatchLanguage):
    """R. What a cell draws without opening a device is shown, page by page.

    Attributes:
        figures: the format of pictures, `svg` or `png`.
    """

    figures: str = "svg"

    name: ClassVar[str] = "R"
    suffix: ClassVar[str] = "R"
    requirement: ClassVar[Requirement] = Requirement(("Rscript",), "R (Debian package r-base-core)")
    own_settings: ClassVar[dict[str, str]] = {"figures": "format of pictures, svg or png"}
    editing: ClassVar[Editing] = Editing("r", "r", check_complete, name=r"[A-Za-z.][A-Za-z0-9._]*")

    def configure(self, name: str, value: Any) -> Self:
        """Only `figures`."""
        return replace(self, figures=choice(self.name, name, value, ("svg", "png")))

    def arguments(self) -> tuple[str, ...]:
        """Batch mode, without the user's own start-up files and without a saved workspace."""
        return "--vanilla", self.main_file

    def main(self, request: CellRequest) -> Main:
        """All of ours is in an environment of its own, which the cell, whatever it removes, does not see."""
        literals = Literals()
        # what R reads as native is the route's encoding
        encoding = "UTF-8" if self.encoding == "utf-8" else "unknown"
        lines = [
            "options(warn = 1, keep.source = TRUE)",  # the lines of errors, also in what R compiles by itself
            "local(envir = new.env(parent = .BaseNamespaceEnv), {",
            f'everest_cell <- "{self.cell_file}"; everest_encoding <- "{encoding}"; everest_format <- "{self.figures}"',
            _part("begin.R"),
            "options(device = everest_device)",
        ]
        for name, value in request.inputs.items():
            lines.append(f'everest_set("{_check(name)}", {literals.input(name, value)})')
        names = ", ".join(f'"{_check(name)}"' for name in request.out_named)
        lines += ["everest_run()", _part("end.R")]
        lines += [f'everest_write("{self.written_file}", "{END_MARK}", c({names}))', "})"]
        return Main("\n".join(lines) + "\n", literals.attachments, literals.sizes)

    def reader(self) -> CellStream:
        """Errors are on standard error, each with its line."""
        return ErrorStream.of_pattern(r"(?P<error>Error\b.* \(line \d+ of the cell\))\Z", last=True)

    def read_values(self, content: IO[bytes], back: Returned) -> None:
        """Records; data frames and factors are made of their parts."""
        read_records(content, back)
        convert(back)


def _check(name: str) -> str:
    if not _NAME.match(name) or name in _RESERVED or name.startswith("everest_"):
        raise CellOptionError(f"{name!r} cannot be the name of a variable in R", hint="Nothing was sent.")
    return name


@cache
def _part(name: str) -> str:
    return (files(__package__) / name).read_text("utf-8")
