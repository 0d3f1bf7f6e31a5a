"""Resources, and what this server can do beyond Everest."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ... import __version__
from ...wire import EVENTS_PATH, EXTENSIONS_PATH, Extensions
from ..gateway import Gateway
from ..identity import Identity
from ..scheduler import Scheduler
from .common import json_response, user_of

__all__ = ["resource_routes"]


def resource_routes(identity: Identity, gateway: Gateway, scheduler: Scheduler) -> list[Route]:
    """`/api/resources` and `/api/extensions`."""

    async def resources(request: Request) -> Response:
        user_of(request, identity)
        connected = gateway.connected()
        found = []
        for resource, owner, name in identity.resources():
            info = connected.get(resource)
            found.append(
                {
                    "id": resource,
                    "name": info.name if info and info.name else name,
                    "owner": owner,
                    "state": "ONLINE" if info else "OFFLINE",
                    "slots": info.slots if info else 0,
                    "running": scheduler.running(resource),
                    "system": info.system if info else "",
                }
            )
        return json_response(found)

    async def extensions(request: Request) -> Response:
        user_of(request, identity)
        return json_response(Extensions("everest-kernel", __version__, EVENTS_PATH, True))

    return [
        Route("/api/resources", resources, methods=["GET"]),
        Route(EXTENSIONS_PATH, extensions, methods=["GET"]),
    ]
