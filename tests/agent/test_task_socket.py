"""The task socket: programs that run as tasks speak its framing, byte for byte."""

from __future__ import annotations

import asyncio
import struct
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from everest_kernel.agent.task_socket import TaskSocket, frame

from .controller import OldController, controller, passive_agent

PROGRAM = """
import os, socket, struct, sys

connection = socket.create_connection((os.environ["EVEREST_AGENT_ADDRESS"], int(os.environ["EVEREST_AGENT_PORT"])))

def send(data):
    connection.sendall(struct.pack(">I", len(data)) + data)

def read(count):
    data = b""
    while len(data) < count:
        piece = connection.recv(count - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data

def receive():
    return read(struct.unpack(">I", read(4))[0]).decode()

send(b"\\0" + os.environ["EVEREST_AGENT_TASK_ID"].encode())
for word in sys.argv[1:]:
    send(word.encode())
    if word.startswith("VAR_GET"):
        print(receive(), flush=True)
connection.shutdown(socket.SHUT_WR)
try:
    while True:
        print("more", receive())
except EOFError:
    print("closed")
"""


@pytest.fixture
def program(tmp_path: Path) -> str:
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    return f"{sys.executable} {path}"


async def expect_message(old: OldController, task: str, text: str) -> None:
    while (message := await old.receive())[0] == "TASK_STATE":
        assert message[2] == "RUNNING", message
    assert message == ["TASK_MESSAGE", task, text]


async def test_messages_go_both_ways_and_end_with_the_task(tmp_path: Path, program: str) -> None:
    async with passive_agent(tmp_path) as address, controller(address) as old:
        await old.submit("j-0-0", f"{program} 'VAR_GET record' 'VAR_SET_MD record 0.5' 'VAR_GET record'", ["stdout"])
        await expect_message(old, "j-0-0", "VAR_GET record")
        await old.send("TASK_MESSAGE", "j-0-0", "VAR_VALUE record NULL")
        await expect_message(old, "j-0-0", "VAR_SET_MD record 0.5")
        await expect_message(old, "j-0-0", "VAR_GET record")
        await old.send("TASK_MESSAGE", "j-0-0", "VAR_VALUE record 0.5")
        uri = (await old.outputs("j-0-0"))["stdout"]
        assert (await old.download(uri)).text == "VAR_VALUE record NULL\nVAR_VALUE record 0.5\nclosed\n"


async def test_messages_come_before_the_end(tmp_path: Path, program: str) -> None:
    async with passive_agent(tmp_path) as address, controller(address) as old:
        words = " ".join(f"'VAR_SET_MD record {n}'" for n in range(300, 0, -1))
        await old.submit("j-0-0", f"{program} {words}")
        messages = await old.until_final("j-0-0")
        texts = [m[2] for m in messages if m[0] == "TASK_MESSAGE"]
        assert texts == [f"VAR_SET_MD record {n}" for n in range(300, 0, -1)]
        assert [m[0] for m in messages[-3:]] == ["TASK_STATE"] * 3


async def test_a_program_may_say_something_and_exit_at_once(tmp_path: Path) -> None:
    (tmp_path / "hasty.py").write_text(PROGRAM.split("for word")[0] + HASTY)
    async with passive_agent(tmp_path, slots=1) as address, controller(address) as old:
        for number in range(5):
            task = f"j-{number}-0"
            await old.submit(task, f"{sys.executable} {tmp_path}/hasty.py")
            messages = await old.until_final(task)
            assert [m[2] for m in messages if m[0] == "TASK_MESSAGE"] == [f"VAR_SET_MD x {n}" for n in range(200)]


HASTY = """
for n in range(200):
    send(b"VAR_SET_MD x %d" % n)
os._exit(0)
"""


# --- the socket by itself


@asynccontextmanager
async def open_socket() -> AsyncIterator[TaskSocket]:
    socket = TaskSocket()
    await socket.open(0)
    async with anyio.create_task_group() as group:
        group.start_soon(socket.serve)
        yield socket
        group.cancel_scope.cancel()


async def ignore(text: str) -> None:
    """Nobody listens."""


@asynccontextmanager
async def connected(socket: TaskSocket) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", socket.port)
    try:
        yield reader, writer
    finally:
        writer.close()


@pytest.mark.parametrize(
    "greeting",
    [
        frame("\0unknown"),
        frame("\0"),
        frame("\1task"),
        frame("task"),
        frame(""),
        struct.pack(">I", 1 << 31),
        b"GET / HTTP/1.1\r\n\r\n",
        b"\xff" * 40,
    ],
)
async def test_only_tasks_that_run_here_are_admitted(greeting: bytes) -> None:
    heard: list[str] = []

    async def tell(text: str) -> None:
        heard.append(text)

    async with open_socket() as socket, connected(socket) as (reader, writer), socket.admit("task", tell):
        writer.write(greeting + frame("VAR_GET x"))
        with anyio.fail_after(5):
            assert await reader.read() == b""
    assert heard == []


async def test_an_id_that_two_controllers_use_speaks_for_neither() -> None:
    async with (
        open_socket() as socket,
        connected(socket) as (reader, writer),
        socket.admit("task", ignore),
        socket.admit("task", ignore),
    ):
        writer.write(frame("\0task"))
        with anyio.fail_after(5):
            assert await reader.read() == b""


async def test_the_connection_ends_with_the_task() -> None:
    arrived = anyio.Event()

    async def tell(text: str) -> None:
        arrived.set()

    async with open_socket() as socket, connected(socket) as (reader, writer):
        async with socket.admit("task", tell):
            writer.write(frame("\0task") + frame("hello"))
            with anyio.fail_after(5):
                await arrived.wait()
        with anyio.fail_after(5):
            assert await reader.read() == b""


@given(st.lists(st.text(max_size=50), max_size=5))
def test_what_is_framed_is_read_back(texts: list[str]) -> None:
    data = b"".join(frame(text) for text in texts)
    found = []
    while data:
        (length,) = struct.unpack(">I", data[:4])
        found.append(data[4 : 4 + length].decode())
        data = data[4 + length :]
    assert found == [text.encode("utf-8", "replace").decode() for text in texts]
