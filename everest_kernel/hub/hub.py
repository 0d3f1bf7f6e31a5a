"""The hub: its parts put together, and served."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from ..wire import AGENT_PATH, EVENTS_PATH
from .applications import Applications
from .contents import Contents
from .database import Database
from .dialer import hub_address
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
    Elsewhere,
    Refusal,
    application_routes,
    auth_routes,
    file_routes,
    job_routes,
    openapi_routes,
    refusal_response,
    resource_routes,
    user_of,
    user_routes,
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
        host: address to listen on.
        port: 0 for any free one.
        idle_timeout: seconds without work or clients after which it ends itself; None: never.
        agent_grace: seconds that an agent may be away before its tasks are given to another.
        ping: seconds between keep-alive pings to agents and followers, and how long the answer may take.
        failed_as_cancelled: report failed jobs as CANCELLED to the old C++ client, which does not know FAILED.
        tls: files of a certificate and its key. Then `host` and `port` speak HTTPS, and the hub's own agent and client
            use plain HTTP on a loopback port beside it: the certificate need not be for a name of this machine.
    """

    home: Path
    host: str = "127.0.0.1"
    port: int = 0
    idle_timeout: float | None = None
    agent_grace: float = 30.0
    ping: tuple[float, float] = (20.0, 20.0)
    failed_as_cancelled: bool = False
    tls: tuple[Path, Path] | None = None


class Hub:
    """An Everest for one person, one laboratory or one class. Use as an asynchronous context manager."""

    def __init__(self, settings: HubSettings) -> None:
        self.settings = settings
        self.url = "http://hub.invalid"
        self.public_url = self.url
        self.last_use = time.monotonic()
        self._stop: Callable[[], None] | None = None
        settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)

    async def __aenter__(self) -> Hub:
        database = self._database = Database(self.settings.home / "hub.sqlite")
        contents = Contents(database, self.settings.home / "files")
        files = Files(database, contents)
        job_log = JobLog(database)
        self._identity = Identity(database)
        self._scheduler = Scheduler(grace=self.settings.agent_grace, may_use=self._identity.may_use)
        self._jobs = Jobs(database, contents, files, self._scheduler, job_log, self._identity)
        submissions = Submissions(self._identity, files)
        self._gateway = Gateway(
            self._jobs.tasks, self._scheduler, self._identity, submissions, contents, files, job_log,
            PlainTasks(), PassiveAgents(database, self._identity),
            lambda local: hub_address(self.url, self.public_url, local), self.settings.agent_grace,
        )  # fmt: skip
        self._events = Events(self._jobs, files)
        loop = asyncio.get_running_loop()
        self._jobs.recover([resource for resource, _, _ in self._identity.resources()], loop.time())
        self._gateway.start()
        identity = self._identity
        applications = Applications(database, files, SWEEP_APPLICATIONS)
        self.routes: list[Route] = [
            *auth_routes(identity),
            *application_routes(applications, self._jobs, files, contents, identity),
            *job_routes(self._jobs, job_log, identity, failed_as_cancelled=self.settings.failed_as_cancelled),
            *file_routes(files, contents, self._jobs, identity),
            *resource_routes(identity, self._gateway, self._scheduler),
            *user_routes(identity),
            *openapi_routes(),
        ]
        self.asgi: ASGIApp = self._application([*self.routes, *self._gateway.plain.routes()])
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

    def add_passive_agent(self, name: str, uri: str, client_token: str, slots: int | None = None) -> str:
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
        async def events(socket: WebSocket) -> None:
            try:
                user = user_of(socket, self._identity)
            except Refusal as error:
                await socket.close(4401, error.message)
                return
            await self._events.serve(socket, user)

        sockets: list[BaseRoute] = [
            WebSocketRoute(EVENTS_PATH, events),
            WebSocketRoute(AGENT_PATH, Door(self._identity, self._gateway).serve),
        ]
        elsewhere = Elsewhere(routes, self._identity)
        everything = [*routes, *sockets, Route("/{path:path}", elsewhere)]
        inner = Starlette(routes=everything, exception_handlers={Refusal: refusal_response})
        # no pattern matches a path with a line break
        inner.router.redirect_slashes, inner.router.default = False, elsewhere

        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            self.last_use = time.monotonic()
            await inner(scope, receive, send)

        return application
