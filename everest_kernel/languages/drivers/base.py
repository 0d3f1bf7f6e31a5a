"""What a driver gets, and what it must do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ..base import CellRequest

__all__ = ["END_MARK", "Driver", "Job"]

END_MARK = ". end - 0"
"""The last line of what a main program writes. Programs that exit with 0 after an error are told by its absence."""


@dataclass(frozen=True)
class Job:
    """One run of a main program.

    Attributes:
        command: the program with its arguments.
        main_file: the file that must hold the main program.
        main: its bytes, in the resource's encoding.
        request: the cell with its files.
        cell_file: the file that holds the user's text.
        encoded_cell: the file that holds it in the resource's encoding, to replace the other; or empty.
        written_file: where the main program writes values, and `END_MARK` as the last line.
        values_file: where the driver puts what it notes (see `facts`), followed by what the main program wrote.
        preparation: POSIX shell lines to run before the command, such as those that compile; the command runs only
            when the last of them succeeds.
        encoding: of texts on the resource.
    """

    command: tuple[str, ...]
    main_file: str
    main: bytes
    request: CellRequest
    cell_file: str
    encoded_cell: str
    written_file: str
    values_file: str
    preparation: tuple[str, ...] = ()
    encoding: str = "utf-8"


class Driver(Protocol):
    """Writes the program that an application's command runs.

    That program places files, runs the command with nothing on standard input, packs what is fetched into
    `fetched_file` and new files that are shown into `pictures_file`, writes the values file, and exits with the
    command's status, or with 1 when the command claims success and did not reach its end.
    """

    @property
    def command(self) -> str:
        """The application's command."""

    @property
    def program_file(self) -> str:
        """The file that the command runs."""

    @property
    def fetched_file(self) -> str:
        """The archive of fetched files; `list_archive` reads it."""

    @property
    def pictures_file(self) -> str:
        """The archive of files that are shown, with `notes` of what is not; `read_shown` reads it."""

    def render(self, job: Job) -> tuple[str, dict[str, bytes]]:
        """The program, and files to be staged beside it.

        Raises:
            CellOptionError: something that the platform cannot have, such as a file's name.
        """
