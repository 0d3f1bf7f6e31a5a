"""What a language must be able to do, and what goes to and comes back from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import IO, Any, Protocol

from .archives import ArchivedFile

__all__ = ["CellRequest", "CellStream", "Display", "Language", "Names", "Program", "Returned", "StagedFile"]

VALUE_LIMIT = 10_000_000
"""Bytes above which a value goes or comes only when it was named."""


@dataclass(frozen=True)
class Display:
    """One display: the content of a Jupyter display_data message, and whether it replaces an earlier one."""

    data: dict[str, Any]
    metadata: dict[str, Any] = field(default_factory=dict)
    transient: dict[str, Any] = field(default_factory=dict)
    update: bool = False


@dataclass(frozen=True)
class Names:
    """Names found in a cell's text.

    Attributes:
        free: used before the cell assigns them for certain, in order of appearance.
        maybe_free: used, but perhaps assigned before (in a branch, or in a function that runs later).
        assigned: assigned at top level, in order of appearance.
    """

    free: tuple[str, ...] = ()
    maybe_free: tuple[str, ...] = ()
    assigned: tuple[str, ...] = ()


@dataclass(frozen=True)
class StagedFile:
    """A file for the cell: under which name it is staged, and where the cell expects it."""

    staged: str
    target: str


@dataclass(frozen=True)
class CellRequest:
    """One cell, ready to be rendered.

    Attributes:
        code: the text under the magic line.
        inputs: values by name.
        out_named: outputs that `--out` names; each must come back.
        out_found: outputs found in the code; what cannot travel is left there.
        files: files that the cell expects.
        fetch: patterns of files to bring back.
    """

    code: str
    inputs: dict[str, Any] = field(default_factory=dict)
    out_named: tuple[str, ...] = ()
    out_found: tuple[str, ...] = ()
    files: tuple[StagedFile, ...] = ()
    fetch: tuple[str, ...] = ()


@dataclass(frozen=True)
class Program:
    """A rendered cell.

    Attributes:
        text: the program that the application's command runs.
        cell: the user's own text, staged beside it so that its line numbers are the notebook's.
        attachments: large values, by the name under which each is to be staged.
        sizes: bytes that each input value takes.
    """

    text: str
    cell: str
    attachments: dict[str, bytes] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)


@dataclass
class Returned:
    """What came back.

    Attributes:
        values: by name.
        sizes: bytes each took.
        last: the value of the cell's last line, when there is one (`has_last`).
        display: the same as a display, when it could not travel as a value.
        left: names that stayed there, with their types.
        problems: sentences about outputs that were asked for and did not come.
        error: one line about what the cell raised, with the line number in the cell.
    """

    values: dict[str, Any] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    last: Any = None
    has_last: bool = False
    display: Display | None = None
    left: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    error: str = ""


class CellStream(Protocol):
    """Splits a program's standard output into text and displays, in whatever pieces it arrives."""

    def feed(self, data: bytes) -> list[bytes | Display]:
        """Take the next bytes."""

    def close(self) -> list[bytes | Display]:
        """The end of the output."""


class Language(Protocol):
    """One language. Implementations hold no state."""

    @property
    def name(self) -> str:
        """As routes name it."""

    @property
    def command(self) -> str:
        """Default command line; it runs `program_file` in the task's directory."""

    @property
    def program_file(self) -> str:
        """The file that holds `Program.text`."""

    @property
    def cell_file(self) -> str:
        """The file that holds `Program.cell`."""

    @property
    def values_file(self) -> str:
        """The file in which values come back."""

    @property
    def fetched_file(self) -> str:
        """The archive in which fetched files come back."""

    def names(self, code: str) -> Names:
        """Inputs and outputs as far as the code shows them; empty where only named ones travel.

        Raises:
            CellError: the code is not of this language.
        """

    def render(self, request: CellRequest) -> Program:
        """The program for a cell.

        Raises:
            ValueRefusedError: an input cannot travel exactly.
            CellOptionError: a name that the language cannot have.
        """

    def stream(self) -> CellStream:
        """A splitter for standard output."""

    def read_back(self, values: IO[bytes]) -> Returned:
        """Read the values file.

        Raises:
            ProtocolError: the file is not what a program of this language writes.
        """

    def read_fetched(self, archive: IO[bytes]) -> dict[str, ArchivedFile]:
        """Paths (relative, checked) to the fetched files, which are read from the archive when they are asked for.

        Raises:
            ProtocolError: malformed, or with a path that leaves its folder.
        """
