"""What is right and wrong with a connection: facts in, findings out. No I/O, no clock."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal

from .answers import Resource, TokenInfo

__all__ = ["Answer", "ApplicationFact", "Facts", "Finding", "Level", "Login", "Network", "RoundTrip", "judge"]

_DAY = 86400.0
CLOCK_TOLERANCE = 5.0
"""Seconds; the server tells its time in whole seconds, and an answer takes its time too."""
CERTIFICATE_WARNING = 14 * _DAY
TOKEN_WARNING = 1 * _DAY
SLOW_ANSWER = 3.0


class Level(str, Enum):
    """How a check came out."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "FAILED"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True)
class Finding:
    """One line of the diagnosis: what was looked at, how it came out, and what to do (empty: nothing)."""

    check: str
    level: Level
    text: str
    advice: str = ""

    def __str__(self) -> str:
        head = f"{self.level!s:<8} {self.check:<14} {self.text}"
        return head + (f"\n{'':<24}→ {self.advice}" if self.advice else "")


@dataclass(frozen=True)
class Network:
    """The way to the server: name, connection, certificate.

    Attributes:
        proxy: whether a proxy stands between, which then does what the checks here try by themselves.
        error: why there is no connection; `tls_error` when there is one, but it is not trusted.
        expires: when the certificate does, in seconds since the epoch.
    """

    host: str
    port: int
    tls: bool
    proxy: bool = False
    loopback: bool = False
    addresses: tuple[str, ...] = ()
    resolve_error: str = ""
    error: str = ""
    tls_error: str = ""
    expires: float | None = None


@dataclass(frozen=True)
class Answer:
    """What the server said to a question without a token.

    Attributes:
        page: what a web page says that came in place of an answer.
        server_time: by its Date header; `our_time` is the time here at the middle of the exchange.
    """

    status: int | None = None
    error: str = ""
    page: str = ""
    seconds: float = 0.0
    server_time: float | None = None
    our_time: float = 0.0


@dataclass(frozen=True)
class Login:
    """The token: where it was found (empty: nowhere), and what the server says of it."""

    place: str = ""
    state: Literal["accepted", "refused", "unknown"] = "unknown"
    error: str = ""
    info: TokenInfo = field(default_factory=TokenInfo)
    command: str = ""


@dataclass(frozen=True)
class ApplicationFact:
    """What a route needs at this server.

    Attributes:
        problem: why its jobs would be refused; empty when they would not.
        pending: whether its application is published only by the first cell.
    """

    route: str
    address: str
    problem: str = ""
    pending: bool = False


@dataclass(frozen=True)
class RoundTrip:
    """A tiny job."""

    seconds: float
    error: str = ""
    resource: str = ""


@dataclass(frozen=True)
class Facts:
    """Everything that was found out; None for what was not looked at, because something before it failed.

    Attributes:
        resources: None also where the server does not list them.
        live: whether it has live output.
    """

    setup_error: str = ""
    network: Network | None = None
    answer: Answer | None = None
    login: Login | None = None
    live: bool | None = None
    service_error: str = ""
    applications: tuple[ApplicationFact, ...] = ()
    resources: tuple[Resource, ...] | None = None
    resources_error: str = ""
    round_trip: RoundTrip | None = None


def judge(facts: Facts, now: float) -> list[Finding]:
    """The findings, in the order in which a connection comes about; `now` in seconds since the epoch."""
    return list(_judge(facts, now))


def _judge(facts: Facts, now: float) -> Iterator[Finding]:
    if facts.setup_error:
        yield Finding("configuration", Level.FAILED, facts.setup_error)
    if facts.network is not None:
        yield from _network(facts.network, now)
    if facts.answer is not None:
        yield from _answer(facts.answer)
    if facts.login is not None:
        yield from _login(facts.login, now)
    if facts.live is not None:
        yield _extensions(facts.live)
    if facts.service_error:
        yield Finding("service", Level.FAILED, facts.service_error)
    elif facts.live is not None:
        yield from (_application(application) for application in facts.applications)
        yield _resources(facts)
    if facts.round_trip is not None:
        yield _round_trip(facts.round_trip)


def _network(network: Network, now: float) -> Iterator[Finding]:
    bad = Level.WARNING if network.proxy else Level.FAILED
    behind = "A proxy is configured and may reach it all the same." if network.proxy else ""
    if network.resolve_error:
        advice = behind or "Is the name spelled right? Is this machine connected, and its name server reachable?"
        yield Finding("name", bad, f"{network.host} has no address: {network.resolve_error}", advice)
        return
    yield Finding("name", Level.OK, f"{network.host} is {', '.join(network.addresses[:3])}")
    if network.error:
        advice = behind or "Does the server run, and is the port right? A firewall may stand between."
        yield Finding("connection", bad, f"port {network.port} cannot be reached: {network.error}", advice)
        return
    if network.tls_error:
        yield Finding("certificate", bad, network.tls_error, behind or _CERTIFICATE)
        return
    yield Finding("connection", Level.OK, f"port {network.port} answers{' with TLS' if network.tls else ''}")
    if not network.tls and not network.loopback:
        yield Finding(
            "certificate", Level.WARNING, "the connection is in the clear", "Use https:// if the server has it."
        )
    elif network.expires is not None:
        left = network.expires - now
        level = Level.WARNING if left < CERTIFICATE_WARNING else Level.OK
        advice = "Tell whoever runs the server." if level is Level.WARNING else ""
        yield Finding("certificate", level, f"valid until {_date(network.expires)}", advice)


_CERTIFICATE = (
    "Is the address right? For a server with a certificate of its own authority, put that authority's file into the "
    "environment variable SSL_CERT_FILE."
)


def _answer(answer: Answer) -> Iterator[Finding]:
    if answer.error:
        yield Finding("answer", Level.FAILED, answer.error, "Does an Everest server run at this address?")
        return
    said = f"status {answer.status} after {answer.seconds:.2f} s"
    if answer.status is not None and answer.status >= 500:
        page = f" ({answer.page})" if answer.page else ""
        yield Finding("answer", Level.FAILED, f"the server is in trouble: {said}{page}", "Try again in a while.")
    elif answer.status not in (401, 403):
        # without a token Everest answers 401, whatever is asked
        advice = "The address may be that of another service."
        page = f": {answer.page}" if answer.page else ""
        yield Finding("answer", Level.WARNING, f"this does not look like Everest: {said}{page}", advice)
    elif answer.seconds > SLOW_ANSWER:
        yield Finding("answer", Level.WARNING, f"slow: {said}", "Every cell waits for several such answers.")
    else:
        yield Finding("answer", Level.OK, f"after {answer.seconds:.2f} s")
    if answer.server_time is not None:
        yield _clock(answer.server_time - answer.our_time)


def _clock(ahead: float) -> Finding:
    if abs(ahead) <= CLOCK_TOLERANCE:
        return Finding("clock", Level.OK, "server and this machine agree")
    text = f"the server's clock is {abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} this machine's"
    return Finding("clock", Level.WARNING, text, "Let both be set over the network (NTP); times in logs will not fit.")


def _login(login: Login, now: float) -> Iterator[Finding]:
    advice = f"Run `{login.command}`." if login.command else ""
    if not login.place:
        yield Finding("token", Level.FAILED, login.error or "there is none for this server", advice)
    elif login.state == "refused":
        yield Finding("token", Level.FAILED, f"the server does not accept it (it is from the {login.place})", advice)
    elif login.state == "unknown":
        yield Finding("token", Level.FAILED, f"it could not be checked: {login.error}")
    else:
        user = f" for {login.info.user}" if login.info.user else ""
        text = f"accepted{user} (from the {login.place})"
        expires = login.info.expires
        if expires is None:
            yield Finding("token", Level.OK, text)
            return
        soon = expires - now < TOKEN_WARNING
        text = f"{text}, until {_date(expires)}"
        yield Finding("token", Level.WARNING if soon else Level.OK, text, advice if soon else "")


def _extensions(live: bool) -> Finding:
    if live:
        return Finding("live output", Level.OK, "this server has it")
    return Finding("live output", Level.OK, "not on this server: a job's output is shown when it ends, its log before")


def _application(fact: ApplicationFact) -> Finding:
    check = f"route {fact.route}"
    if fact.problem:
        advice = f"`%everest publish {fact.route}` in a notebook publishes what it needs."
        return Finding(check, Level.FAILED, fact.problem, advice)
    if fact.pending:
        return Finding(check, Level.OK, "its application is published with its first cell")
    return Finding(check, Level.OK, f"its application is {fact.address}")


def _resources(facts: Facts) -> Finding:
    if facts.resources_error:
        return Finding("resources", Level.FAILED, facts.resources_error)
    if facts.resources is None:
        text = "this server does not list them; routes must name them by id"
        return Finding("resources", Level.OK, text)
    advice = "Attach a machine: `everest-kernel agent`, or Everest's own agent, makes it a resource."
    if not facts.resources:
        return Finding("resources", Level.WARNING, "none is attached: jobs will wait", advice)
    online = [resource.name or resource.id for resource in facts.resources if resource.online]
    if not online and all(resource.online is None for resource in facts.resources):
        return Finding("resources", Level.OK, f"{len(facts.resources)}; the server does not say which are online")
    text = f"{len(online)} of {len(facts.resources)} online"
    if not online:
        return Finding("resources", Level.WARNING, f"{text}: jobs will wait", "Start the agents on those machines.")
    return Finding("resources", Level.OK, f"{text}: {', '.join(online[:8])}{' …' if len(online) > 8 else ''}")


def _round_trip(trip: RoundTrip) -> Finding:
    if trip.error:
        return Finding("job", Level.FAILED, f"a tiny job did not come back ({trip.seconds:.1f} s): {trip.error}")
    where = f" on {trip.resource}" if trip.resource else ""
    return Finding("job", Level.OK, f"a tiny job came back after {trip.seconds:.1f} s{where}")


def _date(moment: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(moment))
