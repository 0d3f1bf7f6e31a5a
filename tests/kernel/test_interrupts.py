"""An interrupt of a remote cell cancels its job, on every way in, and leaves the kernel well."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import IPython
import psutil
import pytest

from everest_kernel.local_hub import read_record
from tests.support.kernel import Cell, Kernel, running_kernel

TREE = """\
sh -c 'setsid sleep 600 & echo "child $!"; wait' &
echo ready
wait
"""


def interrupt_when(kernel: Kernel, text: str, interrupt: Callable[[], None]) -> Callable[[Cell, dict[str, Any]], None]:
    sent = False

    def watch(cell: Cell, message: dict[str, Any]) -> None:
        nonlocal sent
        if not sent and text in cell.text():
            sent = True
            interrupt()

    return watch


def assert_cancelled(cell: Cell) -> None:
    assert cell.status == "error"
    assert cell.reply["ename"] == "JobCancelledError"
    assert "interrupted" in cell.error
    assert "Traceback" not in cell.error


def children_are_gone(cell: Cell) -> None:
    """Every process that the task named is no more (a zombie has been killed too)."""
    named = [int(line.split()[1]) for line in cell.text().splitlines() if line.startswith("child ")]
    assert named
    for pid in named:
        try:
            process = psutil.Process(pid)
            process.wait(5)
        except psutil.NoSuchProcess:
            continue


def by_signal(kernel: Kernel) -> None:
    kernel.manager.interrupt_kernel()


def by_message(kernel: Kernel) -> None:
    message = kernel.client.session.msg("interrupt_request", {})
    kernel.client.control_channel.send(message)


@pytest.mark.parametrize("first", ["", "%%time\n"], ids=["plain", "time"])
def test_an_interrupt_kills_the_whole_tree(kernel: Kernel, first: str) -> None:
    watch = interrupt_when(kernel, "child ", lambda: by_signal(kernel))
    cell = kernel.collect(kernel.send_cell(f"{first}%%remote shell\n{TREE}"), watch=watch)
    if first and IPython.version_info < (9,):  # its %%time shows the error of what it times, and ends well itself
        assert "JobCancelledError" in cell.text() + cell.error
    else:
        assert_cancelled(cell)
    children_are_gone(cell)
    assert kernel.run("1 + 1").result == "2"
    assert kernel.run("%%remote shell\necho again").text() == "again\n"


def test_the_job_is_cancelled_on_the_hub(kernel: Kernel) -> None:
    cell = kernel.collect(
        kernel.send_cell("%%remote shell\necho ready; sleep 600"),
        watch=interrupt_when(kernel, "ready", lambda: by_signal(kernel)),
    )
    assert_cancelled(cell)
    found = re.search(r"\(job (\w+)", cell.error)
    assert found is not None, cell.error
    job = found[1]
    state = kernel.run(
        "from everest_kernel.notebook import shared_session\n"
        "async def state():\n    client = await shared_session().client('embedded')\n"
        f"    job = await client.job({job!r})\n    return str(job.state)\n"
        "shared_session().thread.run(state())"
    )
    assert state.result == "'CANCELLED'"
    assert ": cancelled" in cell.header


@pytest.mark.parametrize("first", ["", "%%time\n"], ids=["plain", "time"])
def test_the_far_side_confirms(kernel: Kernel, first: str) -> None:
    cell = kernel.collect(
        kernel.send_cell(f"{first}%%remote shell\necho ready; sleep 600"),
        watch=interrupt_when(kernel, "ready", lambda: by_signal(kernel)),
    )
    assert "its job was cancelled on " in cell.text() + cell.error


def test_an_interrupt_while_the_job_waits_in_the_queue(kernel: Kernel) -> None:
    fill = (
        "import os\nfrom everest_kernel import remote\n"
        "jobs = [remote('shell', 'sleep 600') for _ in range(len(os.sched_getaffinity(0)) + 2)]\n"
        "while sum(job.status == 'running' for job in jobs) < len(os.sched_getaffinity(0)): pass"
    )
    assert kernel.run(fill).status == "ok"
    try:
        sent = False

        def press(cell: Cell, message: dict[str, Any]) -> None:
            nonlocal sent
            if not sent and cell.header.startswith("shell: ready"):
                sent = True
                by_signal(kernel)

        cell = kernel.collect(kernel.send_cell("%%remote shell\necho never"), watch=press)
        assert_cancelled(cell)
        assert "its job was cancelled" in cell.error
    finally:
        ended = kernel.run("for job in jobs:\n    job.cancel()\nfor job in jobs:\n    while not job.done(): pass")
    assert ended.status == "ok", ended.error
    assert kernel.run("%%remote shell\necho again").text() == "again\n"


@pytest.mark.parametrize("first", ["", "%%time\n"], ids=["plain", "time"])
def test_an_interrupt_while_files_are_on_their_way(tmp_path: Path, first: str) -> None:
    """The hub is stopped, so that the upload cannot end; the cell is given back all the same, and nothing was begun."""
    (tmp_path / "work").mkdir()
    (tmp_path / "work/data.bin").write_bytes(bytes(30_000_000))
    with running_kernel(tmp_path) as kernel:
        kernel.run("%%remote shell\ntrue")
        record = read_record(tmp_path / "hub")
        assert record is not None
        hub = psutil.Process(record.pid)
        hub.suspend()
        pressed: list[bool] = []

        def press(cell: Cell, message: dict[str, Any]) -> None:
            if not pressed and "shell: starting" in cell.header:
                pressed.append(True)
                by_signal(kernel)

        try:
            code = f"{first}%%remote shell --files data.bin\necho begun >> {tmp_path}/trace"
            cell = kernel.collect(kernel.send_cell(code), watch=press, limit=9)
        finally:
            hub.resume()
        assert "no job of it goes on" in cell.text() + cell.error
        assert kernel.run("%%remote shell\necho again").text() == "again\n"
        assert not (tmp_path / "trace").exists()


@pytest.mark.parametrize("first", ["", "%%time\n"], ids=["plain", "time"])
def test_a_second_press_stops_waiting_and_the_cancel_goes_on(tmp_path: Path, first: str) -> None:
    """The hub is stopped, so that nothing can confirm; it goes on after the second press."""
    with running_kernel(tmp_path) as kernel:
        kernel.run("%%remote shell\ntrue")
        record = read_record(tmp_path / "hub")
        assert record is not None
        hub = psutil.Process(record.pid)

        presses: list[str] = []

        def watch(cell: Cell, message: dict[str, Any]) -> None:
            if not presses and "child " in cell.text():
                hub.suspend()
            if (not presses and "child " in cell.text()) or (len(presses) == 1 and ": cancelling" in cell.header):
                presses.append(cell.header)
                by_signal(kernel)

        try:
            cell = kernel.collect(
                kernel.send_cell(f"{first}%%remote shell\necho child $$; exec sleep 600"), watch=watch
            )
        finally:
            hub.resume()
        assert len(presses) == 2
        assert "the cancel is still on its way" in cell.text() + cell.error
        while ": cancelled in " not in str(kernel.client.get_iopub_msg(timeout=20)["content"]):
            pass  # the header line says so when it is
        children_are_gone(cell)
        assert kernel.run("1 + 1").result == "2"


def test_an_interrupt_message_serves_as_well(kernel: Kernel) -> None:
    cell = kernel.collect(
        kernel.send_cell("%%remote shell\necho ready; sleep 600"),
        watch=interrupt_when(kernel, "ready", lambda: by_message(kernel)),
    )
    assert_cancelled(cell)
    assert kernel.client.get_control_msg(timeout=10)["content"]["status"] == "ok"


def test_an_interrupt_ends_a_captured_cell(kernel: Kernel, tmp_path: Path) -> None:
    mark = tmp_path / "started"
    os.mkfifo(mark)
    request = kernel.send_cell(f"%%capture\n%%remote shell\necho $$ > {mark}; sleep 600")
    process = psutil.Process(int(mark.read_text()))
    by_signal(kernel)
    cell = kernel.collect(request)
    assert "JobCancelledError" in cell.text() + cell.error
    _, alive = psutil.wait_procs([process], timeout=5)
    assert alive == []


def test_cells_go_on_after_the_hub_was_killed(tmp_path: Path) -> None:
    with running_kernel(tmp_path) as kernel:
        kernel.run("%%remote shell\ntrue")
        record = read_record(tmp_path / "hub")
        assert record is not None
        hub = psutil.Process(record.pid)
        os.kill(record.pid, signal.SIGKILL)
        while hub.is_running() and hub.status() != psutil.STATUS_ZOMBIE:
            pass
        cell = kernel.run("%%remote shell\necho back")
        assert (cell.status, cell.text()) == ("ok", "back\n"), cell.error


def test_a_running_job_survives_the_death_of_the_hub(tmp_path: Path) -> None:
    """The hub dies in the middle of a job and is started again: the cell ends as if nothing had been."""
    gate = tmp_path / "gate"

    def kill(cell: Cell, message: dict[str, Any]) -> None:
        if "one" in cell.text() and not gate.exists():
            gate.touch()
            record = read_record(tmp_path / "hub")
            assert record is not None
            os.kill(record.pid, signal.SIGKILL)

    with running_kernel(tmp_path) as kernel:
        code = f"%%remote shell --out x\necho one\nuntil [ -e {gate} ]; do :; done\nx=done\necho two"
        cell = kernel.collect(kernel.send_cell(code), watch=kill, limit=60)
        assert cell.status == "ok", cell.error
        assert cell.text().endswith("two\n")
        assert kernel.run("x").result == "'done'"
