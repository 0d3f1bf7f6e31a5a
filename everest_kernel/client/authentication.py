"""Tokens: obtained, inspected and revoked, on old servers and new ones."""

from __future__ import annotations

from typing import Any

import httpx

from ..wire import AuthenticationError, ProtocolError, RefusedError
from .answers import TokenInfo, read_as, read_token_info
from .server import Server
from .transport import Transport

__all__ = ["DEFAULT_LABEL", "DEFAULT_LIFETIME", "log_in", "log_out", "token_info"]

DEFAULT_LABEL = "everest-kernel"
DEFAULT_LIFETIME = 7 * 86400
"""Seconds; what Everest itself takes when none is asked for."""
# the second is the documented one; clients since about 2018 use the first
_PATHS = ("/api/auth/access_token", "/auth/access_token")
_ABSENT = frozenset({404, 405})
_NOT_ACCEPTED = frozenset({400, 403, 422})


async def log_in(transport: Transport, server: Server, username: str, password: str, label: str, lifetime: int) -> str:
    """Obtain a token and put it into `server`.

    Raises:
        AuthenticationError: the server does not accept user name and password.
        ProtocolError: there is no log-in at this address.
    """
    body = {"username": username, "password": password, "label": label, "lifetime": lifetime}
    former, server.token = server.token, ""  # a stale token must not spoil the request for a new one
    try:
        answer = await _post(transport, body)
        token = read_as(answer, dict[str, Any]).get("access_token")
        if not isinstance(token, str) or not token:
            raise ProtocolError(f"{server.url} answered the log-in without a token")
    except AuthenticationError as error:
        raise _not_accepted(server, username) from error
    except RefusedError as error:
        if error.status in _ABSENT:
            raise ProtocolError(f"{server.url} has no log-in: it is not an Everest server", hint=_ADDRESS) from error
        if error.status in _NOT_ACCEPTED:
            raise _not_accepted(server, username, f": {error.message}") from error
        raise
    finally:
        server.token = server.token or former
    server.token = token
    return token


async def log_out(transport: Transport, server: Server) -> None:
    """Make the token worthless, here and there."""
    await _ask(transport, "DELETE")
    server.token = ""


async def token_info(transport: Transport) -> TokenInfo:
    """What the server says of the token; nothing where it cannot be asked.

    Raises:
        AuthenticationError: the token is not accepted.
    """
    try:
        return read_token_info(await _ask(transport, "GET"))
    except RefusedError as error:
        if error.status >= 500 or error.status == 429:
            raise
        return TokenInfo()


async def _post(transport: Transport, body: dict[str, Any]) -> httpx.Response:
    """Send the credentials; on old servers to the other path.

    Without a token Everest says 401 before it says 404, so a 401 can mean that there is no such path below /api.
    """
    try:
        return await _ask(transport, "POST", body)
    except AuthenticationError as error:
        try:
            return await transport.request("POST", _PATHS[1], json=body)
        except RefusedError as second:
            if second.status not in _ABSENT:
                raise
            raise error from None


async def _ask(transport: Transport, method: str, body: dict[str, Any] | None = None) -> httpx.Response:
    try:
        return await transport.request(method, _PATHS[0], json=body)
    except RefusedError as error:
        if error.status not in _ABSENT:
            raise
        return await transport.request(method, _PATHS[1], json=body)


def _not_accepted(server: Server, username: str, said: str = "") -> AuthenticationError:
    return AuthenticationError(
        f"{server.url} does not accept this user name and password ({username}){said}",
        hint="Try again; whoever runs the server can reset the password.",
    )


_ADDRESS = "Give the address of its web page, such as https://everest.example.org."
