"""What all endpoints share: who asks, JSON in and out, refusals."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from ...wire import MALFORMED
from ..identity import Identity

__all__ = ["Refusal", "body_as", "json_response", "refusal_response", "token_of", "user_of"]

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
    token = token_of(connection)
    info = identity.who(token) if token else None
    if info is None:
        raise Refusal(401, "no valid token: log in at /auth/access_token")
    return info.user


async def body_as(request: Request, kind: type[_T]) -> _T:
    """The JSON body as a structure.

    Raises:
        Refusal: 400 when it is not JSON or does not fit; 413 when it is too large.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise Refusal(413, "the request is too large: upload files to /api/files/temp instead")
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise Refusal(400, f"the request does not fit: {error}") from error
    except MALFORMED as error:
        raise Refusal(400, f"the request is not JSON: {error}") from error
