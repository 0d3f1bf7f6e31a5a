"""Cells without a magic under a route, in true kernels."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.kernel.test_interrupts import assert_cancelled, by_signal, interrupt_when
from tests.support.kernel import Cell, Kernel, running_kernel


@pytest.fixture(params=["ours", "stock"])
def routed(request: pytest.FixtureRequest, shared_kernel: Kernel, stock_kernel: Kernel) -> Iterator[Kernel]:
    """Our kernel and the stock one, each with a route to Python on."""
    kernel = shared_kernel if request.param == "ours" else stock_kernel
    assert kernel.run("%reset -f").status == "ok"
    assert kernel.run("%route python").status == "ok"
    yield kernel
    assert kernel.run("%route local").status == "ok"


def shown(cell: Cell) -> str:
    """What the magic says."""
    return "".join(c["data"]["text/plain"] for c in cell.of("display_data") if c["metadata"].get("everest_route"))


def is_local(cell: Cell) -> bool:
    return cell.header == ""


ABSENT = '[routes.absent]\nlanguage = "octave"\nprogram = "no-octave"\n'

# --- where cells run


def test_cells_go_there_until_they_stay_here_again(routed: Kernel) -> None:
    cell = routed.run("x = 20\nprint('out')\nx + 1")
    assert (cell.status, cell.text(), cell.result) == ("ok", "out\n", "21")
    assert cell.header.startswith("python on ")
    assert not is_local(routed.run("x + 2"))
    assert "back" not in routed.run("x").header
    routed.run("%route local")
    cell = routed.run("x")
    assert (cell.result, is_local(cell)) == ("20", True)


@pytest.mark.parametrize(
    ("code", "result"),
    [
        ("%%local\nx = 3\nx * 2", "6"),
        ("\n%%local  \nx = 4\nx", "4"),
        ("%%local\nimport asyncio\nawait asyncio.sleep(0, 5)", "5"),
        ("%%local\ny = !echo shell\ny[0]", "'shell'"),
        ("%%local\n%precision 3\n7", "7"),
        ("%%local\nprecision 3", "'%.3f'"),
        ("%%local\n\n%%capture c\nprint('kept')", None),
        ("%%time\nw = 2", None),
        ("%precision 4\n8", "8"),
        ("%%local\n", None),
        ("%%local", None),
    ],
)
def test_these_run_here(routed: Kernel, code: str, result: str | None) -> None:
    cell = routed.run(code)
    assert (cell.status, cell.result) == ("ok", result), cell.error
    assert is_local(cell)


def test_local_cells_use_the_namespace_and_work_without_a_route(kernel: Kernel) -> None:
    assert kernel.run("%%local\nz = 1\nz").result == "1"
    assert kernel.run("z").result == "1"
    assert kernel.run("%%local\nprint('once')").text() == "once\n"


def test_errors_of_local_cells_have_the_lines_of_the_cell(routed: Kernel) -> None:
    cell = routed.run("%%local\na = 1\nraise ValueError('no')")
    assert "----> 3 raise ValueError" in re.sub(r"\x1b\[[\d;]*m", "", cell.error)
    cell = routed.run("%%local\na = 1\nb = = 2")
    assert re.search(r"line 3\b.*SyntaxError", re.sub(r"\x1b\[[\d;]*m", "", cell.error), re.DOTALL)
    assert routed.run("%%local here\n1").reply["ename"] == "CellOptionError"


@pytest.mark.parametrize("code", ["print?", "?print", "%route?", "%%remote?", "%%local?"])
def test_questions_are_answered_here(routed: Kernel, code: str) -> None:
    cell = routed.run(code)
    assert (cell.status, is_local(cell)) == ("ok", True)
    assert cell.reply["payload"]
    if code == "%route?":
        assert "%route maple" in cell.reply["payload"][0]["data"]["text/plain"]


@pytest.mark.parametrize("code", ["", "  \n", "# only\n\n# comments"])
def test_nothing_to_run_runs_nowhere(routed: Kernel, code: str) -> None:
    cell = routed.run(code)
    assert (cell.status, is_local(cell)) == ("ok", True)


def test_line_numbers_are_those_of_the_cell(routed: Kernel) -> None:
    cell = routed.run("\n\nx = 1\nraise ValueError('there')")
    assert cell.reply["ename"] == "JobFailedError"
    assert "line 4" in cell.error


def test_cells_inside_a_magic_are_not_routed(routed: Kernel) -> None:
    cell = routed.run("%%local\nget_ipython().run_cell('a = 1')\nget_ipython().run_cell('b = 2')\n(a, b)")
    assert (cell.result, is_local(cell)) == ("(1, 2)", True)
    cell = routed.run("%%capture c\nd = 5")
    assert (cell.status, is_local(cell)) == ("ok", True)


def test_a_notebook_that_a_cell_runs_is_not_routed(kernel: Kernel, tmp_path: Path) -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code) for code in ("p = 1", "q = p + 1", "q")])
    nbformat.write(notebook, tmp_path / "inner.ipynb")
    kernel.run("%route python")
    cell = kernel.run(f"%run {tmp_path / 'inner.ipynb'}")
    assert (cell.status, is_local(cell)) == ("ok", True)
    assert kernel.run("%%local\np, q").result == "(1, 2)"
    kernel.run("%route local")


def test_what_a_front_end_runs_for_itself_is_not_routed(routed: Kernel) -> None:
    def ask(**content: Any) -> Cell:
        request = {"code": "s = 1", "silent": False, "store_history": True, "user_expressions": {}}
        return routed.collect(routed.send("execute_request", {**request, "allow_stdin": False, **content}))

    assert [m["msg_type"] for m in ask(silent=True).messages] == ["status", "status"]
    assert is_local(ask(store_history=False, code="t = s + 1"))
    cell = ask(code="%%local\n1", user_expressions={"there": "t + 1"})
    assert cell.reply["user_expressions"]["there"]["data"]["text/plain"] == "3"
    assert is_local(cell)


def test_a_failed_job_is_a_failed_cell(routed: Kernel) -> None:
    assert routed.run("raise KeyError('there')").reply["ename"] == "JobFailedError"
    routed.run("%route shell")
    assert routed.run("exit 3").reply["ename"] == "JobFailedError"


def test_an_interrupt_cancels(routed: Kernel) -> None:
    routed.run("%route shell")
    watch = interrupt_when(routed, "ready", lambda: by_signal(routed))
    assert_cancelled(routed.collect(routed.send_cell("echo ready; sleep 600"), watch=watch))


def test_another_language_and_its_options(routed: Kernel) -> None:
    routed.run("%route shell --out lines --name 'my job'")
    cell = routed.run('# no Python\nlines=$(printf \'%s\' "a  b")\necho "$lines"')
    assert (cell.status, cell.text()) == ("ok", "a  b\n")
    assert routed.run("%%local\nlines").result == "'a  b'"
    assert routed.run("%%remote python\n1 + 1").result == "2"


# --- the magic


def test_it_says_where_cells_go(routed: Kernel) -> None:
    cell = routed.run("%route")
    assert "`python` (python, server embedded)" in shown(cell)
    assert "<code>python</code>" in cell.of("display_data")[0]["data"]["text/html"]
    assert "run here" in shown(routed.run("%route local"))
    assert "run here" in shown(routed.run("%route"))


@pytest.mark.parametrize(
    ("line", "name", "text"),
    [
        ("pyton", "ConfigurationError", "Did you mean 'python'?"),
        ("python --tme-limit 3", "CellOptionError", "Did you mean --time-limit?"),
        ("python shell", "CellOptionError", "a second route"),
        ("--out x", "CellOptionError", "no route"),
        ("python --with nonesuch=1", "CellOptionError", "nonesuch"),
        ("local --out x", "CellOptionError", "takes no option"),
        ("python 'x", "CellOptionError", "cannot be read"),
        ("absent", "CellError", "nothing on this machine"),
        ("shell --save", "CellError", '{"everest": {"route": "shell"}}'),
    ],
)
def test_what_is_wrong_is_refused_and_changes_nothing(routed: Kernel, line: str, name: str, text: str) -> None:
    routed.run(f"%%local\nopen('everest.toml', 'w').write({ABSENT!r})")
    cell = routed.run(f"%route {line}")
    assert (cell.reply["ename"], text in cell.error) == (name, True), cell.error
    assert "Traceback" not in cell.error
    assert not is_local(routed.run("1 + 1"))
    routed.run("%%local\nimport os\nos.remove('everest.toml')")


# --- the choice in the notebook


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    path = tmp_path / "work.ipynb"
    cells = [nbformat.v4.new_code_cell("there = 1\nthere"), nbformat.v4.new_code_cell("%%local\nthere + 1")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


def test_a_kernel_reads_it_keeps_it_and_drops_it(
    notebook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = notebook.read_bytes()
    monkeypatch.setenv("JPY_SESSION_NAME", str(notebook))
    (tmp_path / "home").mkdir()
    with running_kernel(tmp_path / "home") as kernel:
        assert is_local(kernel.run("1"))
        said = shown(kernel.run("%route python --time-limit 30s --save"))
        assert "Reload the notebook" in said
        assert '{"everest": {"route": "python --time-limit 30s"}}' in said
    assert json.loads(notebook.read_bytes())["metadata"] == {"everest": {"route": "python --time-limit 30s"}}
    with running_kernel(tmp_path / "home") as kernel:
        silent = {"code": "hidden = 1", "silent": True}
        kernel.collect(kernel.send("execute_request", silent))
        first, second = kernel.run("1 + 1"), kernel.run("2 + 2")
        assert (first.result, is_local(first)) == ("2", False)
        assert "go to python --time-limit 30s (its metadata says so); `%route local`" in shown(first)
        assert (second.result, is_local(second), shown(second)) == ("4", False, "")
        assert "as its metadata says" in shown(kernel.run("%route"))
        kernel.run("%route local")
        assert is_local(kernel.run("3"))
        kernel.run("%route local --save")
    assert notebook.read_bytes() == before


def test_a_stored_route_that_is_not_configured_here_fails_its_cells_only(
    notebook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = json.loads(notebook.read_bytes())
    content["metadata"]["everest"] = {"route": "pyton"}
    notebook.write_text(json.dumps(content))
    monkeypatch.setenv("JPY_SESSION_NAME", str(notebook))
    (tmp_path / "home").mkdir()
    with running_kernel(tmp_path / "home") as kernel:
        assert kernel.run("%%local\n1").result == "1"
        for _ in range(2):
            cell = kernel.run("1 + 1")
            assert cell.reply["ename"] == "ConfigurationError"
            assert "Did you mean 'python'?" in cell.error
            assert "`%route local` runs its cells here." in cell.error
        assert kernel.run("%%remote python\n1 + 2").result == "3"
        kernel.run("%route local")
        assert kernel.run("1 + 1").result == "2"


def test_a_notebook_that_a_notebook_executes_is_another_one(
    notebook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = json.loads(notebook.read_bytes())
    content["metadata"]["everest"] = {"route": "python"}
    notebook.write_text(json.dumps(content))
    ask = "from everest_kernel.notebook.place import notebook_path\nprint(notebook_path())"
    cells = [nbformat.v4.new_code_cell(code) for code in ("%load_ext everest_kernel", ask)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "inner.ipynb")
    monkeypatch.setenv("JPY_SESSION_NAME", str(notebook))
    (tmp_path / "home").mkdir()
    with running_kernel(tmp_path / "home") as kernel:
        command = f"{sys.executable} -m nbconvert --to notebook --execute --inplace {tmp_path / 'inner.ipynb'}"
        cell = kernel.run(f"%%local\nimport subprocess\nsubprocess.run({command.split()!r}, check=True)")
        assert cell.status == "ok", cell.error
        assert kernel.run(f"%%local\n{ask}").text() == f"{notebook}\n"
    assert nbformat.read(tmp_path / "inner.ipynb", 4).cells[1].outputs[0].text == "None\n"
