"""The applications of the hub."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from ..wire import Application, ApplicationFile, file_uri
from .contents import Content
from .database import Database
from .files import Files
from .identity import new_id

__all__ = ["AliasTakenError", "Applications"]


class AliasTakenError(ValueError):
    """The user has an application of this alias already, or another one answers to a name."""


class Applications:
    """Published applications, in the database and in memory; every user may run each of them.

    Args:
        built_in: applications of the hub itself: found by id and alias, not listed. A published one may take a name of
            theirs.
    """

    def __init__(self, database: Database, files: Files, built_in: Iterable[Application] = ()) -> None:
        self._database = database
        self._files = files
        self._by_id: dict[str, Application] = {}
        self._by_alias: dict[str, Application] = {}
        self._further: dict[str, str] = {}
        self._built_in: dict[str, Application] = {}
        for application in built_in:
            self._built_in |= dict.fromkeys((application.id, f"{application.user}/{application.alias}"), application)
        for (body,) in database.query("SELECT body FROM applications ORDER BY id"):
            self._remember(msgspec.json.decode(body, type=Application))
        for name, app_id in database.query("SELECT name, application FROM application_names"):
            self._further[name] = app_id

    def all(self, user: str) -> list[Application]:
        """All applications that a user can run."""
        return list(self._by_id.values())

    def find(self, user: str, name: str) -> Application | None:
        """By id, by `user/alias`, or by a further name that it got at its import."""
        return self._published(name) or self._built_in.get(name)

    def _published(self, name: str) -> Application | None:
        return self._by_id.get(name) or self._by_alias.get(name) or self._by_id.get(self._further.get(name, ""))

    def is_built_in(self, application: Application) -> bool:
        """Whether it is one of the hub itself, which nobody can change."""
        return self._built_in.get(application.id) is application

    async def create(
        self, user: str, application: Application, contents: Mapping[str, Content], *, ids: Sequence[str] = ()
    ) -> Application:
        """Publish; gives it with its id.

        Args:
            user: its owner.
            application: its description.
            contents: its files by their path in a task's directory.
            ids: what it answers to. The first that has no slash becomes its id.

        Raises:
            AliasTakenError: the user has one of this alias, or another one answers to one of `ids`.
        """
        taken = [name for name in ids if self._published(name) is not None]
        if taken:
            raise AliasTakenError(f"another application answers to {taken[0]!r}")
        app_id = next((name for name in ids if "/" not in name), None) or new_id()
        complete = msgspec.structs.replace(application, id=app_id, user=user, alias=application.alias or app_id)
        further = [name for name in dict.fromkeys(ids) if name != app_id]
        return await self._write(complete, contents, further)

    async def replace(
        self, present: Application, application: Application, contents: Mapping[str, Content]
    ) -> Application:
        """Change one; its id stays, and so do the names it answers to.

        Raises:
            AliasTakenError: the user has another one of the new alias.
        """
        alias = application.alias or present.alias
        complete = msgspec.structs.replace(application, id=present.id, user=present.user, alias=alias)
        complete = await self._write(complete, contents, [])
        if alias != present.alias:
            self._by_alias.pop(f"{present.user}/{present.alias}", None)
        return complete

    async def delete(self, application: Application) -> None:
        """Withdraw one with its files; its jobs stay, and those that have not ended keep what they need."""

        def write(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM applications WHERE id = ?", (application.id,))
            connection.execute("DELETE FROM application_names WHERE application = ?", (application.id,))
            self._files.drop_job(connection, application.id)

        await self._database.write(write)
        self._by_id.pop(application.id, None)
        self._by_alias.pop(f"{application.user}/{application.alias}", None)
        self._further = {name: app_id for name, app_id in self._further.items() if app_id != application.id}

    async def _write(
        self, application: Application, contents: Mapping[str, Content], further: Sequence[str]
    ) -> Application:
        if self._further.get(f"{application.user}/{application.alias}", application.id) != application.id:
            raise AliasTakenError(f"another application answers to {application.user}/{application.alias}")
        kept = {path: file_uri("apps", application.id, *path.split("/")) for path in contents}
        entries = [ApplicationFile(path, kept[path], c.size, c.sha256.hex()) for path, c in contents.items()]
        complete = msgspec.structs.replace(application, files=tuple(msgspec.to_builtins(e) for e in entries))
        row = (complete.id, complete.user, complete.alias, msgspec.json.encode(complete))

        def write(connection: sqlite3.Connection) -> None:
            connection.execute(
                "INSERT INTO applications VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET alias = ?3, body = ?4", row
            )
            connection.executemany("INSERT INTO application_names VALUES (?, ?)", [(n, complete.id) for n in further])
            for path, content in contents.items():
                content.write(connection)
                self._files.check(connection, content)
                self._files.insert(connection, kept[path], complete.user, complete.id, content)
            for (uri,) in connection.execute("SELECT uri FROM files WHERE job_id = ?", (complete.id,)).fetchall():
                if uri not in kept.values():
                    self._files.drop_uri(connection, uri)

        try:
            await self._database.write(write)
        except sqlite3.IntegrityError as error:
            raise AliasTakenError(f"there is an application {application.alias!r} already") from error
        self._remember(complete)
        self._further |= dict.fromkeys(further, complete.id)
        return complete

    def _remember(self, application: Application) -> None:
        self._by_id[application.id] = application
        self._by_alias[f"{application.user}/{application.alias}"] = application
