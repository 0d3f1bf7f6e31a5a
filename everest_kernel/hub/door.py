"""The door for agents that dial in: who they are, and what they speak.

How a real agent proves itself here is not known, so its token is accepted wherever it may be.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import anyio
import msgspec
from starlette.websockets import WebSocket

from ..sockets import DoorFrames
from ..wire import MALFORMED, SECOND_AGENT, AgentInfo, Frames, FramesClosed
from .gateway import SecondAgent
from .identity import Identity

if TYPE_CHECKING:
    from .gateway import Gateway

__all__ = ["Door"]

log = logging.getLogger(__name__)

TOKEN_TIMEOUT = 10.0
"""Seconds in which a connection without a token in its request must send one."""


class Door:
    """The WebSocket endpoint."""

    def __init__(self, identity: Identity, gateway: Gateway) -> None:
        self._identity = identity
        self._gateway = gateway

    async def serve(self, socket: WebSocket) -> None:
        """Serve one connection until it is over."""
        token = _token_of_request(socket)
        found = self._identity.resource_of(token) if token else None
        if token and found is None:
            await socket.close(4401, "unknown agent token")
            return
        offered = socket.scope.get("subprotocols") or []
        await socket.accept(subprotocol=offered[0] if offered else None)
        frames = DoorFrames(socket)
        try:
            if found is None:
                found = self._identity.resource_of(await _token_of_message(frames))
            if found is None:
                await socket.close(4401, "unknown agent token")
                return
            resource, _, name = found
            # one whose greeting does not come gets one task at a time: nothing is known of its slots
            hub = str(socket.base_url).replace("ws", "http", 1).rstrip("/")
            await self._gateway.welcome(frames, resource, name, AgentInfo(name=name, slots=1), hub)
        except SecondAgent:
            await socket.close(SECOND_AGENT, f"the resource {name[:60]} has an agent with this token; attach another")
        except (FramesClosed, TimeoutError) as error:
            log.warning("an agent that dialled in: %s", error or type(error).__name__)


def _token_of_request(socket: WebSocket) -> str:
    """The last word of the Authorization header, whatever the scheme, or a query parameter."""
    words = socket.headers.get("authorization", "").split()
    return words[-1] if words else socket.query_params.get("token", "")


async def _token_of_message(frames: Frames) -> str:
    """The first text message: the token alone, as a JSON string, or the last string of a JSON array."""
    with anyio.fail_after(TOKEN_TIMEOUT):
        text = await frames.receive()
    try:
        value = msgspec.json.decode(text)
    except MALFORMED:
        value = text.strip()
    if isinstance(value, list):
        value = next((item for item in reversed(value) if isinstance(item, str)), "")
    return value if isinstance(value, str) else text.strip()
