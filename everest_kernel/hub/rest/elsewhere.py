"""Requests that no endpoint takes."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request
from starlette.routing import Match, Route
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocketClose

from ..identity import Identity
from .common import Refusal, refusal_response, user_of

__all__ = ["Elsewhere"]


class Elsewhere:
    """Answers 401 before anything else, 405 where there is an endpoint for other methods, else 404.

    Old clients tell by a 401 for something that does not exist that they have to log in again.
    """

    def __init__(self, routes: Sequence[Route], identity: Identity) -> None:
        self._routes = routes
        self._identity = identity

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI interface."""
        if scope["type"] != "http":
            await WebSocketClose()(scope, receive, send)
            return
        request = Request(scope, receive)
        allowed = self._allowed(scope)
        try:
            user_of(request, self._identity)
            if allowed:
                raise Refusal(405, f"this address takes {', '.join(allowed)}")
            raise Refusal(404, "there is nothing at this address")
        except Refusal as error:
            response = refusal_response(request, error)
            if error.status == 405:
                response.headers["Allow"] = ", ".join(allowed)
            await response(scope, receive, send)

    def _allowed(self, scope: Scope) -> list[str]:
        found: set[str] = set()
        for route in self._routes:
            if route.matches(scope)[0] is not Match.NONE:
                found |= route.methods or set()
        return sorted(found)
