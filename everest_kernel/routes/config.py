"""Configuration files: which servers there are, and which names a cell can be sent to."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import msgspec
import platformdirs

from ..wire import ConfigurationError
from .sizes import parse_size

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = [
    "CacheSettings",
    "Configuration",
    "RouteSettings",
    "ServerSettings",
    "configuration_paths",
    "load_configuration",
    "read_tables",
]

EMBEDDED = "embedded"
LOCAL_FILE = "everest.toml"
SERVER_VARIABLE = "EVEREST_DEFAULT_SERVER"


class ServerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One `[servers.NAME]` table. Tokens have no place here."""

    url: str


class CacheSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The `[cache]` table: results of cells that need not run again.

    Attributes:
        enabled: whether they are kept and used.
        limit: size of all of them, such as `500 MB`.
    """

    enabled: bool = True
    limit: str = "1 GB"

    def __post_init__(self) -> None:
        parse_size(self.limit)  # a faulty one is told with the name of its file

    @property
    def limit_bytes(self) -> int:
        """The limit in bytes."""
        return parse_size(self.limit)


class RouteSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One `[routes.NAME]` table.

    Attributes:
        repeatable: whether a cell that ran already may be answered from the cache; None for what its language says.
        program, syntax, platform, encoding: settings that several languages have.
        options: settings of the route's language only.
    """

    language: str = ""
    server: str = ""
    application: str = ""
    resources: tuple[str, ...] = ()
    command: str = ""
    time_limit: str = ""
    queue_limit: str = ""
    repeatable: bool | None = None
    program: str = ""
    syntax: str = ""
    platform: str = ""
    encoding: str = ""
    options: dict[str, Any] = {}

    @property
    def of_language(self) -> dict[str, Any]:
        """What is for the language to judge."""
        common = {name: getattr(self, name) for name in ("program", "syntax", "platform", "encoding")}
        return {name: value for name, value in {**common, **self.options}.items() if value != ""}


class Configuration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All files together."""

    default_server: str = EMBEDDED
    servers: dict[str, ServerSettings] = {}
    routes: dict[str, RouteSettings] = {}
    cache: CacheSettings = CacheSettings()


def configuration_paths(folder: Path) -> list[Path]:
    """Where configuration is read from, the weakest first: the user's file, then the one beside the notebook."""
    user = Path(platformdirs.user_config_path("everest-kernel")) / "config.toml"
    return [user, folder / LOCAL_FILE]


def load_configuration(folder: Path) -> Configuration:
    """Read and merge the configuration for notebooks in `folder`; environment variables win.

    Raises:
        ConfigurationError: a file that cannot be read, is not TOML, or has an unknown or ill-typed setting; or the file
            beside the notebook leads a server of the user's own file to another address.
    """
    merged: dict[str, Any] = {}
    for path in configuration_paths(folder):
        part = read_tables(path)
        _check_addresses(merged.get("servers", {}), part.get("servers", {}), path)
        for table in ("servers", "routes", "cache"):
            part[table] = {**merged.get(table, {}), **part.get(table, {})}
        merged |= part
    if os.environ.get(SERVER_VARIABLE):
        merged["default_server"] = os.environ[SERVER_VARIABLE]
    configuration = _convert(merged, "the configuration")
    _check_servers(configuration)
    return configuration


def read_tables(path: Path) -> dict[str, Any]:
    """One file alone, checked; empty when it does not exist.

    Raises:
        ConfigurationError: it cannot be read, is not TOML, or has an unknown or ill-typed setting.
    """
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}") from error
    try:
        part: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path} is not TOML: {error}") from error
    _convert(part, str(path))  # alone, so that the message names the file
    return part


def _convert(tables: dict[str, Any], where: str) -> Configuration:
    try:
        return msgspec.convert(tables, Configuration)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"{where}: {error}", hint="See the README for the settings.") from error


def _check_addresses(known: dict[str, Any], added: dict[str, Any], path: Path) -> None:
    """A notebook may come from anybody: it must not send the token for a server of the user's to another address."""
    for name, table in added.items():
        if name in known and known[name]["url"].rstrip("/") != table["url"].rstrip("/"):
            raise ConfigurationError(
                f"{path} gives the server {name!r} another address than your own configuration: "
                f"{table['url']} instead of {known[name]['url']}",
                hint="Give it another name there: a token for the one must not go to the other.",
            )


def _check_servers(configuration: Configuration) -> None:
    known = {EMBEDDED, *configuration.servers}
    used = {"default_server": configuration.default_server}
    used |= {f"routes.{name}.server": route.server for name, route in configuration.routes.items() if route.server}
    for setting, server in used.items():
        if server not in known:
            raise ConfigurationError(
                f"{setting} names the server {server!r}, which is not configured",
                hint=f"Servers: {', '.join(sorted(known))}.",
            )
