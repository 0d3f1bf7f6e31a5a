"""Dials agents in passive mode, and dials again when a connection is lost."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

import anyio
import anyio.abc
import websockets
from websockets.asyncio.client import connect

from ..sockets import DialledFrames
from ..wire import CLIENT_SCHEME, DIALECT_SUBPROTOCOL, SUBPROTOCOL, AgentInfo, FramesClosed
from .passive import PassiveAgent, PassiveAgents

if TYPE_CHECKING:
    from .gateway import Gateway

__all__ = ["Dialer", "hub_address"]

log = logging.getLogger(__name__)

_OPEN_TIMEOUT = 10.0
_CLOSE_TIMEOUT = 1.0
"""Seconds that the end of the hub may wait for an agent that does not read any more."""


class Dialer:
    """Keeps a connection to every passive agent.

    Args:
        agents: which they are.
        gateway: takes the connections over.
        hub_url: gives the hub's own address for connections whose near end has this address.
        reconnect: shortest and longest pause in seconds between attempts to connect.
    """

    def __init__(
        self,
        agents: PassiveAgents,
        gateway: Gateway,
        hub_url: Callable[[str], str],
        reconnect: tuple[float, float] = (0.2, 30.0),
    ) -> None:
        self._agents = agents
        self._gateway = gateway
        self._hub_url = hub_url
        self._reconnect = reconnect
        self._group: anyio.abc.TaskGroup | None = None
        self._scopes: dict[str, anyio.CancelScope] = {}

    async def run(self) -> None:
        """Dial until cancelled."""
        try:
            async with anyio.create_task_group() as self._group:
                for agent in self._agents.all():
                    self.dial(agent)
                await anyio.sleep_forever()
        finally:
            self._group = None

    def dial(self, agent: PassiveAgent) -> None:
        """Begin with an agent, or begin anew with its changed address; before `run` it has no effect."""
        self.hang_up(agent.resource)
        if self._group is not None:
            scope = self._scopes[agent.resource] = anyio.CancelScope()
            self._group.start_soon(self._keep, agent, scope)

    def hang_up(self, resource: str) -> None:
        """Do not dial this resource any more."""
        scope = self._scopes.pop(resource, None)
        if scope is not None:
            scope.cancel()

    async def _keep(self, agent: PassiveAgent, scope: anyio.CancelScope) -> None:
        shortest, longest = self._reconnect
        pause = shortest
        said = ""
        with scope:
            while True:
                try:
                    async with self._connect(agent) as connection:
                        pause, said = shortest, ""
                        await self._converse(agent, connection)
                    problem = "the connection was lost"
                except FramesClosed:
                    problem = "the connection was lost"
                except (OSError, websockets.WebSocketException, TimeoutError) as error:
                    problem = str(error) or type(error).__name__
                if problem != said:  # an agent that is away for a night is mentioned once
                    log.warning("passive agent %s at %s: %s", agent.name, agent.uri, problem)
                    said = problem
                await anyio.sleep(pause * random.uniform(0.5, 1))  # jitter: a hub that restarts dials all at once
                pause = min(pause * 2, longest)

    def _connect(self, agent: PassiveAgent) -> connect:
        return connect(
            agent.uri,
            additional_headers={"Authorization": _authorization(agent)},
            subprotocols=[websockets.Subprotocol(name) for name in (SUBPROTOCOL, DIALECT_SUBPROTOCOL)],
            open_timeout=_OPEN_TIMEOUT,
            close_timeout=_CLOSE_TIMEOUT,
            compression=None,  # real Everest peers do none
            max_size=64 << 20,
            proxy=None,
        )

    async def _converse(self, agent: PassiveAgent, connection: websockets.ClientConnection) -> None:
        frames = DialledFrames(connection)
        hub = self._hub_url(connection.local_address[0])
        if connection.subprotocol == DIALECT_SUBPROTOCOL:
            await self._gateway.welcome(frames, agent.resource, agent.name, None, hub)
            return
        info = AgentInfo(name=agent.name, slots=agent.slots)
        await self._gateway.serve_plain(frames, agent.resource, info, hub, base=agent.base, auth=_authorization(agent))


def hub_address(private: str, public: str, local: str) -> str:
    """The hub's address for an agent at the far end of a connection whose near end has the address `local`.

    A hub that listens on all addresses has no address of its own; the one over which it reaches the agent will do.

    Args:
        private: where the hub is reached on its own machine.
        public: where it is reached from others.
        local: an IP address of the hub's machine.
    """
    parts = urlsplit(private if ip_address(local.split("%")[0]).is_loopback else public)
    if parts.hostname not in ("0.0.0.0", "::"):
        return parts.geturl()
    host = f"[{local}]" if ":" in local else local
    return urlunsplit((parts.scheme, f"{host}:{parts.port}", "", "", ""))


def _authorization(agent: PassiveAgent) -> str:
    """The resource's id is the client id: it stays the same, so the agent knows whose tasks it has."""
    return f"{CLIENT_SCHEME} {agent.resource}:{agent.client_token}"
