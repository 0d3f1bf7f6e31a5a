"""The servers of the configuration, with their tokens."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..routes import EMBEDDED, Configuration, ServerSettings
from ..wire import AuthenticationError, ConfigurationError

if TYPE_CHECKING:
    from ..client import Server, TokenStore

__all__ = ["FoundToken", "find_token", "open_server", "server_settings"]


class FoundToken(NamedTuple):
    """A token, and where it was found: `environment`, `keyring` or `file`."""

    token: str
    place: str

    def __repr__(self) -> str:  # the token must not reach a log or a traceback
        return f"FoundToken(place={self.place!r})"


def server_settings(name: str, configuration: Configuration) -> ServerSettings:
    """A server of the configuration.

    Raises:
        ConfigurationError: it is not configured.
    """
    settings = configuration.servers.get(name)
    if settings is None:
        known = ", ".join(sorted({EMBEDDED, *configuration.servers}))
        raise ConfigurationError(
            f"the server {name!r} is not configured",
            hint=f"Servers: {known}. `everest-kernel login URL --name {name}` adds it.",
        )
    return settings


def find_token(
    name: str, url: str, *, store: TokenStore | None = None, environment: Mapping[str, str] = os.environ
) -> FoundToken | None:
    """The token for a server: of its environment variable, else the stored one. Reads files, and may ask the keyring.

    Raises:
        ConfigurationError: tokens are kept where others could read them.
    """
    from ..client import TokenStore, token_variable

    given = environment.get(token_variable(name), "").strip() if name else ""
    if given:
        return FoundToken(given, "environment")
    stored = (store or TokenStore()).get(url)
    return FoundToken(stored.token, stored.place) if stored else None


async def open_server(name: str, configuration: Configuration, *, home: Path | None = None) -> Server:
    """A server with its token; the embedded hub is started when it does not run.

    Raises:
        HubStartError: the embedded hub does not come up.
        AuthenticationError: there is no token for this server.
        ConfigurationError: the server is not configured.
    """
    from ..client import Server, embedded_server, token_variable

    if name == EMBEDDED:
        return await embedded_server(home)
    url = server_settings(name, configuration).url
    found = await asyncio.to_thread(find_token, name, url)
    if found is None:
        raise AuthenticationError(
            f"there is no token for the server {name!r} ({url})",
            hint=f"Run `everest-kernel login {name}` in a terminal, or set the environment variable "
            f"{token_variable(name)} before the kernel starts.",
        )
    token = found.token

    async def renew() -> Server:
        """Somebody may have logged in again meanwhile."""
        again = await asyncio.to_thread(find_token, name, url)
        return Server(url, again.token if again else token)

    return Server(url, token, renew=renew, name=name)
