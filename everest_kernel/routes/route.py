"""Routes: the names a cell can be sent to."""

from __future__ import annotations

import difflib
import shlex
import sys
from dataclasses import dataclass, replace
from functools import cached_property

import msgspec

from ..languages import LANGUAGES, Language
from ..wire import (
    Application,
    ApplicationConfig,
    ConfigurationError,
    InputMapping,
    OutputMapping,
    Parameter,
    ResourceRequirement,
    file_list_parameter,
    file_parameter,
)
from .config import EMBEDDED, Configuration, RouteSettings
from .durations import parse_duration

__all__ = ["Route", "cell_application", "find_route", "route_table"]


@dataclass(frozen=True)
class Route:
    """Where a cell goes and what runs it there.

    Attributes:
        name: as it stands behind `%%remote`.
        server: name of the server; `embedded` is the hub that starts by itself.
        language: what the cell is written in.
        command: command line that runs the rendered program.
        application: `user/alias` or id of a published application; empty to publish one as needed.
        resources: ids of resources; empty for those that the application is bound to.
        time_limit: seconds, or None.
    """

    name: str
    server: str
    language: Language
    command: str
    application: str = ""
    resources: tuple[str, ...] = ()
    time_limit: float | None = None

    @cached_property
    def cell_application(self) -> Application:
        """The application that a cell of this route is a job of."""
        return cell_application(self.language, self.command)


def cell_application(language: Language, command: str) -> Application:
    """A generic application that runs rendered cells; its alias depends on all that it does."""
    plain = Application(
        name=f"{language.name} cell",
        annotation=f"Runs one notebook cell written in {language.name}",
        keywords=("notebook", language.name),
        inputs={
            "program": Parameter(title="Program", description="what the command runs"),
            "cell": Parameter(title="Cell", description="the user's text"),
            "files": file_list_parameter("Files", required=False),
        },
        outputs={
            "values": file_parameter("Values", required=False),
            "fetched": file_parameter("Fetched files", required=False),
            "stdout": file_parameter("Standard output", required=False),
            "stderr": file_parameter("Standard error", required=False),
        },
        config=ApplicationConfig(
            command=command,
            input_mappings=(
                InputMapping("program", language.program_file),
                InputMapping("cell", language.cell_file),
            ),
            output_mappings=(
                OutputMapping("values", language.values_file),
                OutputMapping("fetched", language.fetched_file),
                OutputMapping("stdout", "stdout"),
                OutputMapping("stderr", "stderr"),
            ),
            resource_requirements={"timeLimit": ResourceRequirement(default_value=0, allow_override=True)},
        ),
    )
    return msgspec.structs.replace(plain, alias=f"{language.name}-cell-{plain.content_hash()}")


def route_table(configuration: Configuration) -> dict[str, Route]:
    """All routes by name: one for each language, changed and added to by the configuration.

    Raises:
        ConfigurationError: a route with an unknown language or a malformed time limit.
    """
    server = configuration.default_server
    table = {name: _built_in(language, server) for name, language in LANGUAGES.items()}
    for name, settings in configuration.routes.items():
        table[name] = _configured(name, settings, table.get(name), server)
    return table


def _built_in(language: Language, server: str) -> Route:
    command = language.command
    if language.name == "python" and server == EMBEDDED:
        # the notebook's own interpreter, so that a cell finds the packages that plain cells find
        command = shlex.join([sys.executable, *shlex.split(command)[1:]])
    return Route(language.name, server, language, command)


def _configured(name: str, settings: RouteSettings, base: Route | None, default_server: str) -> Route:
    language = LANGUAGES.get(settings.language) if settings.language else base.language if base else None
    if language is None:
        wrong = f"an unknown language {settings.language!r}" if settings.language else "no language"
        raise ConfigurationError(f"route {name!r} has {wrong}", hint=f"Languages: {', '.join(sorted(LANGUAGES))}.")
    route = _built_in(language, settings.server or default_server)
    try:
        time_limit = parse_duration(settings.time_limit) if settings.time_limit else None
    except ValueError as error:
        raise ConfigurationError(f"time_limit of route {name!r}: {error}") from error
    return replace(
        route,
        name=name,
        command=settings.command or route.command,
        application=settings.application,
        resources=settings.resources,
        time_limit=time_limit,
    )


def find_route(name: str, table: dict[str, Route]) -> Route:
    """The route of that name.

    Raises:
        ConfigurationError: there is none; the message lists the routes and suggests the nearest.
    """
    if name in table:
        return table[name]
    near = difflib.get_close_matches(name, table, n=1)
    suggestion = f" Did you mean {near[0]!r}?" if near else ""
    raise ConfigurationError(
        f"there is no route {name!r}.{suggestion}",
        hint=f"Routes: {', '.join(sorted(table))}. More can be configured in everest.toml.",
    )
