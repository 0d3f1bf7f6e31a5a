"""Which cells a route concerns, how cells are rewritten, and the choice that a notebook holds."""

from __future__ import annotations

import json
import stat
import time
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everest_kernel.notebook.comments import is_comment
from everest_kernel.notebook.completeness import check_cell
from everest_kernel.notebook.completion import complete_cell
from everest_kernel.notebook.inspection import inspect_cell
from everest_kernel.notebook.json_text import drop_member, put_member
from everest_kernel.notebook.line_values import Notebook
from everest_kernel.notebook.routing import Routing, local_as_python, runs_here, without_local
from everest_kernel.notebook.stored_route import read_stored_route, store_route
from everest_kernel.notebook.transform import CellTransformer
from everest_kernel.wire import CellError

MAGICS = {"time": None, "route": None, "jobs": None}

# --- which cells run here


@pytest.mark.parametrize(
    "code",
    [
        "",
        " \n\t\n",
        "%%time\nx",
        "  %%remote shell\necho",
        "%%nonesuch\nx",
        "%%!\nls",
        "%jobs",
        "\n  %route local\nx = 1",
        "%time x",
        "len?",
        "np.sum??",
        "?len",
        "?? np.sum",
        "%time?",
        "%%time?",
        "x[0].real?",
        "exit",
        " quit\n",
        "exit()",
    ],
)
def test_these_run_here(code: str) -> None:
    assert runs_here(code, MAGICS)


@pytest.mark.parametrize(
    "code",
    [
        "x = 1",
        "# a comment",
        "% a comment of Octave's",
        "%comment",
        "%% A title",
        "%%%%%%%%",
        "%timer on",
        "x = 1\n%jobs",
        "a ? b : c",
        "x = a ?\n  b : c",
        "exit;",
        "exit 3",
        "exit\nx",
        "!ls",
        "#include <cmath>",
        "é?é",
    ],
)
def test_these_do_not(code: str) -> None:
    assert not runs_here(code, MAGICS)


@pytest.mark.parametrize(
    ("code", "lexer", "expected"),
    [
        ("# a\n\n  # b\n", "python", True),
        ("# a\nx", "python", False),
        ("'''a'''", "python", False),
        ("% a\n# b", "octave", True),
        ("%{\nx = 1\n%}", "octave", True),
        ("% a\nx = 1", "octave", False),
        ("// a\n/* b\n c */", "cpp", True),
        ("#include <cmath>", "cpp", False),
        ("# a", "maple", True),
        ("# a", "text", False),
        ("# a", "no such lexer", False),
        ("", "text", True),
    ],
)
def test_comments(code: str, lexer: str, expected: bool) -> None:
    assert is_comment(code, lexer) is expected


# --- %%local


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("%%local\nx", "\nx"),
        ("%%local  \r\nx\r\n", "\r\nx\r\n"),
        ("\n %%local\nx", "\n \nx"),
        ("%%local", ""),
        ("%%local x\ny", None),
        ("%%locally\ny", None),
        ("x\n%%local\n", None),
        ("%%local?", None),
    ],
)
def test_the_local_line_goes_and_lines_keep_their_numbers(code: str, text: str | None) -> None:
    assert without_local(code) == text
    python = local_as_python(code)
    assert (python is None) == (text is None)
    if python is not None:
        assert len(python) == len(code)
        assert python.lstrip().startswith("#%local")


# --- rewriting


class Prefilter:
    """Stands for IPython's: a line that is a magic's name becomes a call."""

    def prefilter_lines(self, line: str) -> str:
        return f"magic({line!r})" if line.split()[0] in MAGICS else line


def a_shell(**content: Any) -> Any:
    """A shell whose kernel answers one request."""
    content = {"silent": False, "store_history": True, "code": "", **content}
    parent = {"header": {"msg_id": "1", "msg_type": content.pop("kind", "execute_request")}, "content": content}
    return SimpleNamespace(
        kernel=SimpleNamespace(get_parent=lambda channel: parent),
        magics_manager=SimpleNamespace(magics={"line": MAGICS}),
        prefilter_manager=Prefilter(),
        builtin_trap=nullcontext(),
        parent=parent,
    )


def rewritten(code: str, shell: Any, route: str = "maple") -> str:
    return "".join(CellTransformer(Routing(lambda: route), shell)(code.splitlines(keepends=True)))


def test_an_untagged_cell_is_rewritten() -> None:
    assert rewritten("int(x, x);\n", a_shell()) == "await get_ipython().run_routed_cell('int(x, x);\\n')\n"
    assert "'\\n\\nx\\n'" in rewritten("x\n", a_shell(code="\n \nx\n")), "line numbers are those of the cell"
    assert rewritten("%%remote shell\nls\n", a_shell()).startswith("await get_ipython().run_everest_cell('remote'")


@pytest.mark.parametrize(
    "shell",
    [a_shell(silent=True), a_shell(store_history=False), a_shell(kind="comm_msg"), a_shell(kind="complete_request")],
)
def test_what_nobody_typed_is_left_as_it_is(shell: Any) -> None:
    assert rewritten("x = 1\n", shell) == "x = 1\n"


def test_without_a_route_nothing_is_rewritten() -> None:
    assert rewritten("x = 1\n", a_shell(), route="") == "x = 1\n"
    assert rewritten("x = 1\n", a_shell(), route=" local ") == "x = 1\n"
    assert rewritten("%%local\nx = 1\n", a_shell(), route="") == "\nx = 1\n"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("%%local\nx = 1\ny\n", "\nx = 1\ny\n"),
        ("%%local\n", "\n"),
        ("%%local\n\n%%time\nx\n", "%%time\nx\n"),
        ("%%local\n%%local\nx\n", "\nx\n"),
        ("%%local\n\njobs\n", "\n\nmagic('jobs')\n"),
        ("%%local\njobs?\n", "\njobs?\n"),
        ("%%local\njobs\nx\n", "\njobs\nx\n"),
        ("%%local\n%jobs\n", "\n%jobs\n"),
        ("%%local x\ny\n", "%%local x\ny\n"),
    ],
)
def test_a_local_cell_is_a_plain_one(code: str, expected: str) -> None:
    assert rewritten(code, a_shell()) == expected


def test_inner_text_of_a_running_cell_is_not_routed_and_the_next_cell_is() -> None:
    shell = a_shell()
    transformer = CellTransformer(Routing(lambda: "maple"), shell)
    assert transformer(["x\n"]) != ["x\n"]
    transformer.enter()
    assert transformer(["x\n"]) == ["x\n"]
    transformer.leave()  # an inner cell has ended, the outer one goes on
    assert transformer(["x\n"]) == ["x\n"]
    assert transformer(["%%local\n", "x\n"]) == ["\n", "x\n"]
    shell.parent["header"]["msg_id"] = "2"
    assert transformer(["x\n"]) != ["x\n"]


# --- the choice


def test_the_notebooks_choice_is_read_once_and_said_once() -> None:
    answers = iter([None, " maple --in a "])
    routing = Routing(lambda: next(answers))
    assert routing.line == "", "which notebook it is can be known later"
    assert (routing.line, routing.line, routing.from_notebook) == ("maple --in a", "maple --in a", True)
    assert "go to maple --in a (its metadata says so)" in routing.announcement()
    assert routing.announcement() == ""
    routing.choose("shell")
    assert (routing.line, routing.from_notebook, routing.announcement()) == ("shell", False, "")
    routing.choose("")
    assert routing.line == ""


# --- the notebook's file

KEYS = st.text(max_size=5) | st.sampled_from(["everest", "route", "kernelspec", "a"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=10,
)
NOTEBOOKS = st.fixed_dictionaries(
    {"cells": st.lists(VALUES, max_size=2), "metadata": st.dictionaries(KEYS.filter("everest".__ne__), VALUES)},
    optional={"nbformat": st.just(4), "zz": VALUES},
)
STYLES = st.fixed_dictionaries(
    {
        "indent": st.sampled_from([None, 0, 1, 2, "\t"]),
        "sort_keys": st.booleans(),
        "ensure_ascii": st.booleans(),
        "separators": st.sampled_from([(",", ":"), (",", ": "), (", ", ": ")]),
    }
)
PATH = ("metadata", "everest", "route")


@given(NOTEBOOKS, STYLES, st.text(max_size=20), st.sampled_from(["", "\n", "\r\n\n"]))
def test_only_the_route_changes(content: dict[str, Any], style: dict[str, Any], line: str, end: str) -> None:
    before = json.dumps(content, **style) + end
    after = put_member(before, PATH, line)
    assert json.loads(after) == {**content, "metadata": {**content["metadata"], "everest": {"route": line}}}
    assert drop_member(after, PATH) == before
    assert drop_member(before, PATH) == before
    assert put_member(put_member(before, PATH, "other"), PATH, line) == after


@given(NOTEBOOKS, st.sampled_from([None, 1, 2]), st.dictionaries(KEYS.filter("route".__ne__), VALUES, min_size=1))
def test_what_else_is_ours_stays(content: dict[str, Any], indent: int | None, ours: dict[str, Any]) -> None:
    content["metadata"]["everest"] = ours
    before = json.dumps(content, indent=indent)
    after = put_member(before, PATH, "shell")
    assert json.loads(after)["metadata"]["everest"] == {**ours, "route": "shell"}
    assert drop_member(after, PATH) == before


def test_of_two_members_of_one_name_the_last_counts_as_everywhere() -> None:
    after = put_member('{"metadata": {"a": 1}, "metadata": {"b": 2}}', PATH, "shell")
    assert json.loads(after)["metadata"] == {"b": 2, "everest": {"route": "shell"}}


def test_it_is_written_as_jupyter_writes_it() -> None:
    content = {"cells": [], "metadata": {"language_info": {"name": "python"}, "aaa": 1}, "nbformat": 4}
    style: dict[str, Any] = {"indent": 1, "sort_keys": True, "separators": (",", ": ")}
    after = put_member(json.dumps(content, **style), PATH, "shell")
    content["metadata"] = {**content["metadata"], "everest": {"route": "shell"}}  # type: ignore[dict-item]
    assert after == json.dumps(content, **style)


BAD = [
    "",
    "{",
    "[]",
    "{} {}",
    '{"metadata": 3}',
    '{"metadata": {"everest": 3}}',
    '{"a" 1}',
    '{"a": 1 "b": 2}',
    "{1: 2}",
]


@pytest.mark.parametrize("text", [*BAD, '{"a": ' + "[" * 100_000])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        put_member(text, PATH, "shell")


@given(st.text('{}[]",: \n\\a0', max_size=30))
def test_any_text_is_changed_right_or_refused(text: str) -> None:
    try:
        after = put_member(text, PATH, "shell")
    except ValueError:
        return
    assert json.loads(after)["metadata"]["everest"]["route"] == "shell"


def a_notebook(path: Path, **metadata: Any) -> Path:
    content = {"cells": [], "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    path.write_bytes(json.dumps(content, indent=1, ensure_ascii=False).encode() + b"\n")
    return path


def test_a_route_is_stored_and_removed(tmp_path: Path) -> None:
    path = a_notebook(tmp_path / "имя.ipynb", kernelspec={"name": "everest", "display_name": "имя"})
    path.chmod(0o640)
    before = path.read_bytes()
    assert store_route(path, "maple --name 'имя'")
    assert read_stored_route(path) == "maple --name 'имя'"
    assert "имя'" in path.read_text("utf-8")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    store_route(path, "")
    assert path.read_bytes() == before
    inode = path.stat().st_ino
    assert not store_route(path, "")
    assert path.stat().st_ino == inode, "nothing to change, nothing written"
    assert [entry.name for entry in tmp_path.iterdir()] == ["имя.ipynb"]


@pytest.mark.parametrize(
    "content", [b"", b"x = 1\n", b"[]", b'{"metadata": {}}', b'{"nbformat": 4, "metadata": {}}\xff']
)
def test_other_files_are_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.ipynb"
    path.write_bytes(content)
    with pytest.raises(CellError, match="is not a notebook") as caught:
        store_route(path, "shell")
    assert '{"everest": {"route": "shell"}}' in str(caught.value.hint)
    assert path.read_bytes() == content
    assert read_stored_route(path) == ""


def test_an_unknown_or_absent_notebook_is_said(tmp_path: Path) -> None:
    with pytest.raises(CellError, match="cannot tell which notebook"):
        store_route(None, "shell")
    with pytest.raises(CellError, match="No such file"):
        store_route(tmp_path / "a.ipynb", "shell")
    assert read_stored_route(tmp_path / "a.ipynb") == ""
    assert read_stored_route(tmp_path) == ""


@pytest.mark.parametrize("everest", [3, None, [], {"route": 3}, {"route": None}, {}, {"other": 1}])
def test_metadata_of_another_kind_hold_no_route(tmp_path: Path, everest: Any) -> None:
    assert read_stored_route(a_notebook(tmp_path / "a.ipynb", everest=everest)) == ""


def test_a_large_notebook_is_read_fast(tmp_path: Path) -> None:
    output = {"output_type": "stream", "name": "stdout", "text": ["0123456789 \\ \n" * 1000] * 100}
    cells = [{"cell_type": "code", "source": "x", "metadata": {}, "outputs": [output]}] * 60
    path = tmp_path / "a.ipynb"
    path.write_text(json.dumps({"cells": cells, "metadata": {"everest": {"route": "shell"}}, "nbformat": 4}))
    assert path.stat().st_size > 90e6
    began = time.perf_counter()
    assert read_stored_route(path) == "shell"
    seconds = time.perf_counter() - began
    print(f"{path.stat().st_size / 1e6:.0f} MB in {seconds:.3f} s")
    assert seconds < 2  # 0.1 s on an idle machine


# --- the editor

NAMES = {"lattice": [1, 2]}
ROUTED = Notebook(NAMES, {}, Path(), "octave --in lattice", MAGICS)


def python(code: str, cursor: int) -> dict[str, Any]:
    return {"status": "ok", "python": code, "at": cursor}


def complete(code: str, notebook: Notebook = ROUTED) -> Any:
    before, bar, after = code.partition("|")
    reply = complete_cell(before + after, len(before) if bar else None, notebook, python)
    return reply if reply is None or "python" in reply else set(reply["matches"])


def test_an_untagged_cell_is_completed_as_one_of_the_route() -> None:
    assert complete("l") >= {"lattice", "linspace"}
    assert complete("x = 1;\nl|\ny = 2") >= {"lattice", "linspace"}
    assert complete("l", Notebook(NAMES)) is None
    assert complete("%time l") is None
    assert complete("%ti") is None
    assert complete("%%lo") is None
    assert "--name" in complete("%%remote shell --n")
    assert complete("%%local\nl") == {"status": "ok", "python": "#%local\nl", "at": 9}
    assert complete("%%loc|al\nl") is None
    cell = "x.re"
    own = complete_cell(cell, None, Notebook(NAMES, {}, Path(), "python", MAGICS), moved)
    assert own is not None
    assert cell[own["cursor_start"] : own["cursor_end"]] == "re"


def moved(code: str, cursor: int) -> dict[str, Any]:
    return {"status": "ok", "matches": ["real"], "cursor_start": cursor - 2, "cursor_end": cursor, "metadata": {}}


def test_a_route_line_is_completed() -> None:
    nothing = Notebook()
    assert complete("%route lo", nothing) == {"local"}
    assert {"octave", "local", "--save", "--name"} <= complete("%route ", nothing)
    assert complete("%route octave --sa", nothing) == {"--save"}
    assert complete("x = 1\n  %route octave --with i", nothing) is not None
    assert complete("%route octave --in l", ROUTED) == {"lattice"}
    assert complete("%routes l", nothing) is None


def test_words_of_an_untagged_cell_are_told() -> None:
    def told(code: str, notebook: Notebook = ROUTED) -> Any:
        return inspect_cell(code, len(code), notebook, python)

    assert "Numbers at equal distances." in told("x = linspace")["data"]["text/plain"]
    assert "goes with --in" in told("lattice")["data"]["text/plain"]
    assert told("linspace", Notebook()) is None
    assert told("%%local\nlen") == {"status": "ok", "python": "#%local\nlen", "at": 11}
    assert told("%time len") is None
    assert "route to octave" in told("%route octave", Notebook())["data"]["text/plain"]


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("x = 1;", "complete"),
        ("if x", "incomplete"),
        ("if x\n  1\nend", "incomplete"),
        ("if x\n  1\nend\n", "incomplete"),
        ("if x\n  1\nend\n\n", "complete"),
        ("x = [1\n\n", "incomplete"),
        ("%%local", "incomplete"),
        ("%%local\n", "complete"),
        ("%%local\nfor i in x:", "python says 'for i in x:'"),
    ],
)
def test_the_language_tells_whether_an_untagged_cell_is_complete(code: str, status: str) -> None:
    found = check_cell(code, ROUTED, lambda text: {"status": f"python says {text!r}"})
    assert found is not None
    assert found["status"] == status


@given(st.text("%local \n?xr=1'\"", max_size=30), st.integers(0, 40))
def test_nothing_that_is_typed_raises(code: str, cursor: int) -> None:
    for notebook in (ROUTED, Notebook()):
        complete_cell(code, cursor, notebook, moved)
        inspect_cell(code, cursor, notebook, python)
        check_cell(code, notebook, lambda text: {"status": "unknown"})
        without_local(code)
        rewritten(code, a_shell(), notebook.route)
