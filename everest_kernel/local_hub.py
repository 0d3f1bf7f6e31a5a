"""The embedded hub as a process: the hub, one agent on this machine, and the file by which clients find them."""

from __future__ import annotations

import asyncio
import json
import os
import platform
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import filelock
import msgspec

from . import __version__
from .agent import Agent, AgentSettings
from .hub import Hub, HubSettings
from .wire import AGENT_PATH, ConfigurationError, EverestError, HubRecord, hub_home, record_path, run_lock_path

__all__ = ["IDLE_TIMEOUT", "Passive", "locked", "read_record", "run_hub"]

IDLE_TIMEOUT = 3600.0
"""Seconds without work after which a hub that started by itself ends itself."""
LOCAL_RESOURCE = "local"


@dataclass(frozen=True)
class Passive:
    """An agent that the hub dials, as the command line names it."""

    name: str
    uri: str
    token: str = field(repr=False)


def run_hub(
    *,
    home: Path | None,
    host: str,
    port: int,
    slots: int | None,
    with_agent: bool,
    idle_timeout: float | None,
    as_json: bool,
    tls: tuple[Path, Path] | None = None,
    failed_as_cancelled: bool = False,
    passive: Sequence[Passive] = (),
) -> None:
    """Run the hub until it is told to stop or has been idle for long; see `HubSettings`.

    Raises:
        ConfigurationError: another hub runs in the same home, or the port is taken.
    """
    home = home or hub_home()
    with locked(home):
        try:
            settings = HubSettings(
                home=home,
                host=host,
                port=port,
                idle_timeout=idle_timeout,
                tls=tls,
                failed_as_cancelled=failed_as_cancelled,
            )
            _run(_serve(settings, slots if with_agent else 0, as_json, passive))
        finally:
            record_path(home).unlink(missing_ok=True)


@contextmanager
def locked(home: Path) -> Iterator[None]:
    """Hold the lock of a hub's home, which exists from now on.

    Raises:
        ConfigurationError: a hub runs there, or the folder cannot be used.
    """
    lock = filelock.FileLock(run_lock_path(home), timeout=0)
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock.acquire()
    except filelock.Timeout:
        record = read_record(home)
        where = f" at {record.url}" if record else ""
        raise ConfigurationError(
            f"a hub already runs in {home}{where}",
            hint="Use that one, stop it first, or name another folder with --home.",
        ) from None
    except OSError as error:
        raise ConfigurationError(f"the hub's folder {home} cannot be used: {error.strerror}") from error
    try:
        yield
    finally:
        lock.release()


def _run(main: object) -> None:
    try:
        import uvloop
    except ImportError:
        asyncio.run(main)  # type: ignore[arg-type]
    else:
        uvloop.run(main)


async def _serve(settings: HubSettings, slots: int | None, as_json: bool, passive: Sequence[Passive]) -> None:
    async with Hub(settings) as hub:
        for agent in passive:
            hub.add_passive_agent(agent.name, agent.uri, agent.token)
        token = hub.client_token()

        async def ready(url: str) -> None:
            _write_record(settings.home, HubRecord(url, token, os.getpid(), __version__))
            _announce(settings.home, hub.public_url, as_json)
            if slots != 0:
                group.start_soon(_agent(hub, url, slots, settings.home).run)

        failure: EverestError | None = None
        async with anyio.create_task_group() as group:
            try:
                await hub.serve(on_ready=ready)
            except EverestError as error:  # a task group would wrap it in a group of its own
                failure = error
            group.cancel_scope.cancel()
        if failure is not None:
            raise failure


def _agent(hub: Hub, url: str, slots: int | None, home: Path) -> Agent:
    return Agent(
        AgentSettings(
            server_uri=url.replace("http", "ws", 1) + AGENT_PATH,
            token=hub.agent_token(LOCAL_RESOURCE),
            name=platform.node() or LOCAL_RESOURCE,
            slots=slots,
            tasks_dir=home / "tasks",
        )
    )


def _write_record(home: Path, record: HubRecord) -> None:
    path = record_path(home)
    temporary = path.with_suffix(".new")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as stream:
        stream.write(msgspec.json.encode(record))
    os.replace(temporary, path)


def _announce(home: Path, url: str, as_json: bool) -> None:
    if as_json:
        line = json.dumps({"url": url, "pid": os.getpid(), "tokenFile": str(record_path(home))})
    else:
        line = f"Everest hub at {url}; its token is in {record_path(home)}. Ctrl-C stops it."
    print(line, flush=True)


def read_record(home: Path | None = None) -> HubRecord | None:
    """The record of a hub that runs, or None."""
    home = home or hub_home()
    try:
        record = msgspec.json.decode(record_path(home).read_bytes(), type=HubRecord)
    except (FileNotFoundError, msgspec.DecodeError):
        return None
    lock = filelock.FileLock(run_lock_path(home), timeout=0)
    try:
        lock.acquire()
    except filelock.Timeout:
        return record  # the hub holds it
    lock.release()
    return None
