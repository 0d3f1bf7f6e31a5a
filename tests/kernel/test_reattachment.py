"""Jobs outlive the kernel, wherever it dies; the next one finds them, and nothing runs twice or is shown twice."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from everest_kernel.local_hub import read_record
from tests.support.kernel import Cell, Kernel, running_kernel

NOTEBOOK = "lorenz.ipynb"


@contextmanager
def kernel_of(home: Path, notebook: str = NOTEBOOK, *, last: bool = False) -> Iterator[Kernel]:
    with running_kernel(home, notebook=str(home / "work" / notebook), keep_hub=not last) as kernel:
        yield kernel


def kill(kernel: Kernel) -> None:
    os.kill(kernel.manager.provisioner.pid, signal.SIGKILL)  # type: ignore[union-attr]


def hub_of(home: Path) -> psutil.Process:
    record = read_record(home / "hub")
    assert record is not None
    return psutil.Process(record.pid)


def job_of(text: str) -> str:
    found = re.search(r"\bjob (\w{24})\b", text)
    assert found is not None, text
    return found[1]


def counted(home: Path, rest: str) -> str:
    """A cell that leaves a trace each time that it begins."""
    return f"%%remote shell --out x\necho begun >> {home}/trace\n{rest}"


def watched(kernel: Kernel, code: str, until: str) -> Cell:
    """Send a cell and read what it shows until there is that text; then kill the kernel."""
    cell = Cell()
    kernel.send_cell(code)
    while until not in cell.text() + cell.header:
        cell.messages.append(kernel.client.get_iopub_msg(timeout=20))
    kill(kernel)
    return cell


@pytest.mark.parametrize("running", ["attach", "new"])
def test_a_cell_that_is_run_again_follows_its_running_job(tmp_path: Path, running: str) -> None:
    gate = tmp_path / "gate"
    code = counted(tmp_path, f"echo one\nuntil [ -e {gate} ]; do sleep 0.01; done\necho two\nx=done")
    with kernel_of(tmp_path) as kernel:
        before = watched(kernel, code, "one\n")
    with kernel_of(tmp_path, last=True) as kernel:
        kernel.run_open("opened = 1")

        def open_gate(cell: Cell, message: dict[str, Any]) -> None:
            if "one\n" in cell.text():
                gate.touch()

        line, body = code.split("\n", 1)
        cell = kernel.collect(kernel.send_cell(f"{line} --running {running}\n{body}"), watch=open_gate)
        assert cell.status == "ok", cell.error
        assert cell.text() == "one\ntwo\n", "all from its beginning, and each line once"
        assert kernel.run("x").result == "'done'"
        same = job_of(cell.header) == job_of(before.header)
        assert same == (running == "attach")
        assert ("attached to this cell's job" in cell.header) == same
        begun = (tmp_path / "trace").read_text().splitlines()
        assert len(begun) == (1 if running == "attach" else 2)


def test_the_first_cell_mentions_what_still_runs_and_attach_follows_it(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    code = f"%%remote python\nimport os, time\nprint('one', flush=True)\nwhile not os.path.exists({str(gate)!r}):\n"
    code += "    time.sleep(0.01)\nprint('two')\ny = 6\ny + 1"
    with kernel_of(tmp_path) as kernel:
        job = job_of(watched(kernel, code, "one\n").header)
    with kernel_of(tmp_path, "another.ipynb") as kernel:
        other = kernel.run_open("1 + 1")
        attached = kernel.run_open("pass")
        assert other.displays == attached.displays == [], "it is not this notebook's"
    with kernel_of(tmp_path, last=True) as kernel:
        first = kernel.run_open("1 + 1")
        assert first.result == "2"
        kernel.wait_for(lambda: bool(first.displays))
        assert f"%attach {job}" in first.displays[0]["data"]["text/plain"]
        assert "is still running" in first.displays[0]["data"]["text/plain"]
        assert f"%attach {job}" in first.displays[0]["data"]["text/html"]
        gate.touch()
        cell = kernel.run(f"%attach {job}")
        assert (cell.text(), cell.result) == ("one\ntwo\n", "7"), cell.error
        assert kernel.run("y").result == "6"
        again = kernel.run(f"%attach {job}")
        assert (again.text(), again.result) == ("one\ntwo\n", "7"), "also when it is over"
        assert kernel.run(f"import everest_kernel\neverest_kernel.job({job!r}).result()").result == "{'y': 6}"


def test_the_first_cell_mentions_what_has_ended_meanwhile_and_only_once(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    with kernel_of(tmp_path) as kernel:
        job = job_of(
            watched(kernel, f"%%remote shell\necho one\nuntil [ -e {gate} ]; do sleep 0.01; done", "one\n").header
        )
    gate.touch()
    with kernel_of(tmp_path, "another.ipynb") as kernel:
        kernel.run(f"import everest_kernel\neverest_kernel.job({job!r}).result()")
    with kernel_of(tmp_path, last=True) as kernel:
        first = kernel.run_open("1 + 1")
        assert first.displays == [], "another kernel has seen its end"


def test_the_first_cell_tells_of_a_job_that_has_ended(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    with kernel_of(tmp_path) as kernel:
        job = job_of(
            watched(kernel, f"%%remote shell\necho one\nuntil [ -e {gate} ]; do sleep 0.01; done", "one\n").header
        )
    gate.touch()
    _wait_for_end(tmp_path, job)
    with kernel_of(tmp_path, last=True) as kernel:
        first = kernel.run_open("1 + 1")
        kernel.wait_for(lambda: bool(first.displays))
        assert "has ended (done)" in first.displays[0]["data"]["text/plain"]


def _wait_for_end(home: Path, job: str) -> None:
    record = read_record(home / "hub")
    assert record is not None
    while (
        httpx.get(f"{record.url}/api/jobs/{job}", headers={"Authorization": f"Bearer {record.token}"}).json()["state"]
        != "DONE"
    ):
        pass


@pytest.mark.parametrize(("answer", "runs"), [("a", 1), ("new", 2), ("", 1)])
def test_the_user_can_be_asked(tmp_path: Path, answer: str, runs: int) -> None:
    gate = tmp_path / "gate"
    code = counted(tmp_path, f"echo one\nuntil [ -e {gate} ]; do sleep 0.01; done\nx=1")
    line, body = code.split("\n", 1)
    with kernel_of(tmp_path) as kernel:
        watched(kernel, code, "one\n")
    with kernel_of(tmp_path, last=True) as kernel:
        kernel.run_open("opened = 1")
        refused = kernel.run(f"{line} --running ask\n{body}")
        assert "--running attach" in refused.error, "a front end that cannot be asked"
        request = kernel.send_cell(f"{line} --running ask\n{body}", cell_id=None)
        asked = kernel.client.get_stdin_msg(timeout=20)
        assert "job has been running for" in asked["content"]["prompt"]
        kernel.client.input(answer)
        gate.touch()
        cell = kernel.collect(request)
        assert cell.status == ("ok" if answer else "error"), cell.error
        assert len((tmp_path / "trace").read_text().splitlines()) == runs


def test_a_kernel_that_dies_while_it_submits(tmp_path: Path) -> None:
    """The submission is on its way when the kernel dies: the hub takes it, and the cell that runs again gets it."""
    code = counted(tmp_path, "echo out; x=1")
    with kernel_of(tmp_path) as kernel:
        kernel.run("%%remote shell\ntrue")  # application and connection are there: nothing comes before the submission
        hub = hub_of(tmp_path)
        hub.suspend()
        try:
            kernel.send_cell(code)
            _wait_for_unread(tmp_path)
            kill(kernel)
        finally:
            hub.resume()
    with kernel_of(tmp_path, last=True) as kernel:
        cell = kernel.run(code)
        assert (cell.status, cell.text()) == ("ok", "out\n"), cell.error
        assert (tmp_path / "trace").read_text() == "begun\n", "it ran once"


def _wait_for_unread(home: Path) -> None:
    """Wait until the stopped hub has an unread request; a frame of the event stream is smaller than one."""
    record = read_record(home / "hub")
    assert record is not None
    port, until = int(record.url.rpartition(":")[2]), time.monotonic() + 20
    while time.monotonic() < until:
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
            local, state, queues = (line.split()[i] for i in (1, 3, 4))
            if int(local[-4:], 16) == port and state == "01" and int(queues.rpartition(":")[2], 16) > 200:
                return
    raise AssertionError("no request came")


def test_a_kernel_that_dies_while_it_uploads(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work/data.bin").write_bytes(os.urandom(20_000_000))
    code = f"%%remote shell --files data.bin --out x\necho begun >> {tmp_path}/trace\nx=$(wc -c < data.bin)"
    with kernel_of(tmp_path) as kernel:
        kernel.run("%%remote shell\ntrue")
        hub = hub_of(tmp_path)
        hub.suspend()
        try:
            kernel.send_cell(code)
            _wait_for_unread(tmp_path)
            kill(kernel)
        finally:
            hub.resume()
    with kernel_of(tmp_path, last=True) as kernel:
        cell = kernel.run(code)
        assert cell.status == "ok", cell.error
        assert kernel.run("x").result == "'20000000'"
        assert (tmp_path / "trace").read_text() == "begun\n"


def test_a_job_that_waits_when_its_kernel_dies(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    slots = len(os.sched_getaffinity(0))
    fill = f"from everest_kernel import remote\nwait = 'until [ -e {gate} ]; do sleep 0.01; done'\n"
    fill += f"jobs = [remote('shell', wait) for _ in range({slots})]\n"
    fill += f"while sum(job.status == 'running' for job in jobs) < {slots}: pass"
    code = counted(tmp_path, "echo out; x=1")
    with kernel_of(tmp_path) as kernel:
        assert kernel.run(fill).status == "ok"
        before = watched(kernel, code, "shell: ready")
    with kernel_of(tmp_path, last=True) as kernel:
        request = kernel.send_cell(code)

        def open_gate(cell: Cell, message: dict[str, Any]) -> None:
            if "next in the queue" in cell.header:
                gate.touch()

        cell = kernel.collect(request, watch=open_gate)
        assert (cell.status, cell.text()) == ("ok", "out\n"), cell.error
        assert job_of(cell.header) == job_of(before.header)
        assert (tmp_path / "trace").read_text() == "begun\n"


def test_a_kernel_that_is_shut_down_leaves_its_jobs(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    with kernel_of(tmp_path) as kernel:
        code = f"%%remote shell --bg --out x\necho ready\nuntil [ -e {gate} ]; do sleep 0.01; done\nx=kept"
        cell = kernel.run_open(code)
        kernel.wait_for(lambda: "ready" in cell.text())
        job = job_of(cell.job)
    with kernel_of(tmp_path, "another.ipynb", last=True) as kernel:
        gate.touch()
        result = kernel.run(f"from everest_kernel import job\njob({job!r}).result()")
        assert result.result == "{'x': 'kept'}", result.error


@pytest.mark.parametrize("more", ["", "--fresh"])
def test_a_job_that_ended_while_nobody_followed_it_is_not_computed_again(tmp_path: Path, more: str) -> None:
    gate = tmp_path / "gate"
    body = f"open({str(tmp_path / 'trace')!r}, 'a').write('begun ')\nprint('one', flush=True)\nimport os\n"
    body += f"while not os.path.exists({str(gate)!r}): pass\ny = 5"
    with kernel_of(tmp_path) as kernel:
        job = job_of(watched(kernel, f"%%remote python --out y\n{body}", "one\n").header)
    gate.touch()
    _wait_for_end(tmp_path, job)
    with kernel_of(tmp_path, last=True) as kernel:
        first = kernel.run_open("opened = 1")
        kernel.wait_for(lambda: bool(first.displays))  # its end has been seen, and told
        cell = kernel.run(f"%%remote python --out y {more}\n{body}")
        assert (cell.status, cell.text()) == ("ok", "one\n"), cell.error
        assert kernel.run("y").result == "5"
        assert ("ended while no kernel followed it" in cell.header) == (not more)
        assert len((tmp_path / "trace").read_text().split()) == (2 if more else 1)
        again = kernel.run_open(f"%%remote python --out y\n{body}")
        assert "the result of the same cell" in again.header, "and it is kept now"


def test_unknown_jobs_are_told(kernel: Kernel) -> None:
    for code in ("%attach 0123456789abcdef01234567", "import everest_kernel; everest_kernel.job('0123456789abcdef')"):
        cell = kernel.run(code)
        assert cell.reply["ename"] == "RefusedError"
        assert "%jobs" in cell.error


def test_attach_is_interrupted_as_a_cell_is(kernel: Kernel) -> None:
    started = kernel.run_open("%%remote shell --bg --into job\necho ready; sleep 600")
    kernel.wait_for(lambda: "ready" in started.text())
    pressed: list[bool] = []

    def press(cell: Cell, message: dict[str, Any]) -> None:
        if not pressed and "ready" in cell.text():
            pressed.append(True)
            kernel.manager.interrupt_kernel()

    cell = kernel.collect(kernel.send_cell(f"%attach {job_of(started.job)}"), watch=press)
    assert cell.reply["ename"] == "JobCancelledError"
    assert "its job was cancelled on" in cell.error
    kernel.wait_for(lambda: ": cancelled in " in started.job)
