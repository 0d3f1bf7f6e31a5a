"""What `%everest` tells and does, as Python calls."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ..routes import EMBEDDED, Configuration, Route, find_route, load_configuration, route_table
from ..wire import ConfigurationError, EverestError
from .servers import find_token

if TYPE_CHECKING:
    from ..client import Resource
    from .session import NotebookSession

__all__ = ["PublishedRoute", "ServerStatus", "publish_route", "server_resources", "server_statuses"]

_NOT_IN_ALIAS = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True)
class ServerStatus:
    """One server of the configuration, as far as it is known without asking it, and whether it answers.

    Attributes:
        token: where its token is: `environment`, `keyring`, `file`, or `none`.
        state: in words; empty when it was not asked.
    """

    name: str
    url: str
    token: str
    default: bool
    state: str = ""


@dataclass(frozen=True)
class PublishedRoute:
    """The application of a route, and the line of TOML by which the route names it (empty when it does)."""

    address: str
    change: str
    url: str
    toml: str


async def server_statuses(session: NotebookSession, folder: Path) -> list[ServerStatus]:
    """Every server, the default one first; the default one is asked, unless that would start the embedded hub.

    Raises:
        ConfigurationError: the configuration is faulty.
    """
    configuration = load_configuration(folder)
    default = configuration.default_server
    others = sorted({EMBEDDED, *configuration.servers} - {default})
    return [await _status(session, name, configuration) for name in [default, *others]]


async def _status(session: NotebookSession, name: str, configuration: Configuration) -> ServerStatus:
    from ..client import running_hub

    default = name == configuration.default_server
    if name == EMBEDDED:
        record = await running_hub()
        state = "runs, live output" if record else "starts with the first remote cell"
        return ServerStatus(name, record.url if record else "", "its own", default, state)
    url = configuration.servers[name].url
    try:
        found = await asyncio.to_thread(find_token, name, url)
    except ConfigurationError as error:
        return ServerStatus(name, url, "refused", default, error.message)
    if found is None:
        return ServerStatus(name, url, "none", default, f"log in with: everest-kernel login {name}")
    state = await _state(session, name) if default else ""
    return ServerStatus(name, url, found.place, default, state)


async def _state(session: NotebookSession, name: str) -> str:
    try:
        live = (await (await session.client(name)).extensions()).events
    except EverestError as error:
        return error.message
    return "answers, live output" if live else "answers, no live output"


async def server_resources(session: NotebookSession, server: str) -> list[Resource]:
    """The resources that jobs at this server can be sent to.

    Raises:
        ConfigurationError: the server does not list them.
    """
    client = await session.client(server)
    found = await client.resources()
    if found is None:
        raise ConfigurationError(
            f"{client.server.url} does not list its resources",
            hint="Its web pages do; a route names a resource by the id in the address of the resource's page.",
        )
    return sorted(found, key=lambda resource: (not resource.online, resource.name, resource.id))


async def publish_route(session: NotebookSession, name: str, folder: Path) -> PublishedRoute:
    """Publish the application that a route's cells need, under an alias that stays, at the route's server.

    Raises:
        ConfigurationError: no such route.
        RefusedError: the server does not let the user publish.
    """
    route = find_route(name, route_table(load_configuration(folder)))
    client = await session.client(route.server)
    published = await client.publish(msgspec.structs.replace(route.cell_application, alias=_alias(route)))
    named = route.application == published.address
    toml = "" if named else f'[routes.{_key(name)}]\napplication = "{published.address}"\n'
    return PublishedRoute(published.address, published.change, client.server.url, toml)


def _alias(route: Route) -> str:
    """The one that the route names already, else one of its own name."""
    owner, slash, alias = route.application.rpartition("/")
    if owner and slash and alias:
        return alias
    return f"{_NOT_IN_ALIAS.sub('-', route.name).strip('-.') or 'route'}-cell"


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else f'"{name}"'
