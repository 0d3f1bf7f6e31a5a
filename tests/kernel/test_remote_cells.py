"""`%%remote` cells in a true kernel on a true embedded hub."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest

from tests.support.kernel import Cell, Kernel


def folder_of(kernel: Kernel) -> Path:
    cell = kernel.run("import os; os.getcwd()")
    assert cell.result is not None
    return Path(cell.result.strip("'"))


# --- shell


def test_a_shell_cell_answers_under_the_cell(kernel: Kernel) -> None:
    cell = kernel.run("%%remote shell\necho out; echo err >&2")
    assert (cell.status, cell.text(), cell.text("stderr")) == ("ok", "out\n", "err\n")
    assert cell.header.startswith("shell on ")
    assert ": done in " in cell.header


def test_values_of_a_shell_cell_go_and_come_as_named(kernel: Kernel) -> None:
    kernel.run('word = "it\'s $HOME"; count = 3')
    cell = kernel.run('%%remote shell --in word,count --out twice\ntwice="$word$word"\nprintf %s "$count"')
    assert (cell.status, cell.text()) == ("ok", "3")
    assert kernel.run("twice").result == repr("it's $HOME" * 2)
    assert "sent word (10 B), count (1 B)" in cell.header
    assert "back twice (20 B)" in cell.header


# --- python


def test_inputs_and_outputs_of_a_python_cell_are_found_in_its_text(kernel: Kernel) -> None:
    kernel.run("import numpy as np\nx = np.arange(5, dtype='f4'); unrelated = 1")
    cell = kernel.run("%%remote python\ny = x.astype('f8') * 2\nn = 10 ** 30")
    assert cell.status == "ok", cell.error
    assert kernel.run("y.dtype.str, y.tolist(), n == 10 ** 30, type(n)").result == (
        "('<f8', [0.0, 2.0, 4.0, 6.0, 8.0], True, int)"
    )
    assert re.search(r"sent x \(\d+ B\) · back y \(\d+ B\), n \(\d+ B\)", cell.header)
    assert "unrelated" not in cell.header


def test_a_value_on_the_last_line_is_the_cells_value(kernel: Kernel) -> None:
    assert kernel.run("%%remote python\nx = 20\nx + 1").result == "21"
    assert kernel.run("_").result == "21"
    assert kernel.run("%%remote python\nx + 1;").result is None


def test_a_last_value_that_cannot_travel_is_shown_as_it_was_there(kernel: Kernel) -> None:
    cell = kernel.run(
        "%%remote python\nclass Shape:\n    def _repr_html_(self): return '<b>round</b>'\n"
        "    def __repr__(self): return 'Shape()'\nShape()"
    )
    assert cell.status == "ok", cell.error
    assert cell.of("execute_result")[0]["data"] == {"text/plain": "Shape()", "text/html": "<b>round</b>"}
    assert "left there Shape (type)" in cell.header


def test_displays_and_figures_come_in_their_place(kernel: Kernel) -> None:
    cell = kernel.run(
        "%%remote python\nimport matplotlib.pyplot as plt\nprint('before')\ndisplay({'a': 1})\nprint('between')\n"
        "plt.plot([1, 2])\nplt.show()\nprint('after')"
    )
    assert cell.status == "ok", cell.error
    kinds = [
        c["text"] if "text" in c else sorted(c["data"])
        for m in cell.messages
        if (c := m["content"]) and m["msg_type"] in ("stream", "display_data") and not is_header(c)
    ]
    assert kinds == ["before\n", ["text/plain"], "between\n", ["image/png", "text/plain"], "after\n"]


def is_header(content: dict[str, Any]) -> bool:
    return bool(content.get("metadata", {}).get("everest_header"))


def test_a_display_can_be_replaced_from_the_resource(kernel: Kernel) -> None:
    cell = kernel.run("%%remote python\nh = display('one', display_id='d-1')\nh.update('two')")
    updates = [c for c in cell.of("update_display_data") if not is_header(c)]
    assert [c["data"]["text/plain"] for c in updates] == ["'two'"]
    assert updates[0]["transient"] == {"display_id": "d-1"}


UPDATES = """
import threading, sys
import pandas
import matplotlib.pyplot as plt
from IPython.display import HTML, Latex, SVG, Markdown
figure, axes = plt.subplots()
plt.close(figure)
values = {
    "figure": figure,
    "html": HTML("<b>bold</b>"),
    "latex": Latex("$\\\\lambda_1$"),
    "svg": SVG("<svg xmlns='http://www.w3.org/2000/svg'/>"),
    "markdown": Markdown("*two*"),
    "frame": pandas.DataFrame({"n": [1, 2]}),
}
handles = {name: display("empty", display_id=name) for name in values}
for name, value in values.items():
    handles[name].update(value)
print("waiting", flush=True)
import os, time
while not os.path.exists(gate): time.sleep(0.01)
handles["html"].update("over")
"""


def test_displays_of_any_kind_are_replaced_while_the_cell_runs(kernel: Kernel, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    kernel.run(f"gate = {str(gate)!r}")
    early: list[str] = []

    def watch(cell: Cell, message: dict[str, Any]) -> None:
        content = message["content"]
        if message["msg_type"] == "update_display_data" and not is_header(content) and not gate.exists():
            early.append(content["transient"]["display_id"])
        if cell.text() == "waiting\n":
            gate.touch()

    cell = kernel.run(f"%%remote python\n{UPDATES}", watch=watch)
    assert cell.status == "ok", cell.error
    assert early == ["figure", "html", "latex", "svg", "markdown", "frame"], "they came while the cell ran"
    assert [c["transient"]["display_id"] for c in cell.displays] == early
    updates = [c for c in cell.of("update_display_data") if not is_header(c)]
    assert all(c["data"]["text/plain"] for c in updates)
    kinds = {c["transient"]["display_id"]: sorted(c["data"]) for c in updates[:-1]}
    assert kinds == {
        "figure": ["image/png", "text/plain"],
        "html": ["text/html", "text/plain"],
        "latex": ["text/latex", "text/plain"],
        "svg": ["image/svg+xml", "text/plain"],
        "markdown": ["text/markdown", "text/plain"],
        "frame": ["text/html", "text/plain"],
    }
    assert updates[2]["data"]["text/latex"] == "$\\lambda_1$"
    assert updates[-1]["data"] == {"text/plain": "'over'"}


def test_top_level_await_works_on_the_resource(kernel: Kernel) -> None:
    cell = kernel.run("%%remote python\nimport asyncio\nanswer = await asyncio.sleep(0, 42)")
    assert cell.status == "ok", cell.error
    assert kernel.run("answer").result == "42"


def test_packages_of_the_notebooks_environment_are_there(kernel: Kernel) -> None:
    cell = kernel.run("%%remote python\nimport sys, numpy\nwhere = sys.executable")
    assert cell.status == "ok", cell.error
    assert kernel.run("import sys; where == sys.executable").result == "True"


def test_named_inputs_and_outputs_are_all_there_is(kernel: Kernel) -> None:
    kernel.run("a, b = 1, 2")
    cell = kernel.run("%%remote python --in a --out c\nc = a\nd = a\nhas_b = 'b' in globals()\nprint(has_b)")
    assert (cell.status, cell.text()) == ("ok", "False\n")
    assert kernel.run("c, 'd' in globals()").result == "(1, False)"


# --- live


def release(path: Path, when: str) -> Any:
    """Lets a waiting cell go on once its first text was seen here."""

    def watch(cell: Cell, message: dict[str, Any]) -> None:
        if message["msg_type"] == "stream" and when in cell.text(message["content"]["name"]):
            path.write_bytes(b"")

    return watch


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_output_streams_while_the_job_runs(kernel: Kernel, tmp_path: Path, stream: str) -> None:
    gate = tmp_path / "gate"
    turn = "" if stream == "stdout" else " >&2"
    code = f"%%remote shell --time-limit 30\necho first{turn}\nuntil [ -e {gate} ]; do :; done\necho last{turn}"
    cell = kernel.collect(kernel.send_cell(code), watch=release(gate, "first"))
    assert (cell.status, cell.text(stream)) == ("ok", "first\nlast\n")


def test_the_header_tells_that_it_runs(kernel: Kernel, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    code = f"%%remote shell --time-limit 30\necho first\nuntil [ -e {gate} ]; do :; done"
    cell = kernel.collect(kernel.send_cell(code), watch=release(gate, "first"))
    states = [c["data"]["text/plain"] for c in cell.of("update_display_data")]
    assert any(": running" in state for state in states)
    assert states[-1].startswith("shell on ")


def test_a_console_gets_one_header_line_because_it_cannot_replace(kernel: Kernel) -> None:
    cell = kernel.run("%%remote shell\ntrue", cell_id=None)
    assert cell.of("update_display_data") == []
    headers = [c["data"]["text/plain"] for c in cell.of("display_data")]
    assert len(headers) <= 2
    assert ": done in " in headers[-1]


def test_the_loop_stays_free_while_a_cell_runs(kernel: Kernel, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    kernel.run(
        "import asyncio, pathlib\n"
        f"task = asyncio.ensure_future(asyncio.to_thread(lambda: None))\n"
        f"task.add_done_callback(lambda _: asyncio.get_running_loop().call_soon(pathlib.Path({str(gate)!r}).touch))"
    )
    cell = kernel.run(f"%%remote shell --time-limit 20\nuntil [ -e {gate} ]; do :; done")
    assert cell.status == "ok"


# --- files


def test_files_go_and_come_back(kernel: Kernel) -> None:
    folder = folder_of(kernel)
    (folder / "data").mkdir()
    for name, text in (("a.csv", "1\n"), ("b.csv", "2\n"), ("same.csv", "2\n")):
        (folder / "data" / name).write_text(text)
    cell = kernel.run(
        "%%remote shell --files 'data/*.csv' --fetch 'out/*.txt'\nmkdir out\ncat data/*.csv > out/all.txt"
    )
    assert cell.status == "ok", cell.error
    assert (folder / "out/all.txt").read_text() == "1\n2\n2\n"
    assert "data/a.csv (2 B)" in cell.header
    assert "back out/all.txt (6 B)" in cell.header


def test_a_python_cell_reads_sent_files_and_gives_files(kernel: Kernel) -> None:
    folder = folder_of(kernel)
    (folder / "input.bin").write_bytes(bytes(range(256)))
    cell = kernel.run(
        "%%remote python --files input.bin --fetch 'result*.bin'\n"
        "open('result1.bin', 'wb').write(open('input.bin', 'rb').read()[::-1]);"
    )
    assert cell.status == "ok", cell.error
    assert (folder / "result1.bin").read_bytes() == bytes(range(256))[::-1]


# --- other ways in


def test_dry_run_shows_and_sends_nothing(kernel: Kernel) -> None:
    kernel.run("x = 5; y = 'old'")
    cell = kernel.run("%%remote python --dry-run --time-limit 5m\ny = x")
    assert cell.status == "ok"
    assert re.search(r"time limit\s+300 s", cell.text())
    assert re.search(r"value\s+x \(\d+ B\)", cell.text())
    assert "y = x" in cell.text()
    assert "\n```python\ny = x\n```" in cell.displays[0]["data"]["text/markdown"]
    assert kernel.run("y").result == "'old'"
    assert cell.header == ""


def test_time_and_capture_take_remote_cells(kernel: Kernel) -> None:
    cell = kernel.run("%%time\n%%remote shell\necho inside")
    assert cell.status == "ok", cell.error
    assert "inside\n" in cell.text()
    assert "Wall time" in cell.text()
    cell = kernel.run("%%capture captured\n%%remote shell\necho hidden")
    assert (cell.status, cell.text()) == ("ok", "")
    assert kernel.run("captured.stdout").result == "'hidden\\n'" or "hidden" in str(
        kernel.run("captured.stdout").result
    )


def test_run_cell_magic_serves_functions(kernel: Kernel) -> None:
    kernel.run("def f(): get_ipython().run_cell_magic('remote', 'python --in base --out power', 'power = base ** 5')")
    cell = kernel.run("base = 2\nf()\npower")
    assert (cell.status, cell.result) == ("ok", "32")


def test_remote_gives_several_jobs_at_once(kernel: Kernel) -> None:
    cell = kernel.run(
        "from everest_kernel import remote\n"
        "jobs = [remote('python', 'y = x ** 2', inputs={'x': x}, outputs=['y']) for x in range(4)]\n"
        "[job.result()['y'] for job in jobs], [(await job)['y'] for job in jobs]"
    )
    assert (cell.status, cell.result) == ("ok", "([0, 1, 4, 9], [0, 1, 4, 9])")


def test_help_has_examples(kernel: Kernel) -> None:
    cell = kernel.run("%%remote?")
    text = cell.reply["payload"][0]["data"]["text/plain"]
    assert "%%remote python" in text
    assert "--time-limit" in text


def test_log_shows_and_saves_the_whole_output(kernel: Kernel) -> None:
    cell = kernel.run("%%remote shell\necho to-out; echo to-err >&2")
    job = cell.header.rpartition("job ")[2]
    shown = kernel.run(f"%log {job}")
    assert (shown.text(), shown.text("stderr")) == ("to-out\n", "to-err\n")
    kernel.run(f"%log {job} --save saved")
    assert (folder_of(kernel) / "saved/stdout").read_text() == "to-out\n"


def test_log_shows_what_a_running_job_has_written_until_now(kernel: Kernel, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    cell = kernel.run(
        "from everest_kernel import remote\n"
        f"job = remote('shell', 'echo first; until [ -e {gate} ]; do sleep 0.01; done; echo last')\n"
        "while not job.id or 'first' not in job.log(): pass\n"
        "%log {job.id}\n"
        f"import pathlib; pathlib.Path('{gate}').touch()\n"
        "job.result()\n"
        "job.log()"
    )
    assert cell.result == "first\nlast", cell.error
    assert sorted(cell.text().split()) == ["first", "first", "last"], "as it came, and by %log"


def test_the_hub_is_found_again_and_not_started_twice(kernel: Kernel) -> None:
    cell = kernel.run("import json, pathlib, os\nhome = pathlib.Path(os.environ['EVEREST_HUB_HOME'])\n"
                      "json.loads((home / 'hub.json').read_text())['pid']")  # fmt: skip
    assert cell.result is not None
    pid = int(cell.result)
    assert kernel.run("%%remote shell\ntrue").status == "ok"
    os.kill(pid, 0)
