"""Plain cells: the same messages as from ipykernel's own kernel."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.support.kernel import Kernel

CELLS = {
    "value": "1 + 1",
    "nothing": "x = 3",
    "empty": "",
    "prints": "print('a'); import sys; print('b', file=sys.stderr)",
    "raises": "def f():\n    raise ValueError('no')\nf()",
    "syntax error": "x = = 1",
    "unknown magic": "%%nonesuch\n1",
    "display": "from IPython.display import HTML, display\ndisplay(HTML('<b>x</b>'))\nHTML('<i>y</i>')",
    "update": "h = display('one', display_id='u')\nh.update('two')",
    "clear": "from IPython.display import clear_output\nclear_output(wait=True)",
    "await": "import asyncio\nawait asyncio.sleep(0, 5)",
    "shell": "!echo out",
    "capture": "%%capture c\nprint('hidden')",
    "line magic": "%env EVEREST_PLAIN=1",
    "help": "len?",
    "comm": "from comm import create_comm\nc = create_comm(target_name='t')\nc.send({'b': 2}); c.close()",
    "figure": "%matplotlib inline\nimport matplotlib.pyplot as plt\n_ = plt.plot([1, 2])",
    "remote as text": "s = '''\n%%remote python\n'''\ns",
    "exit code": "import sys; sys.exit(3)",
}


def plain(value: Any) -> Any:
    """A message's content without what differs between two processes."""
    if isinstance(value, dict):
        if {"text", "signature"} <= set(value):  # a completion: Jedi leaves out what takes it too long
            value = {k: v for k, v in value.items() if k not in ("type", "signature")}
        return {
            k: plain(v)
            for k, v in value.items()
            if k not in ("comm_id", "image/png", "start_line_number", "engine_uuid")
        }
    if isinstance(value, list):
        return [plain(v) for v in value]
    if isinstance(value, str):
        value = re.sub(r"(/tmp/ipykernel_\d+/)?\d+\.py", "CELL", value)
        value = re.sub(r"In\s*\[\d+\]|0x[0-9a-f]+|line \x1b\[\d+;?\d*m\d+", "X", value)
        return re.sub(r"\d+-\d+(-\d+)+", "X", value)
    return value


def what_happens(kernel: Kernel, code: str) -> tuple[list[Any], Any]:
    cell = kernel.run(code)
    counts = ("execution_count",)
    messages = [
        (m["msg_type"], {k: v for k, v in plain(m["content"]).items() if k not in counts}) for m in cell.messages
    ]
    return messages, {k: v for k, v in plain(cell.reply).items() if k not in counts}


@pytest.mark.parametrize("name", CELLS)
def test_a_plain_cell_is_as_in_the_stock_kernel(kernel: Kernel, plain_kernel: Kernel, name: str) -> None:
    assert what_happens(kernel, CELLS[name]) == what_happens(plain_kernel, CELLS[name])


REQUESTS: dict[str, tuple[str, dict[str, Any]]] = {
    "complete name": ("complete_request", {"code": "import os; os.getc", "cursor_pos": 18}),
    "complete magic": ("complete_request", {"code": "%prec", "cursor_pos": 5}),
    "inspect": ("inspect_request", {"code": "len", "cursor_pos": 3, "detail_level": 0}),
    "inspect nothing": ("inspect_request", {"code": "nonesuch", "cursor_pos": 3, "detail_level": 0}),
    "is complete": ("is_complete_request", {"code": "for i in x:"}),
    "is complete magic": ("is_complete_request", {"code": "%%time\nx"}),
    "is complete at its first line": ("is_complete_request", {"code": "%%remote shell"}),
    "is complete at its second line": ("is_complete_request", {"code": "%%remote shell\necho\n"}),
    "is complete at its end": ("is_complete_request", {"code": "%%remote shell\necho\n\n"}),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_is_answered_as_in_the_stock_kernel(kernel: Kernel, plain_kernel: Kernel, name: str) -> None:
    kind, content = REQUESTS[name]
    assert plain(kernel.request(kind, **content)) == plain(plain_kernel.request(kind, **content))


def test_history_holds_what_was_typed(kernel: Kernel) -> None:
    kernel.run("'first typed'")
    kernel.run("%%remote shell\necho second typed")
    history = kernel.request("history_request", hist_access_type="tail", n=2, raw=True, output=False)["history"]
    assert [entry[2] for entry in history] == ["'first typed'", "%%remote shell\necho second typed"]


def test_kernel_info_names_us_and_python(kernel: Kernel, plain_kernel: Kernel) -> None:
    ours, stock = (k.request("kernel_info_request") for k in (kernel, plain_kernel))
    assert ours["implementation"] == "everest_kernel"
    assert "%%remote?" in ours["banner"]
    for key in ("language_info", "protocol_version", "debugger", "supported_features"):
        assert ours.get(key) == stock.get(key)


def test_routes_and_options_complete(kernel: Kernel) -> None:
    def complete(code: str) -> list[str]:
        return list(kernel.request("complete_request", code=code, cursor_pos=len(code))["matches"])

    assert complete("%%remote py") == ["python"]
    assert complete("%%remote shell --f") == ["--files", "--fetch", "--fresh"]
    assert "%%remote" in complete("%%rem")


def test_subshells_run_beside_a_remote_cell(kernel: Kernel, tmp_path: Any) -> None:
    info = kernel.request("kernel_info_request")
    if "kernel subshells" not in info.get("supported_features", []):
        pytest.skip("this ipykernel has no subshells")
    subshell = kernel.request("create_subshell_request", channel="control")["subshell_id"]
    gate = tmp_path / "gate"
    outer = kernel.send_cell(f"%%remote shell --time-limit 20\nuntil [ -e {gate} ]; do :; done\necho freed")
    inner = kernel.send_cell(f"open({str(gate)!r}, 'w').close()", subshell_id=subshell)
    replies = {}
    while len(replies) < 2:
        message = kernel.client.get_shell_msg(timeout=20)
        replies[message["parent_header"]["msg_id"]] = message["content"]["status"]
    assert replies == {outer: "ok", inner: "ok"}
    text, idle = {outer: "", inner: ""}, set()
    while len(idle) < 2:
        message = kernel.client.get_iopub_msg(timeout=20)
        parent = message["parent_header"]["msg_id"]
        if message["msg_type"] == "stream":
            text[parent] += message["content"]["text"]
        if message["content"].get("execution_state") == "idle":
            idle.add(parent)
    assert text[outer] == "freed\n"
    assert "freed" not in text[inner]  # an older IPython says something of its history there
    assert kernel.request("delete_subshell_request", channel="control", subshell_id=subshell)["status"] == "ok"
