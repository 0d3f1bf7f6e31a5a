"""From a cell's text to what is sent: reads the namespace, finds files, renders the program. Nothing is sent here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..languages import CellRequest, Program
from ..routes import Route, find_route, load_configuration, route_table
from ..wire import CellError, CellOptionError, ConfigurationError
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
    route = _route(options, folder)
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


def _route(options: RemoteOptions, folder: Path) -> Route:
    """The route with the cell's own settings.

    Raises:
        ConfigurationError: no such route, or a faulty configuration.
        CellOptionError: a setting that its language does not have.
        CellError: this machine lacks what the route needs.
    """
    route = find_route(options.route, route_table(load_configuration(folder)))
    if options.settings:
        try:
            language = route.language.configured(options.settings)
        except ConfigurationError as error:
            raise CellOptionError(error.message, hint=error.hint) from error
        command = language.command if route.command == route.language.command else route.command
        missing = "" if "program" in options.settings else route.missing
        route = replace(route, language=language, command=command, missing=missing)
    if route.missing and not options.dry_run:
        raise CellError(
            f"nothing on this machine can run the route {route.name!r}",
            hint=f"Install {route.missing}. Or name another machine's in everest.toml. Nothing was sent.",
        )
    return route
