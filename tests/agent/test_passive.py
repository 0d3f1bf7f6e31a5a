"""The agent's door, driven by a controller that knows only what Everest's own knows."""

from __future__ import annotations

import os
import re
import socket
from pathlib import Path

import anyio
import pytest
import websockets

from everest_kernel.agent import Agent, AgentSettings, PassiveSettings
from everest_kernel.wire import ConfigurationError

from .controller import TOKEN, controller, passive_agent


async def test_a_task_from_submission_to_download(tmp_path: Path) -> None:
    async with passive_agent(tmp_path) as address, controller(address) as old:
        await old.submit("20170408-A", "sh -c 'echo text; printf x > out.txt; echo err >&2'", ["stdout", "out.txt"])
        messages = await old.until_final("20170408-A")
        assert [m[2] for m in messages] == ["RUNNING", "COMPLETED", "STAGED_OUT", "DONE"]
        assert all(isinstance(m[3], dict) for m in messages)
        files = {item["path"]: item["uri"] for item in messages[2][3]["outputData"]}
        assert set(files) == {"stdout", "out.txt"}
        assert all(uri.startswith("/") for uri in files.values()), "relative to the agent"
        assert (await old.download(files["stdout"])).text == "text\n"
        assert (await old.download(files["out.txt"])).text == "x"


async def test_an_output_is_the_input_of_the_next_task_by_its_address(tmp_path: Path) -> None:
    async with passive_agent(tmp_path) as address, controller(address) as old:
        await old.submit("A", "printf 'one two'", ["stdout"])
        uri = (await old.outputs("A"))["stdout"]
        item = {"path": "outputA", "uri": f"http://{address}{uri}", "auth": old.authorization}
        await old.submit("B", "cat outputA", ["stdout", "stderr"], inputData=[item])
        files = await old.outputs("B")
        assert (await old.download(files["stdout"])).text == "one two"
        assert (await old.download(files["stderr"])).text == ""


async def test_no_outputs_are_an_empty_list(tmp_path: Path) -> None:
    async with passive_agent(tmp_path) as address, controller(address) as old:
        await old.submit("A", "true")
        assert await old.outputs("A") == {}


async def test_the_environment_is_extended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVEREST_AGENT_CLIENT_TOKEN", "secret")
    async with passive_agent(tmp_path) as address, controller(address) as old:
        await old.submit("A", "env", ["stdout"], environment={"PATH": "$PATH@PATH_SEP/extra", "SPEED": "2.5"})
        lines = (await old.download((await old.outputs("A"))["stdout"])).text.splitlines()
    assert f"PATH={os.environ['PATH']}:/extra" in lines
    assert "SPEED=2.5" in lines
    assert not [line for line in lines if "secret" in line or TOKEN in line.split(":")]


@pytest.mark.parametrize("owner", ["run-1:wrong", "12345", "run-1:", ":", "run-1:12345x"])
async def test_a_wrong_token_is_refused(tmp_path: Path, owner: str) -> None:
    async with passive_agent(tmp_path) as address:
        with pytest.raises(websockets.InvalidStatus):
            async with controller(address, owner):
                pass


@pytest.mark.parametrize("owner", [f"run-2:{TOKEN}", "run-1:other-token"])
async def test_another_controllers_files_are_not_there(tmp_path: Path, owner: str) -> None:
    async with passive_agent(tmp_path) as address, controller(address) as old, controller(address, owner) as other:
        await old.submit("A", "printf mine", ["stdout"])
        await other.submit("A", "printf theirs", ["stdout"])  # the same id is another task
        uri = (await old.outputs("A"))["stdout"]
        theirs = (await other.outputs("A"))["stdout"]
        assert (await old.download(uri)).text == "mine"
        assert (await other.download(theirs)).text == "theirs"
        await old.submit("B", "printf mine", ["stdout"])
        only_mine = (await old.outputs("B"))["stdout"]
        assert (await other.download(only_mine)).status_code == 404
        assert (await other.download(only_mine, "Bearer 12345")).status_code == 401


async def test_only_staged_files_have_an_address(tmp_path: Path) -> None:
    async with passive_agent(tmp_path) as address, controller(address) as old:
        await old.submit("A", "sh -c 'echo x > kept; echo y > other'", ["kept"])
        uri = (await old.outputs("A"))["kept"]
        for path in (
            uri.replace("kept", "other"),
            uri.replace("kept", "..%2f..%2fA"),
            uri + "/../other",
            "/etc/passwd",
        ):
            assert (await old.download(path)).status_code == 404, path


async def test_hostile_and_malformed_tasks_are_refused_by_a_report(tmp_path: Path) -> None:
    async with passive_agent(tmp_path) as address, controller(address) as old:
        await old.submit("../evil", "touch evil")
        assert (await old.receive())[:3] == ["TASK_STATE", "../evil", "FAILED"]
        await old.send("TASK_SUBMIT", "B", {"command": 5}, {})
        refusal = await old.receive()
        assert refusal[:3] == ["TASK_STATE", "B", "FAILED"]
        assert "command" in refusal[3]["message"]
        await old.submit("C", "true", ["../../x"])
        assert (await old.until_final("C"))[-1][2] == "FAILED"
    assert not list(tmp_path.rglob("evil"))


async def test_unknown_messages_are_ignored_and_logged_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "everest_kernel.agent")
    async with passive_agent(tmp_path) as address, controller(address) as old:
        for _ in range(50):
            await old.send("NEWS", 1)
        await old.connection.send("garbage")
        await old.submit("A", "true")
        assert (await old.until_final("A"))[-1][2] == "DONE"
    assert len([r for r in caplog.records if "NEWS" in r.getMessage()]) == 1


async def test_after_a_reconnect_only_what_was_not_told_is_told(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    async with passive_agent(tmp_path) as address:
        async with controller(address) as old:
            await old.submit("A", f"cat {fifo}", ["stdout"])
            assert (await old.receive())[2] == "RUNNING"
        async with controller(address) as old:
            fifo.write_text("more")
            messages = await old.until_final("A")
            assert [m[2] for m in messages] == ["COMPLETED", "STAGED_OUT", "DONE"]


async def test_a_newer_connection_takes_over(tmp_path: Path) -> None:
    async with passive_agent(tmp_path) as address, controller(address) as first, controller(address) as second:
        with anyio.fail_after(10):
            await first.connection.wait_closed()
        await second.submit("A", "true")
        assert (await second.until_final("A"))[-1][2] == "DONE"


async def test_a_finished_task_goes_when_its_time_is_over(tmp_path: Path) -> None:
    async with passive_agent(tmp_path, keep=0.1) as address, controller(address) as old:
        await old.submit("A", "true", ["stdout"])
        uri = (await old.outputs("A"))["stdout"]
        with anyio.fail_after(10):
            while (await old.download(uri)).status_code != 404:
                pass
        assert list((tmp_path / "tasks").iterdir()) == []
        await old.submit("A", "true")  # the id is free again
        await old.until_final("A")


async def test_a_controller_that_left_nothing_is_forgotten(tmp_path: Path) -> None:
    passive = PassiveSettings((TOKEN,), 0)
    agent = Agent(AgentSettings("", "", "n", tmp_path / "tasks", passive=passive))
    assert agent.door is not None
    async with anyio.create_task_group() as group:
        group.start_soon(agent.run)
        await agent.door.ready.wait()
        address = f"127.0.0.1:{agent.door.port}"
        for run in range(3):
            async with controller(address, f"run-{run}:{TOKEN}"):
                pass
        async with controller(address, f"busy:{TOKEN}") as busy, controller(address, f"last:{TOKEN}"):
            await busy.submit("A", "true")
            await busy.until_final("A")
            assert len(agent.door.peers) <= 3  # these two, and perhaps one that is just parting
        group.cancel_scope.cancel()


# --- allowed commands


@pytest.mark.parametrize(
    ("pattern", "command", "runs"),
    [
        (".*", "touch ran", True),
        ("touch r.*", "touch ran", True),
        ("touch", "touch ran", False),
        ("touch ran", "touch ran; rm x", False),
        ("true|touch ran", "touch ran", True),
    ],
)
async def test_the_whole_command_line_must_be_allowed(tmp_path: Path, pattern: str, command: str, runs: bool) -> None:
    allowed = (re.compile("never"), re.compile(pattern))
    async with passive_agent(tmp_path, allowed_commands=allowed) as address, controller(address) as old:
        item = {"path": "in", "uri": "data:,x"}
        await old.submit("A", command, inputData=[item])
        messages = await old.until_final("A")
        if runs:
            assert messages[-1][2] == "DONE"
        else:
            assert [m[2] for m in messages] == ["FAILED"]
            assert "allows" in messages[0][3]["message"]
            assert list((tmp_path / "tasks").iterdir()) == [], "nothing was staged"


async def test_a_taken_port_is_a_clear_error(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for settings in (
            AgentSettings("", "", "n", tmp_path / "tasks", passive=PassiveSettings(("t",), port)),
            AgentSettings("ws://127.0.0.1:9", "t", "n", tmp_path / "tasks", task_port=port),
        ):
            with pytest.raises(ConfigurationError, match=str(port)):
                await Agent(settings).run()


def test_tokens_are_not_in_the_settings_text() -> None:
    assert "secret" not in repr(AgentSettings("", "", "n", Path(), passive=PassiveSettings(("secret",))))
