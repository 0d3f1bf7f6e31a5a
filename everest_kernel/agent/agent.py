"""The agent: dials in or listens, takes tasks, reports, and comes back after a lost connection."""

from __future__ import annotations

import logging
import random
import shutil
from pathlib import Path

import anyio
import websockets
from websockets.asyncio.client import connect

from ..sockets import DialledFrames
from ..wire import SECOND_AGENT, SUBPROTOCOL, EverestError
from .door import Door
from .marked import kill_marked
from .peer import Peer, Workshop
from .settings import AgentSettings
from .staging import Stager
from .task import TaskRules
from .task_socket import TaskSocket

__all__ = ["Agent"]

log = logging.getLogger(__name__)

_OPEN_TIMEOUT = 10.0
_REFUSED_SECONDS = 10.0
"""Pause of an agent whose resource has another one, which may have gone without a word."""


class Agent:
    """Runs tasks on this machine, for the server that it dials and for controllers that dial it.

    Attributes:
        door: where controllers dial in; None without `AgentSettings.passive`.
    """

    def __init__(self, settings: AgentSettings) -> None:
        self._settings = settings
        self._stager = Stager()
        self._socket = None if settings.task_port is None else TaskSocket()
        self.door = None if settings.passive is None else Door(settings.passive, settings.ping)

    async def run(self) -> None:
        """Serve until cancelled; then every task's processes are killed.

        Raises:
            ConfigurationError: a port that is to be listened on is taken.
        """
        self._clean_leftovers()
        if self._socket is not None and self._settings.task_port is not None:
            await self._socket.open(self._settings.task_port)
        handler = self._settings.handler
        slots = anyio.Semaphore(max(self._settings.slot_count, 1))
        rules = TaskRules(self._settings.allowed_commands, socket=self._socket, handler=handler)
        peers: list[Peer] = []
        failure: EverestError | None = None
        try:
            async with handler.serve(), anyio.create_task_group() as group:
                shop = Workshop(self._settings, group, slots, self._stager)
                if self._socket is not None:
                    group.start_soon(self._socket.serve)
                if self._settings.server_uri:
                    server = Peer(shop, rules)
                    peers.append(server)
                    group.start_soon(self._stay_connected, server)
                if self.door is not None:
                    try:
                        await self.door.serve(shop, rules)
                    except EverestError as error:  # a task group would wrap it in a group of its own
                        failure = error
                        group.cancel_scope.cancel()
        finally:
            with anyio.CancelScope(shield=True):
                await self._stager.aclose()
            for peer in [*peers, *(self.door.peers if self.door else ())]:
                peer.close()
        if failure is not None:
            raise failure

    async def _stay_connected(self, peer: Peer) -> None:
        shortest, longest = self._settings.reconnect
        pause, said = shortest, ""
        while True:
            problem = ""
            try:
                async with self._connect() as connection:
                    pause = shortest
                    await peer.serve(DialledFrames(connection), dialect=True)
                    if connection.close_code == SECOND_AGENT:
                        problem, pause = f"refused: {connection.close_reason}", _REFUSED_SECONDS
            except (OSError, websockets.WebSocketException, TimeoutError) as error:
                problem = str(error) or type(error).__name__
            if problem and problem != said:  # a server that is away is mentioned once
                log.warning("connection to %s: %s", self._settings.server_uri, problem)
            said = problem
            await anyio.sleep(pause * random.uniform(0.5, 1))  # jitter: many agents lose a server at once
            pause = min(pause * 2, longest)

    def _connect(self) -> connect:
        interval, patience = self._settings.ping
        return connect(
            self._settings.server_uri,
            additional_headers={"Authorization": f"EverestAgentToken {self._settings.token}"},
            subprotocols=[websockets.Subprotocol(SUBPROTOCOL)],
            open_timeout=_OPEN_TIMEOUT,
            ping_interval=interval,
            ping_timeout=patience,
            compression=None,  # real Everest peers do none
            max_size=64 << 20,
            proxy=None,
        )

    def _clean_leftovers(self) -> None:
        """Kill what a killed agent left running, and remove its tasks' folders."""
        folder: Path = self._settings.tasks_dir
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for leftover in folder.iterdir():
            if leftover.is_dir():
                kill_marked(leftover.name)
                shutil.rmtree(leftover, ignore_errors=True)
            else:
                leftover.unlink()  # long output of a task
