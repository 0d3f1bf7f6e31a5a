"""agent.conf as it is, and the command that reads it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from everest_kernel.agent.config import AgentConf, Security, allowed_patterns, read_conf
from everest_kernel.cli import _parser
from everest_kernel.commands.agent import settings_of
from everest_kernel.wire import ConfigurationError

from .controller import controller

REAL: dict[str, Any] = {
    "resource": {
        "tasksDir": "tasks",
        "taskHandler": {"type": "local"},
        "maxTasks": 3,
        "checkTime": 0,
        "utilityPoolSize": None,
        "keepTaskDir": True,
        "attributes": {},
    },
    "protocol": {
        "activeMode": {"enabled": False, "serverURI": "wss://example.org/compute/agent/v1", "agentToken": "AGENTTOKEN"},
        "passiveMode": {"enabled": True, "agentPort": 8891, "clientTokens": ["secret-1"], "uploadDir": "upload"},
        "http": {"maxUploadSize": 200000000, "cacheDir": "cache", "maxCacheSize": 200000000},
        "resourceInfoPeriod": 10,
        "pingPeriod": 11,
        "pongTimeout": 61,
    },
    "security": {"allowedCommands": ["bash run-task.sh .*"]},
    "logging": {"logDir": "log", "level": "DEBUG", "rotate": True, "maxSize": 1000000, "backupCount": 10},
    "controlAPI": {"enabled": False, "port": 8800},
    "taskProtocol": {"enabled": True, "port": 9999},
    "proxy": {"enabled": False, "frontendURI": "ws://localhost:4499/ws", "backendToken": "BACKENDTOKEN"},
    "gui": {"autostartAgent": False},
}


def changed(**tables: dict[str, Any]) -> dict[str, Any]:
    return {name: {**value, **tables.get(name, {})} for name, value in REAL.items()}


def write(folder: Path, conf: dict[str, Any]) -> Path:
    path = folder / "agent.conf"
    path.write_text(json.dumps(conf))
    path.chmod(0o600)
    return path


def settings(*words: str) -> Any:
    return settings_of(_parser().parse_args(["agent", *words]))


def test_every_key_that_matters_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = settings("-c", str(write(tmp_path, REAL)), "--name", "n")
    assert (found.server_uri, found.token, found.name, found.slots) == ("", "", "n", 3)
    assert found.tasks_dir == tmp_path / "tasks" / "everest-kernel"
    assert (found.passive.port, found.passive.tokens, found.passive.host) == (8891, ("secret-1",), "127.0.0.1")
    assert (found.task_port, found.ping) == (9999, (11, 61))
    assert [p.pattern for p in found.allowed_commands] == ["bash run-task.sh .*"]
    assert "secret-1" not in repr(found)
    assert "secret-1" not in repr(read_conf(tmp_path / "agent.conf"))


def test_the_file_in_the_usual_place_is_found_and_options_win(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "conf").mkdir()
    write(tmp_path / "conf", REAL)
    assert settings().passive.port == 8891
    assert settings("-c", "conf/agent.conf", "--passive", "0.0.0.0:7", "--slots", "9").passive.host == "0.0.0.0"
    monkeypatch.setenv("EVEREST_AGENT_TOKEN", "t")
    found = settings("--server", "ws://127.0.0.1:1/x")
    assert (found.server_uri, found.passive, found.task_port) == ("ws://127.0.0.1:1/x", None, 0)


def test_active_mode_of_the_file(tmp_path: Path) -> None:
    active = {"enabled": True, "serverURI": "wss://example.org/a", "agentToken": "secret-2"}
    protocol = {"activeMode": active, "passiveMode": {"enabled": False}}
    found = settings("-c", str(write(tmp_path, changed(protocol=protocol))))
    assert (found.server_uri, found.token, found.passive) == ("wss://example.org/a", "secret-2", None)


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"resource": {"taskHandler": {"type": "slurm"}}}, "slurm"),
        ({"security": {"allowedCommands": ["("]}}, "allowedCommands"),
        ({"logging": {"level": "LOUD"}}, "LOUD"),
        ({"resource": {"maxTasks": "many"}}, "maxTasks"),
        ({"protocol": {"passiveMode": {"enabled": True, "clientTokens": []}}}, "no client token"),
        ({"protocol": {"passiveMode": {"enabled": False}}}, "nothing to dial"),
        (
            {"protocol": {"activeMode": {"enabled": True, "agentToken": "AGENTTOKEN"}}},
            "no agent token",
        ),
    ],
)
def test_what_cannot_be_is_said(tmp_path: Path, tables: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        settings("-c", str(write(tmp_path, changed(**tables))))


def test_other_faults_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        settings("-c", str(tmp_path / "none"))
    (tmp_path / "bad").write_bytes(b"{")
    with pytest.raises(ConfigurationError, match="bad"):
        settings("-c", str(tmp_path / "bad"))
    with pytest.raises(ConfigurationError, match="address of a server"):
        settings("--server", "http://127.0.0.1:1")
    with pytest.raises(ConfigurationError, match="not a port"):
        settings("-c", str(write(tmp_path, REAL)), "--passive", "here:there")


def test_a_file_with_tokens_that_others_may_read_is_mentioned(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = write(tmp_path, REAL)
    read_conf(path)
    assert not caplog.records
    path.chmod(0o644)
    read_conf(path)
    assert "others may read it" in caplog.text
    assert "secret-1" not in caplog.text


def test_an_empty_list_admits_nothing_and_no_list_everything() -> None:
    assert allowed_patterns(AgentConf()) is None
    assert allowed_patterns(AgentConf(security=Security(()))) == ()


@contextmanager
def command(folder: Path, *words: str, **environment: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command in a process, and its first line."""
    process = subprocess.Popen(
        [sys.executable, "-m", "everest_kernel", "agent", *words],
        cwd=folder, env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        yield process, process.stdout.readline()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_the_command_and_its_tasks(tmp_path: Path, number: signal.Signals) -> None:
    words = ["--passive", "0", "--tasks-dir", str(tmp_path / "tasks")]
    with command(tmp_path, *words, EVEREST_AGENT_CLIENT_TOKEN="12345") as (process, line):
        address = line.split("ws://")[1].split("/")[0]
        async with controller(address) as old:
            await old.submit("A", "sleep 300")
            assert (await old.receive())[2] == "RUNNING"
            process.send_signal(number)
            assert process.wait(20) == 0
    assert list((tmp_path / "tasks").iterdir()) == []


def test_two_agents_do_not_share_a_folder(tmp_path: Path) -> None:
    words = ["--passive", "0", "--tasks-dir", str(tmp_path / "tasks")]
    with command(tmp_path, *words, EVEREST_AGENT_CLIENT_TOKEN="x"):
        second = [sys.executable, "-m", "everest_kernel", "agent", *words]
        environment = {**os.environ, "EVEREST_AGENT_CLIENT_TOKEN": "x"}
        answer = subprocess.run(second, env=environment, capture_output=True, text=True, timeout=30)
    assert answer.returncode == 1
    assert "another agent uses" in answer.stderr
