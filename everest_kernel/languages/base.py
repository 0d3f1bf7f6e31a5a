"""What a language must be able to do, and what goes to and comes back from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import IO, Any, Protocol

from .archives import ArchivedFile
from .editing import Editing

__all__ = [
    "CellRequest",
    "CellStream",
    "Display",
    "Language",
    "Located",
    "Names",
    "PlainStream",
    "Program",
    "Returned",
    "StagedFile",
    "Text",
]

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
class Text:
    """Bytes for `stdout` or `stderr`."""

    stream: str
    data: bytes


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
        finished: whether the program reached its end; only that tells success where a program always exits with 0.
    """

    values: dict[str, Any] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    last: Any = None
    has_last: bool = False
    display: Display | None = None
    left: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    error: str = ""
    finished: bool = True


class CellStream(Protocol):
    """Reads what a program prints, in whatever pieces it arrives: text, displays, and what it says of an error."""

    def feed(self, stream: str, data: bytes) -> list[Text | Display]:
        """Take the next bytes of `stdout` or `stderr`; give what is to be shown."""

    def close(self) -> list[Text | Display]:
        """The end of the output."""

    @property
    def error(self) -> str:
        """One line about the error that the program reported, with the line number in the cell; empty if none."""


class PlainStream:
    """Output that is text and nothing else."""

    error = ""

    def feed(self, stream: str, data: bytes) -> list[Text | Display]:
        """The bytes as they are."""
        return [Text(stream, data)] if data else []

    def close(self) -> list[Text | Display]:
        """Nothing is held back."""
        return []


@dataclass(frozen=True)
class Located:
    """A language with the program that this machine has for it.

    Attributes:
        language: names the program by its path.
        note: for the header line, when the program is not the one that the route's name promises.
        missing: what to install when there is none; empty otherwise.
    """

    language: Language
    note: str = ""
    missing: str = ""


class Language(Protocol):
    """One language with its settings. Implementations are immutable."""

    @property
    def name(self) -> str:
        """As routes name it."""

    @property
    def command(self) -> str:
        """Default command line; it runs `program_file` in the task's directory."""

    @property
    def runs(self) -> str:
        """What runs the cell in the end, for people to read; `command` may run it through a script."""

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

    @property
    def pictures_file(self) -> str:
        """The archive in which files come back that are shown: pictures, pages and tables; empty when there is none."""

    @property
    def repeatable(self) -> bool:
        """Whether the same cell with the same inputs has the same result, as far as one can tell of a language.

        False for those whose cells are there for their effects; a route can say otherwise.
        """

    @property
    def settings(self) -> Mapping[str, str]:
        """What a route or a cell can set, with one line of help for each."""

    @property
    def editing(self) -> Editing:
        """What an editor needs to know of the language."""

    def configured(self, settings: Mapping[str, Any]) -> Language:
        """The language with other settings.

        Raises:
            ConfigurationError: a setting that it does not have, or a value that the setting cannot have.
        """

    def located(self, find: Callable[[str], str | None]) -> Located:
        """The language as this machine can run it.

        Args:
            find: gives the path of a program by its name, as `shutil.which` does.
        """

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
        """A reader for what one run prints."""

    def read_back(self, values: IO[bytes] | None) -> Returned:
        """Read the values file; None when the program left none.

        Raises:
            ProtocolError: the file is not what a program of this language writes.
        """

    def read_fetched(self, archive: IO[bytes]) -> dict[str, ArchivedFile]:
        """Paths (relative, checked) to the fetched files, which are read from the archive when they are asked for.

        Raises:
            ProtocolError: malformed, or with a path that leaves its folder.
        """
