"""What the hub's owner asks of it: over HTTP when it runs, else of the same application in memory."""

from __future__ import annotations

import asyncio
import zipfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec

from ..wire import Application, ConfigurationError, RefusedError, TransportError, hub_home

__all__ = ["add_user", "import_application"]

_TIMEOUT = 60.0


def add_user(home: Path | None, name: str, password: str) -> None:
    """Create a user of the hub in `home`, or change the password.

    Raises:
        RefusedError: the name or the password cannot be used.
    """
    asyncio.run(_ask(home, "/api/users", json={"name": name, "password": password}))


def import_application(home: Path | None, file: Path, ids: Sequence[str]) -> Application:
    """Publish an application on the hub in `home`.

    Args:
        home: the hub's folder; None for the user's own.
        file: a ZIP archive as Everest exports it, or an `application.json`.
        ids: ids and `user/alias` names that it answers to beside its own.

    Raises:
        ConfigurationError: the file cannot be read.
        RefusedError: it is no application, or another one has one of the names.
    """
    try:
        content = file.read_bytes()
        kind = "application/zip" if zipfile.is_zipfile(file) else "application/json"
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror}") from error
    headers = {"Content-Type": kind}
    answer = asyncio.run(_ask(home, "/api/apps", content=content, headers=headers, params={"id": list(ids)}))
    return msgspec.json.decode(answer, type=Application)


async def _ask(home: Path | None, path: str, **request: Any) -> bytes:
    async with _owner(home or hub_home()) as client:
        try:
            answer = await client.post(path, **request)
        except httpx.HTTPError as error:
            raise TransportError(f"the hub does not answer: {error}", hint="Is it just starting or ending?") from error
    if not answer.is_success:
        raise RefusedError(f"the hub refused: {_reason(answer)}", status=answer.status_code)
    return answer.content


def _reason(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["error"])
    except (ValueError, KeyError, TypeError):
        return answer.reason_phrase


@asynccontextmanager
async def _owner(home: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the hub's owner. The database is the running hub's alone; where none runs, it is opened here."""
    from ..hub import Hub, HubSettings
    from ..local_hub import locked, read_record

    record = read_record(home)
    if record is not None:
        headers = {"Authorization": f"Bearer {record.token}"}
        async with httpx.AsyncClient(base_url=record.url, headers=headers, timeout=_TIMEOUT, trust_env=False) as client:
            yield client
        return
    with locked(home):
        async with Hub(HubSettings(home=home)) as hub:
            headers = {"Authorization": f"Bearer {hub.client_token()}"}
            transport = httpx.ASGITransport(hub.asgi)
            async with httpx.AsyncClient(transport=transport, base_url="http://hub.invalid", headers=headers) as client:
                yield client
