"""Routes: the names a cell can be sent to."""

from __future__ import annotations

import difflib
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import msgspec

from ..languages import Language, Located, find_language, language_names
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

__all__ = ["Route", "RouteTable", "cell_application", "find_route", "route_table"]


@dataclass(frozen=True)
class Route:
    """Where a cell goes and what runs it there.

    Attributes:
        name: as it stands behind `%%remote`.
        server: name of the server; `embedded` is the hub that starts by itself.
        language: what the cell is written in, and how it is run.
        command: command line that runs the rendered program.
        application: `user/alias` or id of a published application; empty to publish one as needed.
        resources: ids of resources; empty for those that the application is bound to.
        time_limit: seconds, or None.
        queue_limit: seconds that a cell may wait for a resource, or None.
        repeatable: whether a cell that ran already may be answered from the cache.
        note: for the header line, when another program runs the cell than the route's name promises.
        missing: what to install on this machine before the route can be used, as far as is known.
    """

    name: str
    server: str
    language: Language
    command: str
    application: str = ""
    resources: tuple[str, ...] = ()
    time_limit: float | None = None
    queue_limit: float | None = None
    repeatable: bool = True
    note: str = ""
    missing: str = ""

    @property
    def runs(self) -> str:
        """What runs a cell in the end, for people to read."""
        return self.language.runs if self.command == self.language.command else self.command

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
            "pictures": file_parameter("Pictures", required=False),
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
                *([OutputMapping("pictures", language.pictures_file)] if language.pictures_file else []),
                OutputMapping("stdout", "stdout"),
                OutputMapping("stderr", "stderr"),
            ),
            resource_requirements={"timeLimit": ResourceRequirement(default_value=0, allow_override=True)},
        ),
    )
    return msgspec.structs.replace(plain, alias=f"{language.name}-cell-{plain.content_hash()}")


class RouteTable(Mapping[str, Route]):
    """The routes by name. What the configuration says is checked at once; the others are made when they are asked for.

    Raises:
        ConfigurationError: a configured route with an unknown language, a faulty setting, or a malformed time limit.
    """

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._made = {name: _configured(name, configuration) for name in configuration.routes}

    def __getitem__(self, name: str) -> Route:
        if name not in self._made:
            language = _sound(name)
            if language is None:
                raise KeyError(name)
            self._made[name] = _route(name, language, RouteSettings(), self._configuration)
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        names = sorted({*language_names(), *self._configuration.routes})
        return (name for name in names if name in self._configuration.routes or _sound(name) is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def route_table(configuration: Configuration) -> RouteTable:
    """All routes: one for each language, changed and added to by the configuration.

    Raises:
        ConfigurationError: see `RouteTable`.
    """
    return RouteTable(configuration)


def _configured(name: str, configuration: Configuration) -> Route:
    settings = configuration.routes[name]
    language = find_language(settings.language or name)
    if language is None:
        wrong = f"an unknown language {settings.language!r}" if settings.language else "no language"
        listed = ", ".join(language_names())
        raise ConfigurationError(f"route {name!r} has {wrong}", hint=f"Languages: {listed}.")
    return _route(name, language, settings, configuration)


def _sound(name: str) -> Language | None:
    """A language; None for one of another package that cannot be loaded, which must not stop the other routes."""
    try:
        return find_language(name)
    except ConfigurationError:
        return None  # `find_route` tells why, once somebody wants it


def _route(name: str, language: Language, settings: RouteSettings, configuration: Configuration) -> Route:
    server = settings.server or configuration.default_server
    try:
        configured = language.configured(settings.of_language)
    except ConfigurationError as error:
        raise ConfigurationError(f"route {name!r}: {error.message}", hint=error.hint) from error
    # the embedded hub's agent runs on this machine: what is here is there
    located = configured.located(_find_program) if server == EMBEDDED else Located(configured)
    if settings.command or settings.application:
        located = Located(configured)  # who names the command knows what it needs
    repeatable = settings.repeatable
    return Route(
        name=name,
        server=server,
        language=located.language,
        command=settings.command or located.language.command,
        application=settings.application,
        resources=settings.resources,
        time_limit=_duration(name, "time_limit", settings.time_limit),
        queue_limit=_duration(name, "queue_limit", settings.queue_limit),
        repeatable=located.language.repeatable if repeatable is None else repeatable,
        note=located.note,
        missing=located.missing,
    )


def _duration(route: str, setting: str, text: str) -> float | None:
    try:
        return parse_duration(text) if text else None
    except ValueError as error:
        raise ConfigurationError(f"{setting} of route {route!r}: {error}") from error


def _find_program(name: str) -> str | None:
    """The path of a program on this machine, also of one that is installed beside the notebook's Python."""
    beside = os.path.dirname(sys.executable)
    return shutil.which(name) or shutil.which(name, path=beside)


def find_route(name: str, table: Mapping[str, Route]) -> Route:
    """The route of that name.

    Raises:
        ConfigurationError: there is none; the message lists the routes and suggests the nearest.
    """
    if name in table:
        return table[name]
    find_language(name)  # one that cannot be loaded says why
    near = difflib.get_close_matches(name, table, n=1)
    suggestion = f" Did you mean {near[0]!r}?" if near else ""
    raise ConfigurationError(
        f"there is no route {name!r}.{suggestion}",
        hint=f"Routes: {', '.join(sorted(table))}. More can be configured in everest.toml.",
    )
