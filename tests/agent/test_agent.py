"""The agent against a scripted server: real processes, real sockets."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import psutil
import pytest
import websockets
from websockets.asyncio.server import ServerConnection, serve

from everest_kernel.agent import Agent, AgentSettings
from everest_kernel.agent.marked import TASK_VARIABLE
from everest_kernel.wire import (
    SUBPROTOCOL,
    AgentHello,
    FromAgent,
    InputData,
    OutputData,
    TaskCancel,
    TaskContext,
    TaskDelete,
    TaskInfo,
    TaskOutput,
    TaskResume,
    TaskSpec,
    TaskStateReport,
    TaskSubmit,
    data_uri,
    decode_from_agent,
    encode_message,
    read_data_uri,
)

STREAM = TaskContext(stream=True, inline_limit=65_536)
PYTHON = sys.executable


class ScriptedServer:
    """What the agent dials into; every step is the test's."""

    def __init__(self) -> None:
        self.connections: asyncio.Queue[ServerConnection] = asyncio.Queue()
        self.headers: list[str] = []
        self.over = asyncio.Event()

    async def handle(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        self.headers.append(connection.request.headers["Authorization"])
        self.connections.put_nowait(connection)
        await connection.wait_closed()

    async def connection(self) -> tuple[ServerConnection, AgentHello]:
        with anyio.fail_after(10):
            connection = await self.connections.get()
            hello = decode_from_agent(await connection.recv())
        assert isinstance(hello, AgentHello)
        return connection, hello


@asynccontextmanager
async def running_agent(folder: Path, **settings: Any) -> AsyncIterator[ScriptedServer]:
    server = ScriptedServer()
    async with serve(server.handle, "127.0.0.1", 0, subprotocols=[websockets.Subprotocol(SUBPROTOCOL)]) as listening:
        port = listening.sockets[0].getsockname()[1]
        defaults: dict[str, Any] = {"slots": 2, "reconnect": (0.01, 0.02)}
        agent = Agent(
            AgentSettings(
                f"ws://127.0.0.1:{port}/", "secret-token", "test", folder / "tasks", **{**defaults, **settings}
            )
        )
        running = asyncio.create_task(agent.run())
        try:
            yield server
        finally:
            running.cancel()
            await asyncio.wait([running])


async def until(connection: ServerConnection, done: Callable[[FromAgent], bool]) -> list[FromAgent]:
    messages: list[FromAgent] = []
    with anyio.fail_after(20):
        while not messages or not done(messages[-1]):
            message = decode_from_agent(await connection.recv())
            assert message is not None
            messages.append(message)
    return messages


def is_final(message: FromAgent) -> bool:
    return isinstance(message, TaskStateReport) and message.state in ("DONE", "FAILED", "CANCELED")


def output(messages: list[FromAgent], stream: str, start: int = 0) -> bytes:
    data = b""
    for message in messages:
        if isinstance(message, TaskOutput) and message.stream == stream:
            assert message.offset == start + len(data)
            data += message.data
    return data


def submission(command: str, task: str = "job-0-0", context: TaskContext = STREAM, **spec: Any) -> TaskSubmit:
    return TaskSubmit(task, TaskSpec(name="t", command=command, **spec), context)


async def run(folder: Path, submit: TaskSubmit) -> tuple[list[FromAgent], TaskInfo, str]:
    """All messages of one task, its final info, and its final state."""
    async with running_agent(folder) as server:
        connection, _ = await server.connection()
        await connection.send(encode_message(submit))
        messages = await until(connection, is_final)
        last = messages[-1]
        assert isinstance(last, TaskStateReport)
        return messages, last.info, last.state


def states(messages: list[FromAgent]) -> list[str]:
    return [message.state for message in messages if isinstance(message, TaskStateReport)]


async def test_hello_names_the_resource_and_carries_the_token(tmp_path: Path) -> None:
    async with running_agent(tmp_path, slots=3) as server:
        _, hello = await server.connection()
        assert (hello.info.name, hello.info.slots, hello.tasks) == ("test", 3, {})
        assert set(hello.info.extensions) == {"stream", "data-uri"}
        assert server.headers == ["EverestAgentToken secret-token"]


async def test_a_task_from_input_to_output(tmp_path: Path) -> None:
    submit = submission(
        "sh -c 'cat in.txt sub/two.txt; echo problem >&2; printf result > out.txt; echo $GREETING'",
        input_data=(InputData("in.txt", data_uri(b"one\n")), InputData("sub/two.txt", "data:,two%0A")),
        output_data=(OutputData(("out.txt", "missing.txt", "stdout")),),
        environment={"GREETING": "hello"},
    )
    messages, info, state = await run(tmp_path, submit)
    assert states(messages) == ["RUNNING", "COMPLETED", "STAGED_OUT", "DONE"]
    assert output(messages, "stdout") == b"one\ntwo\nhello\n"
    assert output(messages, "stderr") == b"problem\n"
    assert (state, info.exit_code, info.streams) == ("DONE", 0, {"stdout": 14, "stderr": 8})
    (staged,) = next(m for m in messages if isinstance(m, TaskStateReport) and m.state == "STAGED_OUT").info.output_data
    assert (staged.path, read_data_uri(staged.uri)) == ("out.txt", b"result")


@pytest.mark.parametrize(
    ("command", "reason", "code", "says"),
    [
        ("sh -c 'exit 3'", "exit", 3, "exit code 3"),
        ("sh -c 'kill -9 $$'", "signal", None, "SIGKILL"),
        ("no-such-program-at-all x", "start", None, "'no-such-program-at-all'"),
        ("", "start", None, "empty"),
        ("echo 'open", "start", None, "cannot be started"),
    ],
)
async def test_failures_say_why(tmp_path: Path, command: str, reason: str, code: int | None, says: str) -> None:
    _, info, state = await run(tmp_path, submission(command))
    assert (state, info.reason, info.exit_code) == ("FAILED", reason, code)
    assert says in info.message


async def test_outputs_of_a_failed_task_come_back(tmp_path: Path) -> None:
    submit = submission("sh -c 'printf partial > out.txt; exit 1'", output_data=(OutputData(("out.txt",)),))
    messages, _, state = await run(tmp_path, submit)
    assert states(messages) == ["RUNNING", "COMPLETED", "STAGED_OUT", "FAILED"]
    assert state == "FAILED"


@pytest.mark.parametrize("path", ["../evil", "/tmp/evil", "a/../../evil", "x\0y"])
async def test_hostile_input_paths_write_nothing(tmp_path: Path, path: str) -> None:
    submit = submission("true", input_data=(InputData(path, data_uri(b"x")),))
    _, info, state = await run(tmp_path, submit)
    assert (state, info.reason) == ("FAILED", "staging")
    assert not list(tmp_path.rglob("evil"))


async def test_an_output_that_is_a_link_out_of_the_directory_is_refused(tmp_path: Path) -> None:
    submit = submission("ln -s /etc/hostname out.txt", output_data=(OutputData(("out.txt",)),))
    _, info, state = await run(tmp_path, submit)
    assert (state, info.reason) == ("FAILED", "staging")
    assert "link" in info.message


async def test_an_input_that_cannot_be_fetched_names_it(tmp_path: Path) -> None:
    submit = submission("true", input_data=(InputData("data.bin", "http://127.0.0.1:9/none"),))
    _, info, state = await run(tmp_path, submit)
    assert (state, info.reason) == ("FAILED", "staging")
    assert "data.bin" in info.message


async def test_much_binary_output_arrives_to_the_byte(tmp_path: Path) -> None:
    program = "import sys; b = bytes(range(256)); [sys.stdout.buffer.write(b * 400) for _ in range(100)]"
    messages, info, _ = await run(tmp_path, submission(f'{PYTHON} -c "{program}"'))
    assert output(messages, "stdout") == bytes(range(256)) * 40_000
    assert info.streams["stdout"] == 10_240_000


async def test_the_environment_has_no_tokens_of_the_agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVEREST_TOKEN_LAB", "secret")
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "secret")
    monkeypatch.setenv("PLAIN", "plain")
    submit = submission("env", environment={"EXTENDED": "$PLAIN@PATH_SEP/x", "MONEY": "5$"})
    messages, _, _ = await run(tmp_path, submit)
    lines = output(messages, "stdout").decode().splitlines()
    assert not [line for line in lines if "secret" in line]
    assert "EXTENDED=plain:/x" in lines
    assert "MONEY=5$" in lines
    assert f"{TASK_VARIABLE}=job-0-0" in lines


# --- processes end


def marked(task: str) -> list[int]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(TASK_VARIABLE) == task and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
        except psutil.Error:
            continue
    return found


FAMILY = "sh -c 'setsid sleep 300 & sleep 300 & trap \"\" TERM; echo up; sleep 300; sleep 300'"
"""A child, a grandchild that left the session, and a parent that ignores the gentle signal."""


async def started(connection: ServerConnection) -> list[FromAgent]:
    return await until(connection, lambda m: isinstance(m, TaskOutput) and b"up" in m.data)


async def test_the_time_limit_kills_the_whole_tree(tmp_path: Path) -> None:
    submit = submission(FAMILY, "limit-0-0", resource_requirements={"timeLimit": 0.3})
    _, info, state = await run(tmp_path, submit)
    assert (state, info.reason) == ("FAILED", "time-limit")
    assert "0.3 s" in info.message
    assert marked("limit-0-0") == []


async def test_cancel_kills_the_whole_tree(tmp_path: Path) -> None:
    async with running_agent(tmp_path) as server:
        connection, _ = await server.connection()
        await connection.send(encode_message(submission(FAMILY, "cancel-0-0")))
        await started(connection)
        assert len(marked("cancel-0-0")) >= 3
        await connection.send(encode_message(TaskCancel("cancel-0-0")))
        messages = await until(connection, is_final)
        assert states(messages) == ["CANCELED"]
        assert marked("cancel-0-0") == []


async def test_a_queued_task_is_cancelled_without_running(tmp_path: Path) -> None:
    async with running_agent(tmp_path, slots=1) as server:
        connection, _ = await server.connection()
        await connection.send(encode_message(submission("sh -c 'echo up; sleep 300'", "a-0-0")))
        await started(connection)
        await connection.send(encode_message(submission("touch ran", "b-0-0")))
        await connection.send(encode_message(TaskCancel("b-0-0")))
        messages = await until(connection, is_final)
        assert [(m.task_id, m.state) for m in messages if isinstance(m, TaskStateReport)] == [("b-0-0", "CANCELED")]


async def test_a_child_that_keeps_the_pipe_does_not_keep_the_task(tmp_path: Path) -> None:
    for command in ("sh -c 'sleep 300 & echo done'", "sh -c 'setsid sleep 300 & echo done'"):
        with anyio.fail_after(10):
            messages, _, state = await run(tmp_path, submission(command, "pipe-0-0"))
        assert (state, output(messages, "stdout")) == ("DONE", b"done\n")
        assert marked("pipe-0-0") == []


async def test_stopping_the_agent_kills_its_tasks(tmp_path: Path) -> None:
    async with running_agent(tmp_path) as server:
        connection, _ = await server.connection()
        await connection.send(encode_message(submission(FAMILY, "stop-0-0")))
        await started(connection)
    assert marked("stop-0-0") == []
    assert list((tmp_path / "tasks").iterdir()) == []


async def test_what_a_killed_agent_left_is_cleaned_up(tmp_path: Path) -> None:
    leftover = tmp_path / "tasks" / "left-0-0"
    leftover.mkdir(parents=True)
    # its parent ends at once, as the agent that was killed has
    starter = await asyncio.create_subprocess_exec(
        *("sh", "-c", "sleep 300 >/dev/null & echo $!"),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, TASK_VARIABLE: "left-0-0"},
    )
    pid = int((await starter.communicate())[0])
    async with running_agent(tmp_path) as server:
        await server.connection()
        assert not is_running(pid)
        assert not leftover.exists()


def is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


# --- connections end


async def test_after_a_reconnect_output_goes_on_where_the_server_is(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    async with running_agent(tmp_path) as server:
        connection, _ = await server.connection()
        await connection.send(
            encode_message(submission(f"sh -c 'printf before-up; cat {fifo}; printf after'", "j-0-0"))
        )
        await started(connection)
        await connection.close()
        connection, hello = await server.connection()
        assert hello.tasks == {"j-0-0": "RUNNING"}
        await connection.send(encode_message(TaskResume("j-0-0", {"stdout": 4})))
        fifo.write_bytes(b"-between-")
        messages = await until(connection, is_final)
        assert output(messages, "stdout", 4) == b"re-up-between-after"
        assert states(messages) == ["RUNNING", "COMPLETED", "STAGED_OUT", "DONE"]


async def test_a_final_state_is_repeated_until_it_is_acknowledged(tmp_path: Path) -> None:
    async with running_agent(tmp_path) as server:
        connection, _ = await server.connection()
        await connection.send(encode_message(submission("printf out", "j-0-0")))
        await until(connection, is_final)
        await connection.close()
        connection, hello = await server.connection()
        assert hello.tasks == {"j-0-0": "DONE"}
        await connection.send(encode_message(TaskResume("j-0-0", {"stdout": 3})))
        assert states(await until(connection, is_final))[-1] == "DONE"
        assert (tmp_path / "tasks" / "j-0-0").exists()
        await connection.send(encode_message(TaskDelete("j-0-0")))
        await connection.close()
        _, hello = await server.connection()
        assert hello.tasks == {}
        assert not (tmp_path / "tasks" / "j-0-0").exists()


async def test_a_superseded_task_is_ended_and_removed(tmp_path: Path) -> None:
    async with running_agent(tmp_path, slots=1) as server:
        connection, _ = await server.connection()
        await connection.send(encode_message(submission(FAMILY, "old-0-0")))
        await started(connection)
        await connection.send(encode_message(TaskDelete("old-0-0")))
        await connection.send(encode_message(submission("true", "new-0-0")))  # its slot becomes free
        messages = await until(connection, is_final)
        assert {m.task_id for m in messages if isinstance(m, TaskStateReport)} == {"new-0-0"}
        assert marked("old-0-0") == []


async def test_the_same_task_twice_runs_once_and_garbage_is_ignored(tmp_path: Path) -> None:
    async with running_agent(tmp_path) as server:
        connection, _ = await server.connection()
        for frame in ("garbage", '["TASK_SUBMIT"]', '["NEWS", 1]', '["TASK_CANCEL", "unknown-0-0"]'):
            await connection.send(frame)
        submit = submission("sh -c 'echo x >> count; sleep 0'", "j-0-0")
        await connection.send(encode_message(submit))
        await connection.send(encode_message(submit))
        await until(connection, is_final)
        assert (tmp_path / "tasks" / "j-0-0" / "count").read_text() == "x\n"


async def test_no_more_tasks_at_once_than_slots(tmp_path: Path) -> None:
    async with running_agent(tmp_path, slots=1) as server:
        connection, _ = await server.connection()
        for number in range(3):
            await connection.send(encode_message(submission("true", f"j-{number}-0")))
        messages: list[FromAgent] = []
        for _ in range(3):
            messages += await until(connection, is_final)
        running = [(m.task_id, m.state) for m in messages if isinstance(m, TaskStateReport)]
        assert [t for t, s in running if s == "RUNNING"] == [t for t, s in running if s == "DONE"]
        order = [s for _, s in running if s in ("RUNNING", "COMPLETED")]
        assert order == ["RUNNING", "COMPLETED"] * 3


def test_the_token_is_not_in_the_settings_text() -> None:
    assert "secret" not in repr(AgentSettings("ws://x", "secret", "n", Path()))
