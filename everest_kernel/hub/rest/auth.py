"""Tokens: POST, GET and DELETE `/auth/access_token`, also below `/api`."""

from __future__ import annotations

import asyncio

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..identity import DEFAULT_LIFETIME, Identity
from .common import Refusal, body_as, info_of, json_response, token_of, user_of

__all__ = ["auth_routes"]

MAX_LIFETIME = 10 * 365 * 86400


class Credentials(msgspec.Struct):
    """The body of a log-in."""

    username: str
    password: str
    label: str = ""
    lifetime: int | None = None

    def __repr__(self) -> str:
        return f"Credentials(username={self.username!r})"


def auth_routes(identity: Identity) -> list[Route]:
    """The endpoints under both prefixes that clients use."""

    async def log_in(request: Request) -> Response:
        credentials = await body_as(request, Credentials)
        lifetime = DEFAULT_LIFETIME if credentials.lifetime is None else credentials.lifetime
        if not 0 < lifetime <= MAX_LIFETIME:
            raise Refusal(400, "the lifetime must be a positive number of seconds, at most ten years")
        right = await asyncio.to_thread(identity.check_password, credentials.username, credentials.password)
        if not right:
            raise Refusal(401, "wrong user name or password")
        token = await identity.issue(credentials.username, credentials.label, lifetime)
        response = json_response({"access_token": token})
        # old clients authenticate by this cookie alone; its path must cover /api too
        secure = request.url.scheme == "https"
        response.set_cookie("access_token", token, path="/", httponly=True, samesite="strict", secure=secure)
        return response

    async def inspect(request: Request) -> Response:
        info = info_of(request, identity)
        expires = None if info.expires is None else info.expires * 1000
        return json_response(
            {"user": info.user, "label": info.label, "created": info.created * 1000, "expires": expires}
        )

    async def log_out(request: Request) -> Response:
        user_of(request, identity)
        await identity.revoke(token_of(request))
        response = json_response({})
        response.delete_cookie("access_token", path="/")
        return response

    paths = ("/auth/access_token", "/api/auth/access_token")
    methods = {"POST": log_in, "GET": inspect, "DELETE": log_out}
    return [Route(path, call, methods=[method]) for path in paths for method, call in methods.items()]
