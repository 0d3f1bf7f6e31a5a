"""How the command line names passive agents, and where their token comes from."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import httpx
import pytest
import websockets

from everest_kernel.commands.hub import passive_agents
from everest_kernel.wire import ConfigurationError

from .old_agent import TOKEN, old_agent


def token_file(folder: Path, mode: int = 0o600) -> Path:
    path = folder / "token"
    path.write_text(f"{TOKEN}\n")
    path.chmod(mode)
    return path


def test_the_token_comes_from_a_private_file_or_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["a=ws://127.0.0.1:1", "b=wss://example.org:2/agent/ws?slots=4"]
    found = passive_agents(words, token_file(tmp_path))
    assert [(agent.name, agent.uri, agent.token) for agent in found] == [
        ("a", "ws://127.0.0.1:1", TOKEN),
        ("b", "wss://example.org:2/agent/ws?slots=4", TOKEN),
    ]
    assert TOKEN not in repr(found)
    monkeypatch.setenv("EVEREST_AGENT_CLIENT_TOKEN", "other")
    assert passive_agents(words[:1], None)[0].token == "other"
    assert passive_agents([], None) == []


def test_what_is_wrong_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EVEREST_AGENT_CLIENT_TOKEN", raising=False)
    with pytest.raises(ConfigurationError, match="no client token"):
        passive_agents(["a=ws://127.0.0.1:1"], None)
    with pytest.raises(ConfigurationError, match="others may read"):
        passive_agents(["a=ws://127.0.0.1:1"], token_file(tmp_path, 0o644))
    with pytest.raises(ConfigurationError, match="cannot be read"):
        passive_agents(["a=ws://127.0.0.1:1"], tmp_path / "none")
    for word in ("ws://127.0.0.1:1", "=ws://127.0.0.1:1", "a="):
        with pytest.raises(ConfigurationError, match="NAME="):
            passive_agents([word], token_file(tmp_path))


async def test_the_hub_dials_what_its_command_line_names(tmp_path: Path) -> None:
    async with old_agent() as agent:
        words = ["--no-agent", "--json", "--home", str(tmp_path / "hub"), "--passive-agent", f"old={agent.uri}?slots=3"]
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "everest_kernel", "hub", *words,
            env={**os.environ, "EVEREST_AGENT_CLIENT_TOKEN": TOKEN}, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            await agent.accept()
            assert process.stdout is not None
            ready = json.loads(await process.stdout.readline())
            token = json.loads(Path(ready["tokenFile"]).read_text())["token"]
            headers = {"Authorization": f"Bearer {token}"}
            async with httpx.AsyncClient(base_url=ready["url"], headers=headers, trust_env=False) as client:
                (found,) = (await client.get("/api/resources")).json()
            assert (found["name"], found["state"], found["slots"]) == ("old", "ONLINE", 3)
        finally:
            process.terminate()
            await process.wait()
        with pytest.raises(websockets.ConnectionClosed):
            await agent.receive()
