"""Finds the embedded hub of this user, or starts it."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import IO

import anyio
import filelock
import httpx
import msgspec

from ..interrupt_mask import interrupts_let_in
from ..wire import (
    EXTENSIONS_PATH,
    ConfigurationError,
    HubRecord,
    HubStartError,
    hub_home,
    log_path,
    record_path,
    start_lock_path,
)
from .server import Server

__all__ = ["embedded_server", "running_hub"]

START_TIMEOUT = 30.0


async def embedded_server(home: Path | None = None) -> Server:
    """The hub of this user as a server; started when it does not run.

    Raises:
        HubStartError: it cannot be started; the message has the end of its log.
        ConfigurationError: its record is not safe to trust.
    """
    home = home or hub_home()
    record = await _running(home)
    if record is None:
        record = await asyncio.to_thread(_start_once, home)
    return Server(record.url, record.token, renew=lambda: embedded_server(home))


async def running_hub(home: Path | None = None) -> HubRecord | None:
    """The record of the hub of this user when it runs; it is not started.

    Raises:
        ConfigurationError: its record is not safe to trust.
    """
    return await _running(home or hub_home())


async def _running(home: Path) -> HubRecord | None:
    record = _read_record(home)
    if record is None:
        return None
    headers = {"Authorization": f"Bearer {record.token}"}
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
            response = await client.get(record.url + EXTENSIONS_PATH, headers=headers)
    except httpx.HTTPError:
        return None  # it has died and left its record
    return record if response.status_code == 200 else None


def _read_record(home: Path) -> HubRecord | None:
    path = record_path(home)
    try:
        with path.open("rb") as stream:
            _check_owner(stream, path)
            return msgspec.json.decode(stream.read(), type=HubRecord)
    except (FileNotFoundError, NotADirectoryError):  # starting it will tell what is in the way
        return None
    except msgspec.DecodeError:
        return None
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from error


def _check_owner(stream: IO[bytes], path: Path) -> None:
    status = os.fstat(stream.fileno())
    if hasattr(os, "getuid") and (status.st_uid != os.getuid() or status.st_mode & 0o077):
        raise ConfigurationError(
            f"{path} could have been written or read by somebody else",
            hint="Delete it; the hub writes it anew, for your eyes only.",
        )


def _start_once(home: Path) -> HubRecord:
    """Start the hub unless somebody else just has; on a thread, because the lock is waited for."""
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        with filelock.FileLock(start_lock_path(home), timeout=START_TIMEOUT):
            record = anyio.run(_running, home)
            if record is None:
                _start(home)
                record = _read_record(home)
    except filelock.Timeout as error:
        raise HubStartError("another program is starting the hub and does not get done") from error
    except OSError as error:
        raise HubStartError(f"the hub cannot be started in {home}: {error}", hint=_HINT) from error
    if record is None:
        raise HubStartError(f"the hub started, but left no record in {home}", hint=_HINT)
    return record


def _start(home: Path) -> None:
    handle = os.open(log_path(home), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    command = [sys.executable, "-m", "everest_kernel", "hub", "--embedded", "--json", "--home", str(home)]
    with os.fdopen(handle, "ab") as log, interrupts_let_in():
        position = log.tell()
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,  # it outlives this kernel, and this kernel's interrupts
            cwd=home,
        )
    assert process.stdout is not None
    with process.stdout:
        line = _first_line(process)
    if not line:
        said = _end_of_log(home, position)
        raise HubStartError(f"the embedded hub did not start{said}", hint=_HINT)
    process.returncode = 0  # it is on its own now; nobody waits for it here


def _first_line(process: subprocess.Popen[bytes]) -> bytes:
    """The line that the hub prints when it is ready; nothing when it ends before that."""
    assert process.stdout is not None
    import selectors

    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        if not selector.select(START_TIMEOUT):
            process.kill()
    line = process.stdout.readline()
    if not line:
        process.wait(5)
    return line


def _end_of_log(home: Path, position: int) -> str:
    with log_path(home).open("rb") as stream:
        stream.seek(position)
        lines = stream.read().decode("utf-8", "replace").strip().splitlines()[-5:]
    return ":\n" + "\n".join(f"  | {line}" for line in lines) if lines else ""


_HINT = "`everest-kernel hub` in a terminal shows what is wrong."
