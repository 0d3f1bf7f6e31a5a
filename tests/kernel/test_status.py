"""What a cell says while it waits, in its end, and in what a saved notebook keeps."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.support.kernel import Cell, Kernel

from .test_remote_cells import folder_of

MARK = "everest"


def headers(cell: Cell) -> list[str]:
    kinds = ("display_data", "update_display_data")
    shown = [m["content"] for m in cell.messages if m["msg_type"] in kinds]
    return [c["data"]["text/plain"] for c in shown if c["metadata"].get("everest_header")]


def opened_when(gate: Path, text: str) -> Any:
    def watch(cell: Cell, message: dict[str, Any]) -> None:
        if text in "".join([*headers(cell), cell.text("stderr")]):
            gate.touch()

    return watch


def gated(gate: Path, rest: str = "") -> str:
    return f"%%remote shell\necho out\nuntil [ -e {gate} ]; do sleep 0.01; done\n{rest}"


def test_a_notebook_shows_one_line_that_changes(kernel: Kernel, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    cell = kernel.collect(kernel.send_cell(gated(gate)), watch=opened_when(gate, "last output"))
    shown = [c for c in cell.of("display_data") if c["metadata"].get("everest_header")]
    assert len(shown) == 1
    lines = headers(cell)
    assert any(re.match(r"shell on \S+: running · \d s · last output \d s ago · job \w{24}$", line) for line in lines)
    end = r"shell on \S+: done in \d\.\d\d s · queued \d\.\d\d s, ran \d\.\d\d s · job \w{24}$"
    assert re.match(end, lines[-1]), lines[-1]


def test_a_console_writes_over_one_line_and_never_into_the_programs_own(kernel: Kernel, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    code = gated(gate, "printf part; sleep 1.3; echo ial")
    cell = kernel.collect(kernel.send_cell(code, cell_id=None), watch=opened_when(gate, "last output"))
    texts = [(c["name"], c["text"]) for c in cell.of("stream")]
    status = [text for name, text in texts if "running" in text]
    assert status
    assert all(text.startswith("\r\x1b[K") and "\n" not in text and len(text) <= 83 for text in status)
    assert texts[texts.index(("stdout", "part")) - 1] == ("stderr", "\r\x1b[K"), "taken away before anything is shown"
    assert texts[texts.index(("stdout", "part")) + 1] == ("stdout", "ial\n"), "a line that is not ended is left alone"
    assert cell.text("stdout") == "out\npartial\n"


def test_a_cell_that_waits_for_slots_says_so(kernel: Kernel, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    fill = (
        f"import os\nfrom everest_kernel import remote\nwait = 'until [ -e {gate} ]; do sleep 0.01; done'\n"
        "slots = len(os.sched_getaffinity(0))\njobs = [remote('shell', wait) for _ in range(slots + 1)]\n"
        "while sum(job.status == 'running' for job in jobs) < slots or not all(job.id for job in jobs): pass"
    )
    assert kernel.run(fill).status == "ok"
    request = kernel.send_cell("%%remote shell\ntrue")
    cell = kernel.collect(request, watch=opened_when(gate, "number 2 in the queue · waits: "))
    assert cell.status == "ok"
    assert "in the queue" not in cell.header
    kernel.run("for job in jobs: job.result()")


@pytest.mark.parametrize("first", ["", "%%time\n"], ids=["plain", "time"])
def test_a_queue_limit_ends_the_wait_with_the_reason(kernel: Kernel, tmp_path: Path, first: str) -> None:
    gate = tmp_path / "gate"
    fill = (
        f"import os\nfrom everest_kernel import remote\nwait = 'until [ -e {gate} ]; do sleep 0.01; done'\n"
        "slots = len(os.sched_getaffinity(0))\njobs = [remote('shell', wait) for _ in range(slots)]\n"
        "while sum(job.status == 'running' for job in jobs) < slots: pass"
    )
    assert kernel.run(fill).status == "ok"
    cell = kernel.run(f"{first}%%remote shell --queue-limit 1s\ntrue")
    gate.touch()
    assert "QueueLimitError" in cell.text() + cell.error
    assert "busy" in cell.text() + cell.error
    assert ": failed in" in cell.header
    kernel.run("for job in jobs: job.result()")


def test_every_display_says_where_it_is_from(kernel: Kernel) -> None:
    code = "%%remote python\nfrom IPython.display import HTML, display\ndisplay(HTML('<b>a</b>'))\n6 * 7"
    cell = kernel.run(code)
    kinds = ("display_data", "update_display_data", "execute_result")
    shown = [m["content"]["metadata"] for m in cell.messages if m["msg_type"] in kinds]
    assert len(shown) >= 4
    sources = [metadata[MARK] for metadata in shown if MARK in metadata]
    assert len(sources) >= len(shown) - 1, "all but a header before there is a job"
    last = sources[-1]
    assert set(last) == {
        "job", "state", "server", "route", "resource", "content", "submitted", "started", "finished",
    }  # fmt: skip
    assert last["job"] == cell.header.rpartition("job ")[2]
    assert (last["state"], last["route"]) == ("DONE", "python")
    assert re.fullmatch(r"[0-9a-f]{64}", last["content"])
    plain = kernel.run("6 * 7")
    assert plain.of("execute_result")[0]["metadata"] == {}, "and a plain cell's result is left alone"


def test_no_token_is_in_what_is_kept(kernel: Kernel) -> None:
    cell = kernel.run("%%remote shell --fresh\necho out")
    token = kernel.run("import json, os\njson.load(open(os.environ['EVEREST_HUB_HOME'] + '/hub.json'))['token']").result
    assert token
    assert token.strip("'") not in str(cell.messages)
    home = folder_of(kernel).parent / "records"
    for path in home.rglob("*"):
        if path.is_file():
            assert token.strip("'").encode() not in path.read_bytes(), path
