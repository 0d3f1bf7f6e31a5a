"""Which agents the hub dials, in its database."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit, urlunsplit

from ..wire import PASSIVE_PATH, ConfigurationError
from .database import Database
from .identity import Identity

__all__ = ["PassiveAgent", "PassiveAgents", "read_address"]


@dataclass(frozen=True)
class PassiveAgent:
    """An agent in passive mode, attached as a resource.

    Attributes:
        uri: of its door, `ws://host:port/agent/ws`.
        client_token: one of its `clientTokens`.
        slots: tasks that it is given at once, when it does not say itself how many it runs.
    """

    resource: str
    name: str
    uri: str
    client_token: str = field(repr=False)
    slots: int

    @property
    def base(self) -> str:
        """What its server-relative addresses are relative to."""
        parts = urlsplit(self.uri)
        return urlunsplit(("https" if parts.scheme == "wss" else "http", parts.netloc, "", "", ""))


class PassiveAgents:
    """The table of passive agents."""

    def __init__(self, database: Database, identity: Identity) -> None:
        self._database = database
        self._identity = identity

    def add(self, user: str, name: str, uri: str, client_token: str, slots: int | None) -> PassiveAgent:
        """Attach an agent as a resource of this user, or change how an attached one is dialled.

        Without `slots` it has those of the address, or one.

        Raises:
            ConfigurationError: the address is not one, or the user has an agent of this name that dials in itself.
        """
        address, in_address = read_address(uri)
        slots = in_address if slots is None else slots
        if slots < 1 or not client_token:
            raise ConfigurationError(f"the passive agent {name!r} needs a client token and at least one slot")
        present = next((r for r, _, n in self._identity.resources(user) if n == name), None)
        if present is not None and self.find(present) is None:
            raise ConfigurationError(
                f"the resource {name!r} has an agent that dials in itself", hint="Choose another name."
            )
        resource = present or self._identity.add_resource(user, name)[0]  # nobody gets its agent token
        row = (resource, address, client_token, slots)
        self._database.run(lambda c: c.execute("INSERT OR REPLACE INTO passive_agents VALUES (?, ?, ?, ?)", row))
        return PassiveAgent(resource, name, address, client_token, slots)

    def find(self, resource: str) -> PassiveAgent | None:
        """How this resource is dialled, or None."""
        return next((agent for agent in self.all() if agent.resource == resource), None)

    def all(self) -> list[PassiveAgent]:
        """All of them; one whose resource is gone is not among them."""
        rows = self._database.query(
            "SELECT p.resource, r.name, p.uri, p.client_token, p.slots "
            "FROM passive_agents p JOIN resources r ON r.id = p.resource ORDER BY r.name"
        )
        return [PassiveAgent(*row) for row in rows]

    def remove(self, resource: str) -> None:
        """Do not dial it any more; the resource stays."""
        self._database.run(lambda c: c.execute("DELETE FROM passive_agents WHERE resource = ?", (resource,)))


class Address(NamedTuple):
    """What a user writes: the address of the door, and how many slots."""

    uri: str
    slots: int


def read_address(text: str) -> Address:
    """Read `ws://host:port`, `wss://…`, with or without the door's path, and with `?slots=N`.

    Raises:
        ConfigurationError: it is something else.
    """
    try:
        parts = urlsplit(text)
        fit = parts.scheme in ("ws", "wss") and parts.hostname and parts.port is not None and not parts.username
        slots = int(parse_qs(parts.query).get("slots", ["1"])[0])
    except ValueError:
        fit, slots = False, 0
    if not fit or slots < 1:
        raise ConfigurationError(
            f"{text[:100]!r} is not the address of a passive agent", hint="Write ws://HOST:PORT or wss://HOST:PORT."
        )
    path = PASSIVE_PATH if parts.path in ("", "/") else parts.path
    return Address(urlunsplit((parts.scheme, parts.netloc, path, "", "")), slots)
