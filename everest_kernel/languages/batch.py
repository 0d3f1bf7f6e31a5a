"""Languages whose programs run in batch mode: the base for a module that adds one.

A cell becomes three texts: the user's own (`cell_file`), so that its line numbers are the notebook's; a main program
in the language, which takes the values, runs the cell and writes the values that go back; and a driver (a POSIX
shell script, or a batch file of Windows) that brings files to their places, runs the main program, and packs what it
left. A module of one language writes the main program and reads the values; the rest is here.
"""

from __future__ import annotations

import codecs
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import IO, TYPE_CHECKING, Any, ClassVar, final

from ..wire import ConfigurationError
from .archives import ArchivedFile
from .base import CellRequest, CellStream, Located, Names, PlainStream, Program, Returned
from .drivers import DRIVERS, Job, add_facts, read_facts
from .editing import Editing
from .joined import list_archive
from .settings import check_settings, choice
from .streams import DecodedStream

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["BatchLanguage", "Main", "Requirement"]

_COMMON = {
    "program": "the program, such as /opt/bin/NAME",
    "platform": "posix or windows",
    "encoding": "of texts there, such as cp1251",
}


@dataclass(frozen=True)
class Main:
    """The main program of a cell.

    Attributes:
        text: the program.
        attachments: large values, by the names of the files under which the program finds them.
        sizes: bytes that each input value takes.
        preparation: shell lines that run before it, such as those that compile.
        command: the words that run it, when they are not the program with its arguments.
    """

    text: str
    attachments: dict[str, bytes] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    preparation: tuple[str, ...] = ()
    command: tuple[str, ...] = ()


@dataclass(frozen=True)
class Requirement:
    """A program that can run a language.

    Attributes:
        names: of the program, the first found is taken.
        install: what to install to have it, for the message when it is missing.
    """

    names: tuple[str, ...]
    install: str


@dataclass(frozen=True)
class BatchLanguage(ABC):
    """One language. Derive, set the class's attributes, and write `main`, `arguments` and `read_values`.

    Attributes:
        program: the program that runs it, by name or path.
        platform: of the resource: `posix` or `windows`.
        encoding: of texts on the resource.
    """

    program: str = ""
    platform: str = "posix"
    encoding: str = "utf-8"

    name: ClassVar[str]
    suffix: ClassVar[str]
    """Of files in the language, without the dot."""
    requirement: ClassVar[Requirement]
    own_settings: ClassVar[Mapping[str, str]] = {}
    editing: ClassVar[Editing] = Editing()
    repeatable: ClassVar[bool] = True
    values_file: ClassVar[str] = "everest-values"
    written_file: ClassVar[str] = "everest-written"

    # -- what a language says --

    @abstractmethod
    def main(self, request: CellRequest) -> Main:
        """The main program: takes the values, runs the cell, writes values to `written_file`, its last line `END_MARK`.

        Raises:
            ValueRefusedError: an input cannot travel exactly.
            CellOptionError: a name that the language cannot have.
        """

    @abstractmethod
    def arguments(self) -> tuple[str, ...]:
        """The arguments with which the program runs `main_file` in batch mode."""

    @abstractmethod
    def read_values(self, content: IO[bytes], back: Returned) -> None:
        """Read what the main program wrote to `written_file`; its end sets `back.finished`.

        Raises:
            ProtocolError: it is not what such a program writes.
        """

    def configure(self, name: str, value: Any) -> Self:
        """The language with one of its `own_settings`.

        Raises:
            ConfigurationError: a value that the setting cannot have.
        """
        raise NotImplementedError(name)

    def names(self, code: str) -> Names:
        """Nothing: only named values travel."""
        return Names()

    def cell_text(self, code: str) -> str:
        """The user's text as it is staged; its lines must stay where they are."""
        return code

    def reader(self) -> CellStream:
        """A reader for what one run prints, which comes as UTF-8 whatever the resource's encoding: plain text."""
        return PlainStream()

    # -- what all have in common --

    @final
    def stream(self) -> CellStream:
        """The language's `reader`, behind one that decodes."""
        return self.reader() if self.encoding == "utf-8" else DecodedStream(self.reader(), self.encoding)

    @property
    def main_file(self) -> str:
        """The file that holds the main program."""
        return f"everest-main.{self.suffix}"

    @property
    def cell_file(self) -> str:
        """The file that holds the user's text."""
        return f"cell.{self.suffix}"

    @property
    def program_file(self) -> str:
        """The file that holds the driver."""
        return DRIVERS[self.platform].program_file

    @property
    def runs(self) -> str:
        """The program with its arguments."""
        return " ".join((self.program or self.requirement.names[0], *self.arguments()))

    @property
    def command(self) -> str:
        """Runs the driver."""
        return DRIVERS[self.platform].command

    @property
    def fetched_file(self) -> str:
        """The driver packs fetched files into it."""
        return DRIVERS[self.platform].fetched_file

    @property
    def pictures_file(self) -> str:
        """The driver packs files into it that are shown."""
        return DRIVERS[self.platform].pictures_file

    @property
    def settings(self) -> Mapping[str, str]:
        """The common settings and the language's own."""
        return {**_COMMON, **self.own_settings}

    def configured(self, settings: Mapping[str, Any]) -> Self:
        """The language with other settings."""
        changed = self
        for name, value in check_settings(self.name, self.settings, settings).items():
            if name in self.own_settings:
                changed = changed.configure(name, value)
            elif name == "platform":
                changed = replace(changed, platform=choice(self.name, name, value, tuple(DRIVERS)))
            elif name == "encoding":
                changed = replace(changed, encoding=_codec(self.name, value))
            else:
                changed = replace(changed, program=str(value))
        return changed

    def located(self, find: Callable[[str], str | None]) -> Located:
        """The language with the path of the first program that is there."""
        for name in (self.program,) if self.program else self.requirement.names:
            path = find(name)
            if path is not None:
                return Located(replace(self, program=path))
        return Located(self, missing=self.requirement.install)

    def render(self, request: CellRequest) -> Program:
        """The driver with the main program in it, and the cell."""
        main = self.main(request)
        attachments = dict(main.attachments)
        encoded_cell = f"everest-cell.{self.suffix}" if self.encoding != "utf-8" else ""
        if encoded_cell:
            attachments[encoded_cell] = self._encode(self.cell_text(request.code), in_cell=True)
        driver = DRIVERS[self.platform]
        text, more = driver.render(
            Job(
                command=main.command or (self.program or self.requirement.names[0], *self.arguments()),
                main_file=self.main_file,
                main=self._encode(main.text),
                request=request,
                cell_file=self.cell_file,
                encoded_cell=encoded_cell,
                written_file=self.written_file,
                values_file=self.values_file,
                preparation=main.preparation,
                encoding=self.encoding,
            )
        )
        return Program(text, self.cell_text(request.code), {**attachments, **more}, main.sizes)

    def read_back(self, values: IO[bytes] | None) -> Returned:
        """What the driver noted, then the values."""
        back = Returned()
        if values is None:
            back.finished = False
            return back
        facts = read_facts(values)
        self.read_values(values, back)
        add_facts(facts, back)
        return back

    def read_fetched(self, archive: IO[bytes]) -> dict[str, ArchivedFile]:
        """Files from the driver's archive."""
        return list_archive(archive)

    def _encode(self, text: str, *, in_cell: bool = False) -> bytes:
        try:
            return text.encode(self.encoding)
        except UnicodeEncodeError as error:
            wrong = text[error.start : error.end]
            line = text.count("\n", 0, error.start) + 1
            where = f" in line {line} of the cell" if in_cell else ""
            raise ConfigurationError(
                f"{wrong!r}{where} does not exist in the encoding {self.encoding} of the route",
                hint="Leave the character out, or give the route another encoding.",
            ) from error


def _codec(language: str, name: Any) -> str:
    try:
        codecs.getincrementaldecoder(str(name))
        "".encode(str(name))  # some codecs have nothing to do with texts
        return codecs.lookup(str(name)).name
    except LookupError as error:
        raise ConfigurationError(
            f"encoding of {language}: there is no encoding {name!r}", hint="Such as cp1251, or utf-8."
        ) from error
