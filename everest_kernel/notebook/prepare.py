"""From a cell's text to what is sent: reads the namespace, finds files, renders the program. Nothing is sent here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..languages import CellRequest, Program
from ..routes import Route
from ..wire import CellError
from .chosen_route import chosen_route
from .inputs import Selection, select
from .local_files import LocalFile, find_files
from .options import RemoteOptions

__all__ = ["Prepared", "prepare"]


@dataclass(frozen=True)
class Prepared:
    """A cell that is ready to be sent.

    Attributes:
        code: the user's text.
        folder: the notebook's; files were found from there, and what comes back is saved there.
    """

    route: Route
    options: RemoteOptions
    selection: Selection
    program: Program
    files: list[LocalFile]
    code: str
    folder: Path

    @property
    def sent(self) -> dict[str, int]:
        """What goes, with sizes."""
        return {**self.program.sizes, **{file.staging.target: file.size for file in self.files}}


def prepare(
    options: RemoteOptions, body: str, namespace: Mapping[str, Any], hidden: Mapping[str, Any], folder: Path
) -> Prepared:
    """Choose values and files, and render the program. Nothing is sent.

    Raises:
        CellError: something about the cell; nothing was submitted.
        ConfigurationError: no such route, or a faulty configuration.
    """
    route = chosen_route(options, folder)
    if not body.strip():
        raise CellError("the cell is empty below its %%remote line", hint="Nothing was sent.")
    selection = select(options, route.language, body, namespace, hidden)
    files = find_files(options.files, folder)
    program = route.language.render(
        CellRequest(
            code=body,
            inputs=selection.inputs,
            out_named=selection.named,
            out_found=selection.found,
            files=tuple(file.staging for file in files),
            fetch=tuple(options.fetch),
        )
    )
    return Prepared(route, options, selection, program, files, body, folder)
