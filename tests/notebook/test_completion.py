"""Completion in remote cells: on the line, in the text, anywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from everest_kernel.languages import find_language
from everest_kernel.languages.drivers import DRIVERS
from everest_kernel.notebook.cell_text import locate, read_line
from everest_kernel.notebook.completion import TYPES, complete_cell
from everest_kernel.notebook.line_values import Notebook, setting_choices
from everest_kernel.notebook.line_words import split_line

NAMES = {"grid": np.zeros(3), "gamma": 2.5, "ширина": 1, "np": np, "helper": lambda: 1, "_hidden": 1, "In": []}
NOTEBOOK = Notebook(NAMES, {"In": NAMES["In"]}, Path())


def no_python(code: str, cursor: int) -> dict[str, Any]:
    raise AssertionError("this is no Python cell")


def complete(code: str, notebook: Notebook = NOTEBOOK) -> list[str] | None:
    """Matches at the place of the first `|`, or at the end; None where IPython is to complete."""
    before, bar, after = code.partition("|")
    reply = complete_cell(before + after, len(before) if bar else None, notebook, no_python)
    if reply is None:
        return None
    assert reply["cursor_end"] == len(before)
    prefix = (before + after)[reply["cursor_start"] : reply["cursor_end"]]
    assert all(match.startswith(prefix) for match in reply["matches"])
    assert [kind["text"] for kind in reply["metadata"][TYPES]] == reply["matches"]
    return list(reply["matches"])


# --- where the parts of a cell are


@pytest.mark.parametrize(
    ("code", "line", "body"),
    [
        ("%%remote python\nx", " python", "x"),
        ("%%remote python", " python", ""),
        ("%%remote", "", ""),
        ("%%remote\nx", "", "x"),
        ("\n \n  %%remote shell --in a\n  echo", " shell --in a", "  echo"),
        ("%%time\n%%remote shell\necho", " shell", "echo"),
        ("%%capture out\n\n%%time\n%%remote shell\necho", " shell", "echo"),
    ],
)
def test_a_remote_cell_is_found(code: str, line: str, body: str) -> None:
    cell = locate(code)
    assert cell is not None
    assert (cell.line, cell.body) == (line, body)
    assert code[cell.line_start : cell.line_start + len(line)] == line
    assert code[cell.body_start :] == body


@pytest.mark.parametrize(
    "code",
    [
        "",
        "x = 1",
        "x\n%%remote python",
        "%%remotely x",
        "%remote x",
        "%%remote?",
        "%%remote ?",
        "%%writefile f\n%%remote",
    ],
)
def test_other_cells_are_not(code: str) -> None:
    assert locate(code) is None


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("a 'b c' d", ["a", "b c", "d"]),
        ("a 'b c", ["a", "b c"]),
        ('"a \\" b" c\\ d', ['a " b', "c d"]),
        ("--files=x'y z'", ["--files=xy z"]),
    ],
)
def test_words_of_a_line(line: str, words: list[str]) -> None:
    assert [word.text for word in split_line(line)] == words
    assert all(line.startswith(word.raw, word.start) for word in split_line(line))


def test_what_a_line_says() -> None:
    line = read_line(split_line("giac --in a,b --maple --with standard=c++20 --in=c --name x --out"))
    assert (line.route, line.inputs, line.waits) == ("giac", ("a", "b", "c"), "--out")
    assert dict(line.settings) == {"syntax": "maple", "standard": "c++20"}


# --- the line


@pytest.mark.parametrize(
    ("code", "matches"),
    [
        ("%%remote p", ["powershell", "python"]),
        ("%%remote shell --ti", ["--time-limit"]),
        ("  \n%%remote she", ["shell"]),
        ("%%time\n%%remote she", ["shell"]),
        ("%%remote --dr", ["--dry-run"]),
        ("%%remote python zzz", []),
        ("%%remote shell --in g", ["gamma", "grid"]),
        ("%%remote shell --in=g", ["gamma", "grid"]),
        ("%%remote shell --in grid,g", ["gamma"]),
        ("%%remote shell --in ", ["gamma", "grid", "ширина"]),
        ("%%remote shell --in шир", ["ширина"]),
        ("%%remote shell --out |\nfirst=1; second=$(date)\n[ $a == 1 ]", ["first", "second"]),
        ("%%remote shell --out s|\nfirst=1; second=$(date)", ["second"]),
        ("%%remote python --out |\na = b = 1\nfor k in c: d = 1", ["a", "b", "k", "d"]),
        ("%%remote python --out |\na = 1\nif", ["a"]),
        ("%%remote octave --with pl", ["platform="]),
        ("%%remote octave --with platform=po", ["posix"]),
        ("%%remote octave --with=platform=po", ["posix"]),
        ("%%remote octave --with program=", []),
        ("%%remote octave --with nothing=", []),
        ("%%remote octave --name ", []),
        ("%%remote giac --with syntax=", ["giac", "maple"]),
        ("%%remote giac --with symbolic=te", ["text"]),
        ("%%remote nowhere --with ", []),
    ],
)
def test_on_the_line(code: str, matches: list[str]) -> None:
    assert complete(code) == matches


def test_short_options_are_offered_where_they_mean_something() -> None:
    assert {"--maple", "--sympy"} <= set(complete("%%remote --") or [])
    assert not {"--maple", "--sympy"} & set(complete("%%remote shell --") or [])


def test_settings_with_any_text_offer_none() -> None:
    language = find_language("octave")
    assert language is not None
    assert setting_choices(language, "platform") == [name for name in ("posix", "windows") if name in DRIVERS]
    assert setting_choices(language, "program") == []


def test_files_are_offered_with_their_folders(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    for name in ("data/a.csv", "data/b 1.csv", "notes.txt", ".hidden"):
        (tmp_path / name).write_text("")
    notebook = Notebook(folder=tmp_path)
    for written, paths in {
        "": ["data/", "notes.txt"],
        "n": ["notes.txt"],
        ".": [".hidden"],
        "data/": ["data/a.csv", "data/b\\ 1.csv"],
        "data/b\\ ": ["data/b\\ 1.csv"],
        "'data/b": ["'data/b 1.csv'"],
        "'da": ["'data/"],
        "nowhere/": [],
        "notes.txt/": [],
    }.items():
        assert complete(f"%%remote shell --files {written}", notebook) == paths, written
    assert complete("%%remote shell --files=n", notebook) == ["notes.txt"]


def test_a_faulty_configuration_gives_fewer_and_raises_nothing(tmp_path: Path) -> None:
    (tmp_path / "everest.toml").write_text("not toml")
    notebook = Notebook(NAMES, {}, tmp_path)
    assert complete("%%remote --n", notebook) == ["--name"]
    assert complete("%%remote p", notebook) == []
    assert complete("%%remote shell --in gr", notebook) == ["grid"]
    assert complete("%%remote shell\nec", notebook) == []


# --- the text


@pytest.mark.parametrize(
    ("code", "some", "none"),
    [
        ("%%remote shell\nec", ["echo"], ["else"]),
        ("%%remote shell\nwhi|\ndone", ["while"], ["done"]),
        ("%%remote octave\nlins", ["linspace"], []),
        ("%%remote octave\nlinear_part = 1;\nlin", ["linear_part", "linspace"], []),
        ("%%remote octave --in gamma,grid\ng", ["gamma", "grid", "grid"], []),
        ("%%remote octave\nдлина = 1; % ключ\nnume", ["numel"], []),
        ("%%capture c\n%%time\n%%remote octave\neigenv = ei", ["eig", "eigenv"], []),
        ("%%remote octave\n", [], ["abs"]),
        ("%%remote octave\nx(", [], ["abs"]),
        ("%%remote giac\nlins", ["linsolve", "linspace"], []),
        ("%%remote giac --maple\nevalh", ["evalhf"], []),
        ("%%remote maple\nx := 1; LinearS", ["LinearSolve"], []),
        ("%%remote maxima\nf(x) := %p", ["%pi"], []),
        ("%%remote R\nread.c", ["read.csv"], []),
        ("%%remote julia\npus", ["push!"], []),
        ("%%remote cmd\nsetl", ["setlocal"], []),
        ("%%remote powershell\n$x = get-chi", ["get-childItem"], []),
        ("%%remote nowhere\nec", [], ["echo"]),
        ("%%remote \nec", [], ["echo"]),
    ],
)
def test_in_the_text(code: str, some: list[str], none: list[str]) -> None:
    matches = complete(code)
    assert matches is not None
    assert set(some) <= set(matches)
    assert not set(none) & set(matches)


def test_a_routes_language_serves_under_its_name(tmp_path: Path) -> None:
    (tmp_path / "everest.toml").write_text('[routes.lab]\nlanguage = "octave"\nprogram = "octave7"\n')
    assert complete("%%remote lab\nlinsp", Notebook(folder=tmp_path)) == ["linspace"]


def test_kinds_are_told() -> None:
    reply = complete_cell("%%remote octave\nwhi", None, NOTEBOOK, no_python)
    assert reply is not None
    assert {kind["text"]: kind["type"] for kind in reply["metadata"][TYPES]}["while"] == "keyword"


def test_python_is_left_to_ipython_with_its_places_moved() -> None:
    asked = []

    def python(code: str, cursor: int) -> dict[str, Any]:
        asked.append((code, cursor))
        kinds = [{"start": 4, "end": 6, "text": text, "type": "x", "signature": ""} for text in ("os", "%osm")]
        return {
            "status": "ok",
            "matches": ["os", "%osm"],
            "cursor_start": 4,
            "cursor_end": 6,
            "metadata": {TYPES: kinds},
        }

    code = "%%remote python --name 'имя'\nя = os"
    reply = complete_cell(code, len(code), NOTEBOOK, python)
    assert asked == [("я = os", 6)]
    assert reply is not None
    assert reply["matches"] == ["os"]
    assert code[reply["cursor_start"] : reply["cursor_end"]] == "os"
    (kind,) = reply["metadata"][TYPES]
    assert code[kind["start"] : kind["end"]] == "os"


# --- anywhere

CELLS = st.tuples(
    st.sampled_from(["", "%%time\n", " \n", "%%capture x\n "]),
    st.sampled_from(
        [
            *("%%remote", "%%remote ", "%%remote shell", "%%remote octave ", "%everest ", "x = 1"),
            *("%%sweep", "%%sweep ", "%%sweep octave,", "%%sweep python x=", "%%sweep shell a=1:2:3 --where "),
        ]
    ),
    st.text(st.sampled_from(" \n\t'\"\\=,-abgö日%|#({[1:)]}s--in") | st.characters(), max_size=30),
    st.sampled_from(["", "\n", "\necho \nx"]),
    st.text(max_size=20),
).map("".join)


@given(CELLS, st.integers(-2, 120))
def test_nothing_raises_and_the_prefix_is_delimited(code: str, cursor: int) -> None:
    def python(body: str, place: int) -> dict[str, Any]:
        assert 0 <= place <= len(body)
        return {"status": "ok", "matches": [], "cursor_start": place, "cursor_end": place, "metadata": {}}

    reply = complete_cell(code, cursor, NOTEBOOK, python)
    if reply is not None:
        assert 0 <= reply["cursor_start"] <= reply["cursor_end"] == max(0, min(cursor, len(code)))
        prefix = code[reply["cursor_start"] : reply["cursor_end"]]
        assert all(match.startswith(prefix) for match in reply["matches"])


# --- elsewhere


@pytest.mark.parametrize(
    "code", ["", "x = 1", "%%remote", "%%remotely p", "x\n%%remote p", "%remote p", "%%ti|me\n%%remote p"]
)
def test_elsewhere_is_ipythons(code: str) -> None:
    assert complete(code) is None


@pytest.mark.parametrize(
    ("code", "some", "none"),
    [
        ("%everest ", ["status", "login", "doctor"], ["python"]),
        ("%everest re", ["resources"], ["status", "routes"]),
        ("x = 1\n  %everest pub", ["publish"], ["status"]),
        ("%everest publish ", ["python", "shell"], ["embedded"]),
        ("%everest doctor ", ["embedded", "--job"], ["python"]),
        ("%everest doctor embedded --", ["--job"], ["embedded"]),
        ("%everest status ", [], ["status"]),
    ],
)
def test_everest_lines(code: str, some: list[str], none: list[str]) -> None:
    matches = complete(code)
    assert matches is not None
    assert set(some) <= set(matches)
    assert not set(none) & set(matches)


@pytest.mark.parametrize("code", ["%everest", "x %everest ", "%everest status\n", "%everestx "])
def test_other_lines_are_not_ours(code: str) -> None:
    assert complete(code) is None
