"""The hub: its parts put together, and served."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from ..wire import AGENT_PATH, EVENTS_PATH
from .applications import Applications
from .contents import Contents
from .database import Database
from .door import Door
from .events import Events
from .files import Files
from .gateway import Gateway
from .identity import LOCAL_USER, Identity
from .job_log import JobLog
from .jobs import Jobs
from .passive import PassiveAgents
from .plain import PlainTasks
from .rest import (
    Refusal,
    application_routes,
    auth_routes,
    file_routes,
    job_routes,
    refusal_response,
    resource_routes,
    user_of,
)
from .scheduler import Scheduler
from .submissions import Submissions
from .sweeps import SWEEP_APPLICATIONS

__all__ = ["Hub", "HubSettings"]

_OWNER_LABEL = "embedded"


@dataclass(frozen=True)
class HubSettings:
    """How a hub runs.

    Attributes:
        home: folder of its data.
        port: 0 for any free one.
        idle_timeout: seconds without work or clients after which it ends itself; None: never.
        agent_grace: seconds that an agent may be away before its tasks are given to another.
    """

    home: Path
    host: str = "127.0.0.1"
    port: int = 0
    idle_timeout: float | None = None
    agent_grace: float = 30.0


class Hub:
    """An Everest for one person, one laboratory or one class. Use as an asynchronous context manager."""

    def __init__(self, settings: HubSettings) -> None:
        self.settings = settings
        self.url = "http://hub.invalid"
        self.last_use = time.monotonic()
        self._stop: Callable[[], None] | None = None
        settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)

    async def __aenter__(self) -> Hub:
        database = self._database = Database(self.settings.home / "hub.sqlite")
        contents = Contents(database, self.settings.home / "files")
        files = Files(database, contents)
        job_log = JobLog(database)
        self._identity = Identity(database)
        self._scheduler = Scheduler(grace=self.settings.agent_grace)
        self._jobs = Jobs(database, contents, files, self._scheduler, job_log)
        submissions = Submissions(self._identity, files, lambda: self.url)
        self._gateway = Gateway(
            self._jobs.tasks, self._scheduler, self._identity, submissions, contents, files, job_log,
            PlainTasks(lambda: self.url), PassiveAgents(database, self._identity), self.settings.agent_grace,
        )  # fmt: skip
        self._events = Events(self._jobs, files)
        loop = asyncio.get_running_loop()
        self._jobs.recover([resource for resource, _, _ in self._identity.resources()], loop.time())
        self._gateway.start()
        identity = self._identity
        self.asgi: ASGIApp = self._application(
            [
                *auth_routes(identity),
                *application_routes(Applications(database, SWEEP_APPLICATIONS), self._jobs, identity),
                *job_routes(self._jobs, job_log, identity),
                *file_routes(files, contents, self._jobs, identity),
                *resource_routes(identity, self._gateway, self._scheduler),
                *self._gateway.plain.routes(),
            ]
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._gateway.stop()
        await self._jobs.aclose()
        await self._gateway.fetcher.aclose()
        self._database.close()

    def client_token(self) -> str:
        """A token of the hub's owner; those of earlier calls become worthless."""
        self._identity.drop_label(LOCAL_USER, _OWNER_LABEL)
        return self._identity.issue_now(LOCAL_USER, _OWNER_LABEL)

    def agent_token(self, name: str) -> str:
        """A token for the agent of the owner's resource of this name; the resource is made when it is new."""
        return self._identity.add_resource(LOCAL_USER, name)[1]

    def add_passive_agent(self, name: str, uri: str, client_token: str, slots: int = 1) -> str:
        """Attach an agent that listens at this address to the owner; the id of its resource.

        Raises:
            ConfigurationError: the address is not one, or the name is that of a resource which dials in itself.
        """
        return self._gateway.add_passive(LOCAL_USER, name, uri, client_token, slots)

    async def dial_agents(self) -> None:
        """Keep the connections to passive agents until cancelled."""
        await self._gateway.dialer.run()

    def add_user(self, name: str, password: str) -> None:
        """Let somebody log in by name and password."""
        self._identity.add_user(name, password)

    @property
    def busy(self) -> bool:
        """Whether jobs are unfinished or a client follows events."""
        return self._jobs.active > 0 or self._events.connections > 0

    async def serve(self, on_ready: Callable[[str], Awaitable[None]]) -> None:
        """Serve on a socket until a signal or until idle; `on_ready` gets the URL once it accepts connections.

        Raises:
            ConfigurationError: the address is taken or cannot be used.
        """
        from .server import HubServer

        server = HubServer(self, on_ready)
        self._stop = server.stop
        await server.run()

    def stop(self) -> None:
        """Let `serve` return, once the requests that are under way are answered."""
        if self._stop is not None:
            self._stop()

    def _application(self, routes: list[Route]) -> ASGIApp:
        async def nowhere(request: Request) -> Response:
            user_of(request, self._identity)  # 401 comes before 404
            raise Refusal(404, "there is nothing at this address")

        async def events(socket: WebSocket) -> None:
            try:
                user = user_of(socket, self._identity)
            except Refusal as error:
                await socket.close(4401, error.message)
                return
            await self._events.serve(socket, user)

        every = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD"]
        sockets: list[BaseRoute] = [
            WebSocketRoute(EVENTS_PATH, events),
            WebSocketRoute(AGENT_PATH, Door(self._identity, self._gateway).serve),
        ]
        everything = [*routes, *sockets, Route("/{path:path}", nowhere, methods=every)]
        inner = Starlette(routes=everything, exception_handlers={Refusal: refusal_response})

        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            self.last_use = time.monotonic()
            await inner(scope, receive, send)

        return application
