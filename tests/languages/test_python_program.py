"""The program for a Python cell, run as a resource would run it: a process in an empty folder."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from everest_kernel.languages import CellRequest, Display, PythonLanguage, Returned, StagedFile, Text, read_shown
from everest_kernel.wire import ProtocolError, ValueRefusedError

PYTHON = PythonLanguage()


@dataclass
class Ran:
    """What a run left."""

    status: int
    parts: list[bytes | Display]
    stderr: str
    back: Returned
    fetched: dict[str, bytes]
    shown: list[Display]

    @property
    def text(self) -> str:
        return b"".join(p for p in self.parts if isinstance(p, bytes)).decode()

    @property
    def displays(self) -> list[Display]:
        return [p for p in self.parts if isinstance(p, Display)]


def run(folder: Path, code: str, *, staged: dict[str, bytes] | None = None, **request: Any) -> Ran:
    program = PYTHON.render(CellRequest(code, **request))
    (folder / PYTHON.program_file).write_text(program.text)
    (folder / PYTHON.cell_file).write_text(program.cell)
    for name, content in {**program.attachments, **(staged or {})}.items():
        (folder / name).write_bytes(content)
    command = [sys.executable, "-I", PYTHON.program_file]  # isolated: nothing of ours can be imported by accident
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run(command, cwd=folder, capture_output=True, timeout=60, env=environment)
    stream = PYTHON.stream()
    with (folder / PYTHON.values_file).open("rb") as values:
        back = PYTHON.read_back(values)
    fetched = {}
    if (folder / PYTHON.fetched_file).exists():
        with (folder / PYTHON.fetched_file).open("rb") as archive:
            fetched = {path: b"".join(file) for path, file in PYTHON.read_fetched(archive).items()}
    shown = []
    if (folder / PYTHON.pictures_file).exists():
        with (folder / PYTHON.pictures_file).open("rb") as archive:
            shown = read_shown(archive)
    parts = [p.data if isinstance(p, Text) else p for p in stream.feed("stdout", done.stdout) + stream.close()]
    return Ran(done.returncode, parts, done.stderr.decode(), back, fetched, shown)


def test_values_go_in_and_come_out(tmp_path: Path) -> None:
    ran = run(tmp_path, "b = a[::-1]\nc = math.pi", inputs={"a": [1, 2], "math": math}, out_found=("b", "c", "missing"))
    assert (ran.status, ran.back.values) == (0, {"b": [2, 1], "c": math.pi})


def test_large_values_travel_as_files(tmp_path: Path) -> None:
    request = CellRequest("", inputs={"a": bytes(60_000)})
    (name,) = PYTHON.render(request).attachments
    assert PYTHON.render(request).attachments.keys() == {name}, "named by content: uploaded once"
    ran = run(tmp_path, "n = len(a)", inputs={"a": bytes(60_000)}, out_named=("n",))
    assert ran.back.values == {"n": 60_000}
    assert not (tmp_path / name).exists()


def test_a_value_that_cannot_travel_is_refused_by_name() -> None:
    with pytest.raises(ValueRefusedError, match="handle: a value of type") as caught:
        PYTHON.render(CellRequest("", inputs={"handle": object()}))
    assert caught.value.name == "handle"


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("1 + 1", 2),
        ("x = 1\nx", 1),
        ("x = 1", None),
        ("None", None),
        ("2;", None),
        ("'a;'  # comment ;", "a;"),
        ("if 1:\n  5", None),
    ],
)
def test_the_value_of_the_last_line(tmp_path: Path, code: str, value: Any) -> None:
    back = run(tmp_path, code).back
    assert (back.last, back.has_last) == (value, value is not None)


def test_a_last_value_that_cannot_travel_is_shown(tmp_path: Path) -> None:
    back = run(
        tmp_path, "class A:\n    def _repr_latex_(self): return '$a$'\n    def __repr__(self): return 'A'\nA()"
    ).back
    assert back.display is not None
    assert back.display.data == {"text/plain": "A", "text/latex": "$a$"}


def test_what_cannot_come_back_is_named(tmp_path: Path) -> None:
    code = "import math\nf = lambda: 1\ng = (i for i in ())\nn = 1\nbig = bytes(10_000_001)"
    back = run(tmp_path, code, out_found=("f", "g", "n", "big"), out_named=("h", "f")).back
    assert back.values == {"n": 1}
    assert back.left == {"f": "function", "g": "generator"}
    assert sorted(p.split()[0] for p in back.problems) == ["big", "f:", "h:"]


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("x = 1\n1 / 0", 1, "ZeroDivisionError: division by zero (line 2 of the cell)"),
        ("def f():\n    raise KeyError('k')\nf()", 1, "KeyError: 'k' (line 2 of the cell)"),
        ("x = (", 1, "SyntaxError: '(' was never closed (cell.py, line 1) (line 1 of the cell)"),
        ("raise SystemExit(7)", 7, ""),
        ("raise SystemExit", 0, ""),
        ("raise SystemExit('why')", 1, ""),
        ("import os\nos._exit", 0, ""),
        ("raise KeyboardInterrupt", 1, "KeyboardInterrupt:  (line 1 of the cell)"),
    ],
)
def test_how_a_cell_can_end(tmp_path: Path, code: str, status: int, error: str) -> None:
    ran = run(tmp_path, code)
    assert ran.status == status
    assert ran.back.error.replace("<", "").replace(">", "") == error or ran.back.error.startswith(error[:25])
    assert "everest_cell" not in ran.stderr


def test_a_traceback_has_the_cells_lines_and_none_of_ours(tmp_path: Path) -> None:
    stderr = run(tmp_path, "import json\ndef f():\n    json.loads('{')\nf()").stderr
    assert stderr.count("File ") >= 3
    assert "json.loads('{')" in stderr
    assert "program.py" not in stderr
    assert "runner" not in stderr


def test_displays_keep_their_place_among_the_text(tmp_path: Path) -> None:
    ran = run(tmp_path, "print('a')\ndisplay(1, 2)\nimport os; os.system('echo child')\nprint('b')")
    kinds = [p.decode() if isinstance(p, bytes) else p.data["text/plain"] for p in ran.parts]
    assert "".join(kinds) == "a\n12child\nb\n"


def test_displays_as_in_ipython(tmp_path: Path) -> None:
    code = (
        "class P:\n    def _repr_png_(self): return b'\\x89PNG'\n    def _repr_html_(self): raise NotImplementedError\n"
        "    def _repr_mimebundle_(self, include=None, exclude=None): return {'text/x': 'm'}, {'text/x': {'k': 1}}\n"
        "h = display(P(), display_id=True)\nh.update('new')\ndisplay({'text/plain': 'raw'}, raw=True)\n"
        "display({'text/latex': '$x$'}, raw=True)\n"
        "from IPython.display import display as other, HTML, update_display\nother(HTML('<b>'))\n"
        "h.update({'text/plain': 'later'}, raw=True)\nupdate_display(HTML('<i>'), display_id=h.display_id)"
    )
    first, second, raw, no_text, html, later, last = run(tmp_path, code).displays
    assert set(first.data) == {"text/plain", "image/png", "text/x"}
    assert first.metadata == {"text/x": {"k": 1}}
    assert (second.update, second.transient) == (True, first.transient)
    assert raw.data == {"text/plain": "raw"}
    assert no_text.data == {"text/latex": "$x$", "text/plain": "<text/latex>"}
    assert html.data["text/html"] == "<b>"
    assert (later.data, later.update) == ({"text/plain": "later"}, True)
    assert (last.data["text/html"], last.update, last.transient) == ("<i>", True, first.transient)


def test_figures_are_shown_once_each(tmp_path: Path) -> None:
    code = (
        "import matplotlib.pyplot as plt\nplt.figure(); plt.plot([1])\nplt.show()\n"
        "plt.figure(); plt.plot([2])\nplt.figure()\nx = 1"
    )
    ran = run(tmp_path, code)
    assert ran.status == 0, ran.stderr
    assert [sorted(d.data) for d in ran.displays] == [["image/png", "text/plain"]] * 2


def test_a_figure_that_is_shown_and_saved_is_shown_once(tmp_path: Path) -> None:
    code = (
        "import matplotlib.pyplot as plt\nplt.plot([1]); plt.savefig('a.png'); plt.savefig('a.svg'); plt.show()\n"
        "plt.plot([2]); plt.savefig('b.png'); plt.close()\nfigure, axes = plt.subplots(); display(figure)\n"
        "figure.savefig('c.png')\nplt.close()"
    )
    ran = run(tmp_path, code)
    assert ran.status == 0, ran.stderr
    assert [display.data["text/plain"] for display in ran.shown] == ["<picture b.png>"]
    assert len(ran.displays) == 2


def test_new_files_are_shown(tmp_path: Path) -> None:
    code = (
        "import os\nos.makedirs('out/.hidden'); os.chdir('out')\nopen('.hidden/a.csv', 'w').write('1')\n"
        "open('b.html', 'w').write('<p>page')\nopen('../c.CSV', 'w').write('x,y\\n1,2')\n"
        "open('../changed.csv', 'w').write('1')\nopen('../big.csv', 'w').truncate(20_000_000)\n"
        "open('../large.csv', 'w').truncate(20_000_000)\nos.symlink('b.html', 'd.html')\nopen('e\\n.csv', 'w')\n"
        "open('../' + os.fsdecode(b'\\xff.csv'), 'w')\nx = 1"
    )
    files = (StagedFile("file-1", "given.csv"), StagedFile("file-1", "changed.csv"))
    ran = run(tmp_path, code, staged={"file-1": b"1"}, files=files, fetch=("l*",), out_named=("x",))
    assert ran.status == 0, ran.stderr
    assert [display.data["text/plain"] for display in ran.shown] == [
        "<table c.CSV, 7 B: 1 row>\nx  y\n1  2",
        "<table changed.csv, 1 B: 1 row>\n1",
        "<page out/b.html, 7 B>\npage",
        "not shown: big.csv (20 MB); --fetch brings it",
    ]
    assert (ran.back.values, len(ran.fetched["large.csv"])) == ({"x": 1}, 20_000_000)


def test_new_files_are_shown_when_the_cell_fails_and_are_counted(tmp_path: Path) -> None:
    ran = run(tmp_path, "for i in range(25): open(f'{i:02}.csv', 'w').write('1')\n1 / 0")
    assert (ran.status, len(ran.shown)) == (1, 21)
    assert ran.shown[20].data["text/plain"] == "5 more files are not shown; --fetch brings them"
    assert ran.back.problems == []


def test_a_cell_that_leaves_no_files_does_not_look_for_them(tmp_path: Path) -> None:
    code = "import sys, atexit\natexit.register(lambda: print('everest_cell.new_files' in sys.modules))"
    assert run(tmp_path, code).text == "False\n"


def test_files_are_placed_and_fetched(tmp_path: Path) -> None:
    code = "open('r1.txt', 'w').write(open('in/a.txt').read() + open('b.txt').read()); open('other', 'w');"
    ran = run(
        tmp_path,
        code,
        staged={"file-1": b"x"},
        files=(StagedFile("file-1", "in/a.txt"), StagedFile("file-1", "b.txt")),
        fetch=("r*.txt", "*.png", "*"),
    )
    assert ran.status == 0, ran.stderr
    assert ran.fetched == {"r1.txt": b"xx", "other": b"", "b.txt": b"x"}
    assert ran.back.problems == ["no file matches --fetch '*.png'"]
    assert not (tmp_path / "file-1").exists()


def test_top_level_await_and_main(tmp_path: Path) -> None:
    code = "import asyncio\nx = await asyncio.sleep(0, 5)\nif __name__ == '__main__': y = 1\n"
    code += "import __main__\nz = __main__.x"
    assert run(tmp_path, code, out_named=("x", "y", "z")).back.values == {"x": 5, "y": 1, "z": 5}


def test_processes_started_by_multiprocessing_find_the_cells_functions(tmp_path: Path) -> None:
    code = (
        "import multiprocessing\ndef square(n): return n * n\n"
        "with multiprocessing.get_context('fork').Pool(2) as pool: r = pool.map(square, range(4))"
    )
    ran = run(tmp_path, code, out_named=("r",))
    assert ran.back.values == {"r": [0, 1, 4, 9]}, ran.stderr


def test_text_of_any_kind_can_be_printed(tmp_path: Path) -> None:
    assert run(tmp_path, "print('ä日本\\ud800')").text == "ä日本\\ud800\n"


@pytest.mark.parametrize("content", [b"", b"PK", b"not a zip", b"\0" * 100])
def test_garbage_for_values_is_a_protocol_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "v"
    path.write_bytes(content)
    with path.open("rb") as stream, pytest.raises(ProtocolError):
        PYTHON.read_back(stream)


@pytest.mark.skipif(not hasattr(os, "O_DIRECT"), reason="needs pipes that keep writes apart")
def test_a_print_is_one_write_also_where_python_is_unbuffered(tmp_path: Path) -> None:
    program = PYTHON.render(CellRequest("print('first')\nprint('second', end='', flush=True)"))
    (tmp_path / PYTHON.program_file).write_text(program.text)
    (tmp_path / PYTHON.cell_file).write_text(program.cell)
    reading, writing = os.pipe2(os.O_DIRECT)  # each read gives one write
    try:
        command = [sys.executable, PYTHON.program_file]
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        subprocess.run(command, cwd=tmp_path, stdout=writing, timeout=60, env=environment, check=True)
        assert os.read(reading, 1000) == b"first\n"
        assert os.read(reading, 1000) == b"second"
    finally:
        os.close(reading)
        os.close(writing)
