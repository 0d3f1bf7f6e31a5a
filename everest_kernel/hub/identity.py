"""Who is who: users, passwords, tokens, and the resources that agents attach."""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
import time
from dataclasses import dataclass

from .database import Database, Write

__all__ = ["DEFAULT_LIFETIME", "LOCAL_USER", "Identity", "TokenInfo", "new_id"]

LOCAL_USER = "local"
"""The one user of a hub that nobody has told otherwise."""
DEFAULT_LIFETIME = 7 * 86400
"""Seconds that a token lives when the client does not say: Everest's one week."""


def new_id() -> str:
    """Twenty-four hexadecimal digits: eight of the time, so that ids sort by age, and sixteen at random."""
    return f"{int(time.time()):08x}{secrets.token_hex(8)}"


def new_token() -> str:
    """Sixty-four lower-case letters and digits, the shape of Everest's tokens; 256 bits at random."""
    return secrets.token_hex(32)


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


@dataclass(frozen=True)
class TokenInfo:
    """What a token stands for.

    Attributes:
        created: seconds since the epoch.
        expires: likewise; None: never.
        task: whether it is that of a running task, which may do less with it than its owner.
    """

    user: str
    label: str
    created: int
    expires: int | None
    task: bool = False


class Identity:
    """Users and tokens in the database; the tokens of running tasks in memory."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._task_tokens: dict[str, str] = {}
        self._known: dict[str, TokenInfo] = {}
        database.run(lambda connection: connection.execute("DELETE FROM tokens WHERE expires < ?", (int(time.time()),)))
        self._owners = {resource: owner for resource, owner, _ in self.resources()}

    async def issue(self, user: str, label: str, lifetime: int | None) -> str:
        """A new client token; `lifetime` in seconds, None for one that does not expire."""
        token = new_token()
        await self._database.write(self._insert(token, user, label, lifetime))
        return token

    def issue_now(self, user: str, label: str) -> str:
        """The same without an event loop, for the hub's start; it does not expire."""
        token = new_token()
        self._database.run(self._insert(token, user, label, None))
        return token

    def _insert(self, token: str, user: str, label: str, lifetime: int | None) -> Write:
        now = int(time.time())
        row = (_hash(token), user, label, now, None if lifetime is None else now + lifetime)

        def write(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT INTO tokens VALUES (?, ?, ?, ?, ?)", row)

        return write

    def drop_label(self, user: str, label: str) -> None:
        """Revoke all tokens of a label: those of the hub's earlier runs."""
        self._database.run(
            lambda connection: connection.execute("DELETE FROM tokens WHERE user = ? AND label = ?", (user, label))
        )

    def who(self, token: str) -> TokenInfo | None:
        """What a token stands for, or None when it is unknown or expired."""
        if token in self._task_tokens:
            return TokenInfo(self._task_tokens[token], "task", 0, None, task=True)
        info = self._known.get(token)
        if info is None:
            row = self._database.first("SELECT user, label, created, expires FROM tokens WHERE hash = ?", _hash(token))
            if row is None:
                return None
            info = self._known[token] = TokenInfo(*row)
        if info.expires is not None and time.time() >= info.expires:
            del self._known[token]
            return None
        return info

    async def revoke(self, token: str) -> None:
        """Make a token worthless."""
        self._known.pop(token, None)
        await self._database.write(
            lambda connection: connection.execute("DELETE FROM tokens WHERE hash = ?", (_hash(token),))
        )

    def issue_for_task(self, user: str) -> str:
        """A token that a running task may use as its job's owner."""
        token = new_token()
        self._task_tokens[token] = user
        return token

    def end_task(self, token: str) -> None:
        """The task that had this token is over."""
        self._task_tokens.pop(token, None)

    def add_user(self, name: str, password: str) -> None:
        """Create a user, or change the password."""
        self.set_password_hash(name, self.password_hash(password))

    @staticmethod
    def password_hash(password: str) -> str:
        """What is kept of a password. Slow on purpose: call it on a thread where others wait."""
        from argon2 import PasswordHasher

        return PasswordHasher().hash(password.encode("utf-8", "surrogatepass"))

    def set_password_hash(self, name: str, digest: str) -> None:
        """Create a user, or change the password, by its hash."""
        self._database.run(
            lambda connection: connection.execute("INSERT OR REPLACE INTO users VALUES (?, ?)", (name, digest))
        )

    def users(self) -> list[str]:
        """Who can log in by name and password."""
        return [str(row[0]) for row in self._database.query("SELECT name FROM users ORDER BY name")]

    def check_password(self, name: str, password: str) -> bool:
        """Whether the password is this user's. Slow on purpose, also for unknown users."""
        from argon2 import PasswordHasher
        from argon2.exceptions import Argon2Error, InvalidHashError

        row = self._database.first("SELECT password_hash FROM users WHERE name = ?", name)
        hasher = PasswordHasher()
        try:
            known = row[0] if row else hasher.hash(secrets.token_hex(8))
            return hasher.verify(known, password.encode("utf-8", "surrogatepass")) and row is not None
        except (Argon2Error, InvalidHashError):
            return False

    def add_resource(self, user: str, name: str, resource_id: str = "") -> tuple[str, str]:
        """Attach a resource, or give an existing one a new token; its id and its agent token.

        `resource_id` is the id of a new one; by default one is made.
        """
        token = new_token()
        row = self._database.first("SELECT id FROM resources WHERE user = ? AND name = ?", user, name)
        resource_id = row[0] if row else resource_id or new_id()
        values = (resource_id, user, name, _hash(token))
        self._database.run(
            lambda connection: connection.execute("INSERT OR REPLACE INTO resources VALUES (?, ?, ?, ?)", values)
        )
        self._owners[resource_id] = user
        return resource_id, token

    async def delete_resource(self, resource: str) -> None:
        """Detach a resource: its agent's token is worthless."""
        await self._database.write(
            lambda connection: connection.execute("DELETE FROM resources WHERE id = ?", (resource,))
        )
        self._owners.pop(resource, None)

    def may_use(self, user: str, resource: str) -> bool:
        """Whether a user's jobs may run there: on the user's own resources, and on those of the hub's owner."""
        return self._owners.get(resource) in (user, LOCAL_USER)

    def resource_of(self, token: str) -> tuple[str, str, str] | None:
        """Id, owner and name of the resource whose agent has this token."""
        row = self._database.first("SELECT id, user, name FROM resources WHERE token_hash = ?", _hash(token))
        return (row[0], row[1], row[2]) if row else None

    def resources(self, user: str | None = None) -> list[tuple[str, str, str]]:
        """Id, owner and name of all resources, or of a user's."""
        rows = self._database.query(
            "SELECT id, user, name FROM resources WHERE ?1 IS NULL OR user = ?1 ORDER BY name", user
        )
        return [(row[0], row[1], row[2]) for row in rows]
