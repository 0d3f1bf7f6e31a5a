"""`doctor`: everything that a cell needs of a server, looked at in the order in which it is needed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import anyio

from ..routes import EMBEDDED, Configuration, Route, load_configuration, route_table
from ..wire import AuthenticationError, ConfigurationError, EverestError, EverestTimeoutError
from .channels import Nowhere
from .finish import finish
from .job_source import Caller, Submission
from .memory import NoMemory
from .options import RemoteOptions
from .prepare import prepare
from .remote_run import RemoteRun
from .servers import find_token, server_settings
from .session import NotebookSession

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from ..client import ApplicationFact, EverestClient, Facts, Finding, Login, RoundTrip

__all__ = ["examine", "healthy"]

_T = TypeVar("_T")
_SECONDS = 15.0
_JOB_SECONDS = 120.0
_ROUTE = "shell"


async def examine(name: str, folder: Path, *, job: bool = False) -> list[Finding]:
    """Look at a server step by step; each step takes a limited time.

    Args:
        name: of the server; empty for the default one.
        folder: whose configuration counts.
        job: whether to run a tiny job, too.
    """
    from ..client import Facts, judge

    try:
        configuration = load_configuration(folder)
        facts = await _examine(name or configuration.default_server, configuration, folder, job)
    except ConfigurationError as error:
        facts = Facts(setup_error=str(error))
    return judge(facts, time.time())


def healthy(findings: Iterable[Finding]) -> bool:
    """Whether nothing failed."""
    return not any(finding.level == "FAILED" for finding in findings)


async def _examine(name: str, configuration: Configuration, folder: Path, job: bool) -> Facts:
    import httpx

    from ..client import EverestClient, Facts, Server, ask_without_token, embedded_server, look_at_network

    try:
        if name == EMBEDDED:
            server = await embedded_server()
        else:
            server = Server(server_settings(name, configuration).url, name=name)
    except EverestError as error:
        return Facts(setup_error=str(error))
    facts = Facts(network=await look_at_network(server.url))
    network = facts.network
    if network is not None and not network.proxy and (network.resolve_error or network.error or network.tls_error):
        return facts
    async with EverestClient(server, timeout=httpx.Timeout(_SECONDS)) as client:
        facts = replace(facts, answer=await ask_without_token(client))
        if facts.answer is None or facts.answer.error:
            return facts
        login = await _look_at_token(name, client)
        facts = replace(facts, login=login)
        if login.state != "accepted":
            return facts
        facts = await _look_at_service(facts, name, configuration, client)
        if job and not facts.service_error:
            facts = replace(facts, round_trip=await _round_trip(name, configuration, client, folder))
        return facts


async def _look_at_token(name: str, client: EverestClient) -> Login:
    from ..client import Login

    server = client.server
    login = Login(command=server.login_command if server.name else "")
    if name == EMBEDDED:
        login = replace(login, place="hub's own record")
    else:
        try:
            found = await asyncio.to_thread(find_token, name, server.url)
        except ConfigurationError as error:
            return replace(login, error=str(error))
        if found is None:
            return login
        server.token = found.token
        login = replace(login, place=found.place)
    try:
        info = await _limited(client.token_info())
        await _limited(client.extensions())  # where there is no word on tokens, this tells a good one from a bad one
    except AuthenticationError as error:
        return replace(login, state="refused", error=error.message)
    except EverestError as error:
        return replace(login, error=error.message)
    return replace(login, state="accepted", info=info)


async def _look_at_service(facts: Facts, name: str, configuration: Configuration, client: EverestClient) -> Facts:
    try:
        facts = replace(facts, live=bool((await client.extensions()).events))
        routes = [route for route in route_table(configuration).values() if route.server == name]
        facts = replace(facts, applications=tuple([await _application(route, client) for route in routes]))
    except EverestError as error:
        return replace(facts, service_error=error.message)
    try:
        found = await _limited(client.resources())
    except EverestError as error:
        return replace(facts, resources_error=error.message)
    return replace(facts, resources=None if found is None else tuple(found))


async def _application(route: Route, client: EverestClient) -> ApplicationFact:
    from ..client import ApplicationFact

    wanted = route.cell_application
    try:
        if route.resources:
            await _limited(client.resource_ids(route.resources))
        if route.application:
            await _limited(client.check_application(route.application, wanted))
            return ApplicationFact(route.name, route.application)
        present = {application.alias for application in await _limited(client.applications())}
    except ConfigurationError as error:
        return ApplicationFact(route.name, route.application, problem=error.message)
    return ApplicationFact(route.name, wanted.alias, pending=wanted.alias not in present)


async def _round_trip(name: str, configuration: Configuration, client: EverestClient, folder: Path) -> RoundTrip:
    """A job of the route `shell` that adds two numbers, at this server."""
    from ..client import RoundTrip

    began, values = time.monotonic(), dict[str, Any]()
    options = RemoteOptions(_ROUTE, outputs=("answer",), name="everest-kernel doctor", time_limit=_JOB_SECONDS)
    try:
        prepared = prepare(options, "answer=$((6 * 7))", {}, {}, folder)
        if prepared.route.server != name:  # the route is for another one: its application and resources are not here
            prepared = replace(prepared, route=replace(prepared.route, server=name, application="", resources=()))
        session = NotebookSession(NoMemory())
        session.use_client(name, client)
        run = RemoteRun(Submission(prepared, session.memory, Caller(), fresh=True), Nowhere(), "")
        with anyio.fail_after(_JOB_SECONDS):
            outcome = await run.run(session)
        finish(run, outcome, values, folder)
    except TimeoutError:
        return RoundTrip(time.monotonic() - began, f"it was not over after {_JOB_SECONDS:g} s and was cancelled")
    except EverestError as error:
        return RoundTrip(time.monotonic() - began, str(error))
    wrong = "" if values.get("answer") == "42" else f"it answered {values.get('answer')!r} where 42 was right"
    return RoundTrip(time.monotonic() - began, wrong, run.header.resource)


async def _limited(work: Awaitable[_T]) -> _T:
    """At most some seconds in all, however often a request is repeated.

    Raises:
        EverestError: it took longer, or went wrong.
    """
    try:
        with anyio.fail_after(_SECONDS):
            return await work
    except TimeoutError as error:
        raise EverestTimeoutError(f"no answer within {_SECONDS:g} s") from error
