"""Resources, and what this server can do beyond Everest."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ... import __version__
from ...wire import EVENTS_PATH, EXTENSIONS_PATH, Extensions
from ..gateway import Gateway
from ..identity import Identity
from ..scheduler import Scheduler
from .common import Refusal, body_as, check_owner, json_response, user_of

__all__ = ["ResourceRequest", "resource_routes"]

_ID = re.compile(r"[0-9a-f]{24}\Z")
_NAME = re.compile(r"[^\x00-\x1f\x7f/\\]{1,100}\Z")


class ResourceRequest(msgspec.Struct):
    """The body that attaches a resource. `id`, for the hub's owner alone, is one that programs have compiled in."""

    name: str
    id: str = ""


def resource_routes(identity: Identity, gateway: Gateway, scheduler: Scheduler) -> list[Route]:
    """`/api/resources` and `/api/extensions`.

    Everest's own paths for resources are not known; these are ours.
    """

    def visible(user: str) -> list[tuple[str, str, str]]:
        return [found for found in identity.resources() if identity.may_use(user, found[0])]

    def described(resource: str, owner: str, name: str) -> dict[str, Any]:
        info = gateway.connected().get(resource)
        return {
            "id": resource,
            "name": info.name if info and info.name else name,
            "owner": owner,
            "state": "ONLINE" if info else "OFFLINE",
            "slots": info.slots if info else 0,
            "running": scheduler.running(resource),
            "system": info.system if info else "",
        }

    def find(request: Request, user: str) -> tuple[str, str, str]:
        for found in visible(user):
            if found[0] == request.path_params["resource"]:
                return found
        raise Refusal(404, "there is no such resource")

    async def index(request: Request) -> Response:
        return json_response([described(*found) for found in visible(user_of(request, identity))])

    async def create(request: Request) -> Response:
        user = user_of(request, identity)
        wanted = await body_as(request, ResourceRequest)
        name = wanted.name
        if wanted.id:
            check_owner(request, identity)
            if not _ID.match(wanted.id):
                raise Refusal(400, "an id has 24 hexadecimal digits")
        if not _NAME.match(name):
            raise Refusal(400, "a resource's name has 1 to 100 characters, no slashes and no control characters")
        if any(present == name for _, _, present in identity.resources(user)):
            raise Refusal(409, f"there is a resource {name!r} already")
        if any(present == wanted.id for present, _, _ in identity.resources()):
            raise Refusal(409, f"there is a resource {wanted.id} already")
        resource, token = identity.add_resource(user, name, wanted.id)
        return json_response(described(resource, user, name) | {"agentToken": token})

    async def read(request: Request) -> Response:
        return json_response(described(*find(request, user_of(request, identity))))

    async def delete(request: Request) -> Response:
        user = user_of(request, identity)
        resource, owner, _ = find(request, user)
        if owner != user:
            raise Refusal(403, "only its owner can delete a resource")
        await identity.delete_resource(resource)
        gateway.detach(resource)
        return json_response({})

    async def extensions(request: Request) -> Response:
        user_of(request, identity)
        return json_response(Extensions("everest-kernel", __version__, EVENTS_PATH, True))

    return [
        Route("/api/resources", index, methods=["GET"]),
        Route("/api/resources", create, methods=["POST"]),
        Route("/api/resources/{resource}", read, methods=["GET"]),
        Route("/api/resources/{resource}", delete, methods=["DELETE"]),
        Route(EXTENSIONS_PATH, extensions, methods=["GET"]),
    ]
