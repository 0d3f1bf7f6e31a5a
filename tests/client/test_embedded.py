"""The embedded hub as a process: started once, found again, and clear when it cannot start."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from everest_kernel.client import EverestClient, embedded_server
from everest_kernel.local_hub import read_record
from everest_kernel.wire import ConfigurationError, HubStartError, record_path
from tests.support.kernel import stop_hub


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "hub"
    stop_hub(tmp_path / "hub")


async def test_it_starts_serves_and_is_found_again(home: Path) -> None:
    server = await embedded_server(home)
    async with EverestClient(server) as client:
        assert (await client.extensions()).events
    record = read_record(home)
    assert record is not None
    again = await embedded_server(home)
    assert (again.url, again.token) == (server.url, server.token)
    assert read_record(home) == record


async def test_kernels_that_start_at_once_share_one(home: Path) -> None:
    servers = await asyncio.gather(*(embedded_server(home) for _ in range(4)))
    assert len({server.url for server in servers}) == 1


async def test_only_the_owner_can_read_its_record_and_data(home: Path) -> None:
    await embedded_server(home)
    assert home.stat().st_mode & 0o777 == 0o700
    assert record_path(home).stat().st_mode & 0o777 == 0o600
    assert (home / "hub.sqlite").stat().st_mode & 0o077 == 0


async def test_the_token_is_in_no_command_line_and_no_log(home: Path) -> None:
    server = await embedded_server(home)
    record = read_record(home)
    assert record is not None
    process = psutil.Process(record.pid)
    assert server.token not in " ".join(process.cmdline())
    assert server.token not in str(process.environ())
    assert server.token not in (home / "hub.log").read_text()
    assert server.token not in repr(record)


async def test_a_record_of_a_dead_hub_is_passed_over(home: Path) -> None:
    first = await embedded_server(home)
    record = read_record(home)
    assert record is not None
    os.kill(record.pid, signal.SIGKILL)
    await asyncio.to_thread(os.waitpid, record.pid, 0)
    assert record_path(home).exists()
    second = await embedded_server(home)
    assert second.token != first.token
    async with EverestClient(first) as client:  # a client that has the old address finds the new hub
        assert await client.applications() == []


async def test_a_record_that_others_can_read_is_not_trusted(home: Path) -> None:
    await embedded_server(home)
    record_path(home).chmod(0o644)
    with pytest.raises(ConfigurationError, match="somebody else"):
        await embedded_server(home)
    record_path(home).chmod(0o600)


async def test_a_record_of_garbage_is_replaced(home: Path) -> None:
    home.mkdir(mode=0o700)
    record_path(home).touch(0o600)
    record_path(home).write_bytes(b"{not json")
    async with EverestClient(await embedded_server(home)) as client:
        assert await client.applications() == []


async def test_a_hub_that_cannot_start_shows_the_end_of_its_log(home: Path) -> None:
    (home / "hub.sqlite").mkdir(parents=True)
    with pytest.raises(HubStartError, match="cannot be opened as a hub's database") as caught:
        await embedded_server(home)
    assert "Traceback" not in str(caught.value)


async def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HubStartError, match="cannot be started"):
        await embedded_server(tmp_path / "file" / "hub")


# --- the command


def hub_command(*options: str) -> list[str]:
    return [sys.executable, "-m", "everest_kernel", "hub", *options]


def test_a_second_hub_in_the_same_home_is_refused(home: Path) -> None:
    asyncio.run(embedded_server(home))
    second = subprocess.run(hub_command("--home", str(home)), capture_output=True, text=True, timeout=30)
    assert second.returncode == 1
    assert "a hub already runs in" in second.stderr
    assert "Traceback" not in second.stderr


def test_a_taken_port_is_told(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            hub_command("--home", str(home), "--port", port), capture_output=True, text=True, timeout=30
        )
    assert done.returncode == 1
    assert f"cannot listen on 127.0.0.1 port {port}" in done.stderr
    assert "--port" in done.stderr
    assert "Traceback" not in done.stderr
    assert not record_path(home).exists()


def test_it_ends_itself_when_idle(home: Path) -> None:
    with subprocess.Popen(
        hub_command("--home", str(home), "--json", "--idle-timeout", "0.2"), stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert b'"url"' in process.stdout.readline()
        assert process.wait(20) == 0
    assert not record_path(home).exists()


def test_control_c_ends_it_well(home: Path) -> None:
    with subprocess.Popen(hub_command("--home", str(home)), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert b"Everest hub at http://127.0.0.1:" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        assert b"Traceback" not in process.stderr.read()
    assert not record_path(home).exists()
