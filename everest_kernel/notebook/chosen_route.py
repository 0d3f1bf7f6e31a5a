"""The route that a line names, with the line's own settings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ..routes import Route, find_route, load_configuration, route_table
from ..wire import CellError, CellOptionError, ConfigurationError
from .options import RemoteOptions

__all__ = ["chosen_route"]


def chosen_route(options: RemoteOptions, folder: Path) -> Route:
    """The route with the line's settings.

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
