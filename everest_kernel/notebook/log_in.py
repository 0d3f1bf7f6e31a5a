"""Logging in and out, as the command and the magic do it. No questions here: whoever calls has the answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from ..routes import EMBEDDED, load_configuration
from ..wire import ConfigurationError
from .servers import server_settings

if TYPE_CHECKING:
    from ..client import EverestClient, TokenInfo

__all__ = [
    "NewToken",
    "Target",
    "check_transport",
    "find_target",
    "log_in_with_password",
    "log_in_with_token",
    "revoke",
    "store_token",
]

_T = TypeVar("_T")
_SECONDS = 20.0
_PLACES = {"keyring": "the system's keyring"}


class Target(NamedTuple):
    """Where to log in; `name` is empty for a server that is not configured."""

    name: str
    url: str


class NewToken(NamedTuple):
    """A token that the server accepts."""

    token: str
    info: TokenInfo

    def __repr__(self) -> str:  # the token must not reach a log or a traceback
        return f"NewToken(info={self.info!r})"


def find_target(word: str, folder: Path) -> Target:
    """A server by its name in the configuration, or by its address.

    Raises:
        ConfigurationError: neither.
    """
    import httpx

    from ..client import server_key

    servers = load_configuration(folder).servers
    if word in servers:
        return Target(word, servers[word].url.rstrip("/"))
    if word == EMBEDDED:
        raise ConfigurationError("the embedded hub needs no log-in: its token is in its own folder")
    if "." not in word and ":" not in word:
        server_settings(word, load_configuration(folder))  # says which servers there are
    try:
        url = server_key(word if "://" in word else f"https://{word}")
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise ConfigurationError(f"{word!r} is not an address: {error}") from error
    if parsed.scheme not in ("https", "http") or not parsed.host or parsed.userinfo:
        raise ConfigurationError(f"{word!r} is not an address of a server", hint="Write https://HOST.")
    name = next((name for name, settings in servers.items() if server_key(settings.url) == url), "")
    return Target(name, url)


def check_transport(url: str, *, insecure: bool) -> None:
    """Refuse to send a password in the clear.

    Raises:
        ConfigurationError: it is not HTTPS, nor this machine, nor allowed.
    """
    from ..client import is_loopback

    if not url.startswith("https://") and not is_loopback(url) and not insecure:
        raise ConfigurationError(
            f"{url} is not HTTPS: everybody on the way could read the password and the token",
            hint="Write https:// if the server has it; --insecure-http allows this nevertheless.",
        )


async def log_in_with_password(url: str, username: str, password: str, label: str, lifetime: int) -> NewToken:
    """Obtain a token; `lifetime` in seconds.

    Raises:
        AuthenticationError: the server does not accept user name and password.
        EverestError: it cannot be asked.
    """

    async def work(client: EverestClient) -> NewToken:
        token = await client.login(username, password, label=label, lifetime=lifetime)
        return NewToken(token, await client.token_info())

    return await _with_client(url, "", work)


async def log_in_with_token(url: str, token: str) -> NewToken:
    """Check a token that the user has.

    Raises:
        AuthenticationError: the server does not accept it.
        EverestError: it cannot be asked.
    """
    token = token.strip()
    if not token.isascii() or any(not c.isprintable() or c.isspace() for c in token):
        raise ConfigurationError("this is not a token: it has spaces, or characters that no token has")

    async def work(client: EverestClient) -> NewToken:
        info = await client.token_info()
        await client.extensions()  # a server that has no such question to answer has this, or says 401 before 404
        return NewToken(token, info)

    return await _with_client(url, token, work)


async def revoke(url: str, token: str) -> None:
    """Make a token worthless.

    Raises:
        AuthenticationError: it was already.
        EverestError: the server cannot be asked.
    """

    async def work(client: EverestClient) -> None:
        await client.logout()

    await _with_client(url, token, work)


def store_token(url: str, token: str) -> str:
    """Keep a token; says where, in words.

    Raises:
        ConfigurationError: it cannot be kept safely.
    """
    from ..client import TokenStore

    store = TokenStore()
    place = store.put(url, token)
    return _PLACES.get(place, f"{store.path}, which only you can read")


async def _with_client(url: str, token: str, work: Callable[[EverestClient], Awaitable[_T]]) -> _T:
    import httpx

    from ..client import EverestClient, Server

    async with EverestClient(Server(url, token), timeout=httpx.Timeout(_SECONDS)) as client:
        return await work(client)
