"""The header line, local files, and the rewriting of cells."""

from __future__ import annotations

import ast
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everest_kernel.notebook.header import Header, format_seconds, format_size
from everest_kernel.notebook.local_files import find_files, save_files
from everest_kernel.notebook.transform import CellTransformer
from everest_kernel.wire import CellOptionError, ProtocolError

# --- the header


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (1549, "1.5 kB"),
        (80_000_000, "80 MB"),
        (9.96e9, "10 GB"),
        (5e15, "5000 TB"),
    ],
)
def test_sizes(size: float, text: str) -> None:
    assert format_size(int(size)) == text


@pytest.mark.parametrize(("seconds", "text"), [(0.2449, "0.24 s"), (12.4, "12 s"), (119, "119 s"), (185, "3 min 5 s")])
def test_seconds(seconds: float, text: str) -> None:
    assert format_seconds(seconds) == text


def test_a_full_header() -> None:
    header = Header("python", "done", "vm", "j1", 0.5, {"x": 24}, {"y": 1500}, {"f": "function"}, ("token",))
    assert header.text() == (
        "python on vm: done in 0.50 s · sent x (24 B) · back y (1.5 kB) · left there f (function)"
        " · not sent token (looks secret; --in sends it) · job j1"
    )


def test_many_names_are_summed_up_and_markup_is_escaped() -> None:
    header = Header("<b>", sent={f"n{i}": 10 for i in range(20)})
    assert "n7 (10 B), 12 more (120 B)" in header.text()
    assert "<b>" not in header.bundle()["text/html"]


# --- local files


def test_files_inside_the_folder_keep_their_path_and_others_their_name(tmp_path: Path) -> None:
    folder = tmp_path / "notebook"
    (folder / "data").mkdir(parents=True)
    (folder / "data/a.csv").write_text("1")
    (tmp_path / "outside.txt").write_text("2")
    found = find_files(["data/*.csv", str(tmp_path / "outside.txt"), "data/a.csv"], folder)
    assert [(f.staging.target, f.size) for f in found] == [("data/a.csv", 1), ("outside.txt", 1)]


def test_equal_contents_are_staged_under_one_name(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text("same")
    first, second = find_files(["*"], tmp_path)
    assert first.staging.staged == second.staging.staged


def test_patterns_without_files_and_files_in_each_others_way_are_told(tmp_path: Path) -> None:
    with pytest.raises(CellOptionError, match="no such file"):
        find_files(["*.csv"], tmp_path)
    (tmp_path / "folder").mkdir()
    with pytest.raises(CellOptionError, match="no such file"):
        find_files(["folder"], tmp_path)
    for name in ("x", "y"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "same.txt").write_text(name)
    (tmp_path / "nb").mkdir()
    with pytest.raises(CellOptionError, match="would both become"):
        find_files(["../x/same.txt", "../y/same.txt"], tmp_path / "nb")


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "bad\nname").write_text("")
    with pytest.raises(CellOptionError, match="cannot be sent"):
        find_files(["bad*"], tmp_path)


def test_fetched_files_are_written_whole(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("old")
    assert save_files({"old": [b"n", b"ew"], "a/b/c": [b"deep"]}, tmp_path) == ["old", "a/b/c"]
    assert (tmp_path / "old").read_bytes() == b"new"
    assert (tmp_path / "a/b/c").read_bytes() == b"deep"
    mask = os.umask(0)
    os.umask(mask)
    assert (tmp_path / "old").stat().st_mode & 0o777 == 0o666 & ~mask


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/../../x", "link/x", "."])
def test_hostile_paths_write_nothing(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "notebook"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path)
    with pytest.raises(ProtocolError):
        save_files({"good": [b"1"], name: [b"2"]}, folder)
    assert sorted(p.name for p in folder.iterdir()) == ["link"], "not even the good ones"


def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    folder = tmp_path / "notebook"
    folder.mkdir()
    (folder / "out").symlink_to(victim)
    save_files({"out": [b"theirs"]}, folder)
    assert victim.read_text() == "mine"


# --- rewriting


def rewritten(code: str, *, inside: bool = False) -> str:
    transformer = CellTransformer()
    if inside:
        transformer.enter()
    return "".join(transformer(code.splitlines(keepends=True)))


def test_the_outermost_remote_becomes_an_await() -> None:
    text = rewritten("\n\n%%remote python --in a\nx = 'it''s'\n")
    call = ast.parse(text.replace("get_ipython()", "shell")).body[0]
    assert isinstance(call, ast.Expr)
    assert isinstance(call.value, ast.Await)
    call_node = call.value.value
    assert isinstance(call_node, ast.Call)
    assert [ast.literal_eval(a) for a in call_node.args] == ["remote", "python --in a", "x = 'it''s'\n"]


@pytest.mark.parametrize(
    "code", ["x = 1\n", "", "%%time\n%%remote python\n1\n", " %%remote python\n", "%%remote?\n", "%%remote ?\n",
             "%%remotely x\n1\n", "# a note\n%%remote python\n1", "%remote python\n"]
)  # fmt: skip
def test_other_cells_are_left_alone(code: str) -> None:
    assert rewritten(code) == code


def test_inside_a_running_cell_nothing_is_rewritten() -> None:
    code = "%%remote python\n1\n"
    assert rewritten(code, inside=True) == code
    transformer = CellTransformer()
    transformer.enter()
    transformer.leave()
    assert transformer(code.splitlines(keepends=True)) != code.splitlines(keepends=True)


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_line_and_body_survive_the_rewriting(line: str, body: str) -> None:
    line = "".join(line.split())
    if line.startswith("?"):
        return
    text = "".join(CellTransformer()([f"%%remote {line}\n", body]))
    (statement,) = ast.parse(text.replace("get_ipython()", "s")).body
    assert isinstance(statement, ast.Expr)
    assert isinstance(statement.value, ast.Await)
    assert isinstance(statement.value.value, ast.Call)
    assert [ast.literal_eval(a) for a in statement.value.value.args] == ["remote", line, body]
