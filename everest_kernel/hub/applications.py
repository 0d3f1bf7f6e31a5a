"""The applications of the hub."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

import msgspec

from ..wire import Application
from .database import Database
from .identity import new_id

__all__ = ["AliasTakenError", "Applications"]


class AliasTakenError(ValueError):
    """The user has an application of this alias already."""


class Applications:
    """Published applications, in the database and in memory; every user may run each of them.

    Args:
        built_in: applications of the hub itself: found by id and alias, not listed.
    """

    def __init__(self, database: Database, built_in: Iterable[Application] = ()) -> None:
        self._database = database
        self._by_id: dict[str, Application] = {}
        self._by_alias: dict[str, Application] = {}
        for application in built_in:
            self._remember(application)
        self._built_in = frozenset(self._by_id)
        for (body,) in database.query("SELECT body FROM applications ORDER BY id"):
            self._remember(msgspec.json.decode(body, type=Application))

    def all(self, user: str) -> list[Application]:
        """All applications that a user can run."""
        return [application for app_id, application in self._by_id.items() if app_id not in self._built_in]

    def find(self, user: str, name: str) -> Application | None:
        """By id or by `user/alias`."""
        return self._by_id.get(name) or self._by_alias.get(name)

    async def create(self, user: str, application: Application) -> Application:
        """Publish; gives it with its id.

        Raises:
            AliasTakenError: the user has one of this alias.
        """
        app_id = new_id()
        complete = msgspec.structs.replace(application, id=app_id, user=user, alias=application.alias or app_id)
        await self._write(complete)
        return complete

    async def replace(self, present: Application, application: Application) -> Application:
        """Change one; its id stays.

        Raises:
            AliasTakenError: the user has another one of the new alias.
        """
        alias = application.alias or present.alias
        complete = msgspec.structs.replace(application, id=present.id, user=present.user, alias=alias)
        await self._write(complete)
        if alias != present.alias:
            self._by_alias.pop(f"{present.user}/{present.alias}", None)
        return complete

    async def delete(self, application: Application) -> None:
        """Withdraw one; its jobs stay."""
        await self._database.write(
            lambda connection: connection.execute("DELETE FROM applications WHERE id = ?", (application.id,))
        )
        del self._by_id[application.id]
        self._by_alias.pop(f"{application.user}/{application.alias}", None)

    async def _write(self, application: Application) -> None:
        row = (application.id, application.user, application.alias, msgspec.json.encode(application))
        change = "INSERT INTO applications VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET alias = ?3, body = ?4"
        try:
            await self._database.write(lambda connection: connection.execute(change, row))
        except sqlite3.IntegrityError as error:
            raise AliasTakenError(f"there is an application {application.alias!r} already") from error
        self._remember(application)

    def _remember(self, application: Application) -> None:
        self._by_id[application.id] = application
        self._by_alias[f"{application.user}/{application.alias}"] = application
