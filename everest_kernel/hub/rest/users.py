"""Users: only the hub's owner can list and add them. Everest's own paths for users are not known; these are ours."""

from __future__ import annotations

import asyncio
import re

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..identity import Identity
from .common import Refusal, body_as, check_owner, json_response

__all__ = ["UserRequest", "user_routes"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}\Z")


class UserRequest(msgspec.Struct):
    """The body that adds a user, or gives one another password."""

    name: str
    password: str

    def __repr__(self) -> str:
        return f"UserRequest(name={self.name!r})"


def user_routes(identity: Identity) -> list[Route]:
    """`/api/users`."""

    async def index(request: Request) -> Response:
        check_owner(request, identity)
        return json_response([{"name": name} for name in identity.users()])

    async def add(request: Request) -> Response:
        check_owner(request, identity)
        wanted = await body_as(request, UserRequest)
        if not _NAME.match(wanted.name):
            raise Refusal(400, "a user's name has letters, digits, dots, dashes, underscores and @, at most 64")
        if not wanted.password:
            raise Refusal(400, "the password is empty")
        digest = await asyncio.to_thread(identity.password_hash, wanted.password)
        identity.set_password_hash(wanted.name, digest)
        return json_response({"name": wanted.name})

    return [
        Route("/api/users", index, methods=["GET"]),
        Route("/api/users", add, methods=["POST"]),
    ]
