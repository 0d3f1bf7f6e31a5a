"""C++: a cell is compiled on the resource, and its program runs there."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import IO, TYPE_CHECKING, Any, ClassVar

from ...wire import ConfigurationError
from ..base import CellRequest, CellStream, Returned
from ..batch import BatchLanguage, Main, Requirement
from ..editing import Editing
from ..records import read_records
from ..settings import choice, words
from .build import RUN, compile_lines
from .diagnostics import error_stream
from .names import check_name
from .pieces import Pieces, split
from .program import unit
from .scanner import check_complete
from .values import Values

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["CppLanguage"]

STANDARDS = tuple(f"{kind}++{year}" for kind in ("c", "gnu") for year in ("17", "20", "23", "26", "2a", "2b", "2c"))


@dataclass(frozen=True)
class CppLanguage(BatchLanguage):
    """C++ with g++ or clang++.

    Attributes:
        standard: of the language.
        flags: for the compiler.
        include: folders of headers.
        libraries: names of libraries, or flags such as `-L/opt/lib`.
    """

    standard: str = "c++17"
    flags: tuple[str, ...] = ("-O2",)
    include: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()

    name: ClassVar[str] = "cpp"
    suffix: ClassVar[str] = "cpp"
    requirement: ClassVar[Requirement] = Requirement(
        ("g++", "clang++", "c++"), "a C++ compiler (Debian package g++)"
    )  # fmt: skip
    editing: ClassVar[Editing] = Editing("cpp", "cpp", check=check_complete)
    own_settings: ClassVar[Mapping[str, str]] = {
        "standard": "of the language, from c++17 on; c++17 by default",
        "flags": 'for the compiler, "-O2" by default',
        "include": "folders of headers",
        "libraries": 'names of libraries, such as ["curl", "-L/opt/lib"]',
    }

    def arguments(self) -> tuple[str, ...]:
        """What the compiler is called with."""
        return f"-std={self.standard}", *self.flags, self.cell_file

    def configure(self, name: str, value: Any) -> Self:
        """The language with one of its settings."""
        if name == "standard":
            return replace(self, standard=choice(self.name, name, value, STANDARDS))
        items = words(self.name, name, value)
        if name == "include":
            return replace(self, include=items)
        if name == "libraries":
            return replace(self, libraries=items)
        try:
            return replace(self, flags=tuple(flag for item in items for flag in shlex.split(item)))
        except ValueError as error:
            raise ConfigurationError(f"flags of {self.name}: {error}") from error

    def main(self, request: CellRequest) -> Main:
        """The cell's unit, and the lines that compile it."""
        if self.platform != "posix":
            raise ConfigurationError(
                f"{self.name} cells run on POSIX systems only",
                hint='Leave platform out, or run the compiler in a cell of the route "cmd".',
            )
        values = Values(self.encoding)
        for name in sorted(request.inputs):  # in whatever order they are named, the program is the same
            values.add(check_name(name), request.inputs[name])
        outputs = [check_name(name) for name in request.out_named]
        pieces = self.pieces(request.code)
        return Main(
            unit(pieces, self.cell_file, values.declarations, outputs),
            values.attachments,
            values.sizes,
            preparation=tuple(self._prepare(pieces, request, values.lines)),
            command=RUN,
        )

    def _prepare(self, pieces: Pieces, request: CellRequest, inputs: list[str]) -> list[str]:
        flags, libraries = self.compiler_words(), self.linker_flags(request)
        where = " outside of its functions" if pieces.has_main else ""
        lines = compile_lines(self.program, flags, libraries, inputs, self.cell_file, where)
        # the compiler's quotation marks are of UTF-8 or of ASCII, so that what it says has one encoding with the cell
        locale = f"everest_locale={'C.UTF-8' if self.encoding == 'utf-8' else 'C'}"
        return [*lines, locale, *self.before_compiling(request), "everest_build"]

    def pieces(self, code: str) -> Pieces:
        """The parts of a cell."""
        return split(code)

    def before_compiling(self, request: CellRequest) -> list[str]:
        """Shell lines."""
        return []

    def compiler_words(self) -> str:
        """The compiler's flags, as the shell takes them."""
        own = [] if self.encoding == "utf-8" else ['-DEVEREST_TEXTS="bytes"']
        folders = [f"-I{folder}" for folder in self.include]
        return shlex.join([f"-std={self.standard}", *self.flags, *folders, "-pthread", *own])

    def linker_flags(self, request: CellRequest) -> list[str]:
        """The libraries."""
        return [name if re.match(r"-|.*[/.]", name) else f"-l{name}" for name in self.libraries]

    def reader(self) -> CellStream:
        """The compiler's errors, and those of the program."""
        return error_stream(self.cell_file)

    def read_values(self, content: IO[bytes], back: Returned) -> None:
        """Records; texts are in the encoding of the resource."""
        read_records(content, back)
        if self.encoding == "utf-8":
            return
        for name, value in list(back.values.items()):
            try:
                back.values[name] = _decoded(value, self.encoding)
            except UnicodeDecodeError as error:
                del back.values[name]
                back.problems.append(f"{name}: its text is not in the encoding {self.encoding}: {error.reason}")


def _decoded(value: Any, encoding: str) -> Any:
    if isinstance(value, bytes):
        return value.decode(encoding)
    if isinstance(value, list):
        return [_decoded(item, encoding) for item in value]
    if isinstance(value, dict):
        return {name: _decoded(item, encoding) for name, item in value.items()}
    return value
