"""What all endpoints share: who asks, JSON in and out, refusals."""

from __future__ import annotations

from contextlib import aclosing
from typing import Any, TypeVar

import msgspec
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import Response

from ...wire import MALFORMED
from ..identity import LOCAL_USER, Identity, TokenInfo

__all__ = [
    "Refusal",
    "body_as",
    "check_owner",
    "info_of",
    "json_response",
    "page_of",
    "refusal_response",
    "token_of",
    "user_of",
]

_T = TypeVar("_T")
MAX_BODY = 64 << 20


class Refusal(Exception):  # noqa: N818 - an answer, not an accident
    """An answer other than success: status code and a sentence."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def json_response(content: Any, status: int = 200) -> Response:
    """A JSON answer."""
    return Response(msgspec.json.encode(content), status, media_type="application/json")


def refusal_response(request: Request, error: Exception) -> Response:
    """The answer for a `Refusal`."""
    assert isinstance(error, Refusal)
    return json_response({"error": error.message}, error.status)


def token_of(connection: HTTPConnection) -> str:
    """The client token: bearer, or the cookie `access_token`."""
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return token.strip()
    return connection.cookies.get("access_token", "")


def user_of(connection: HTTPConnection, identity: Identity) -> str:
    """Who asks.

    Raises:
        Refusal: 401; it comes before anything else is looked at, so before any 404.
    """
    return info_of(connection, identity).user


def info_of(connection: HTTPConnection, identity: Identity) -> TokenInfo:
    """What the token of a request stands for.

    Raises:
        Refusal: 401.
    """
    token = token_of(connection)
    info = identity.who(token) if token else None
    if info is None:
        raise Refusal(401, "no valid token: log in at /auth/access_token")
    return info


def check_owner(connection: HTTPConnection, identity: Identity) -> None:
    """Make sure that the hub's owner asks, and not one of the owner's tasks.

    Raises:
        Refusal: 401 without a token, else 403.
    """
    info = info_of(connection, identity)
    if info.user != LOCAL_USER or info.task:
        raise Refusal(403, "only the owner of this hub can do that")


async def body_as(request: Request, kind: type[_T]) -> _T:
    """The JSON body as a structure.

    Raises:
        Refusal: 400 when it is not JSON or does not fit; 413 when it is too large.
    """
    body = bytearray()
    try:
        async with aclosing(request.stream()) as stream:
            async for chunk in stream:
                body += chunk
                if len(body) > MAX_BODY:
                    raise Refusal(413, "the request is too large: upload files to /api/files/temp instead")
    except ClientDisconnect as error:
        raise Refusal(400, "the request ended early") from error
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise Refusal(400, f"the request does not fit: {error}") from error
    except MALFORMED as error:
        raise Refusal(400, f"the request is not JSON: {error}") from error


def page_of(request: Request, default: int | None = None) -> tuple[int, int] | None:
    """Offset and size of the page that the query's `pagenum` (from 1) and `pagesize` name; None without a size."""
    number = _positive(request.query_params.get("pagenum", "")) or 1
    size = _positive(request.query_params.get("pagesize", "")) or default
    return None if size is None else ((number - 1) * size, size)


def _positive(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and 0 < len(text) < 8 and int(text) else None
