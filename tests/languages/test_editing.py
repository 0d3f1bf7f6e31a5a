"""Tables of words, and completion of a text by them."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import everest_kernel.languages
from everest_kernel.languages import Editing, Word, find_language, language_names
from everest_kernel.languages.editing import indent_after

TABLES = sorted((Path(everest_kernel.languages.__file__).parent / "words").glob("*.json"))
KINDS = {"command", "constant", "function", "header", "keyword", "macro", "package", "type", "variable"}


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.stem)
def test_a_table_is_sound(path: Path) -> None:
    table = json.loads(path.read_text("utf-8"))
    words = Editing(table=path.stem).words
    assert list(table) == sorted(table), "so that a new version differs from the old in what changed"
    assert 100 < len(table) <= 2500
    assert {word.kind for word in words.values()} <= KINDS
    assert sum(bool(word.help) for word in words.values()) >= 40
    for name, word in words.items():
        assert not name.startswith(("_", "."))
        assert word.help == "" or word.help.endswith("."), name
        assert "\n" not in word.usage + word.help


@pytest.mark.parametrize("name", language_names())
def test_a_language_names_its_table(name: str) -> None:
    language = find_language(name)
    assert language is not None
    tables = {path.stem for path in TABLES}
    if name.lower() in tables:
        assert language.editing.table == name.lower(), f"write Editing(..., table={name.lower()!r})"
    assert language.editing.table in {"", *tables}


def test_tables_are_read_when_they_are_asked_for() -> None:
    code = (
        "import sys, everest_kernel.kernel\n"
        "assert 'everest_kernel.notebook.completion' not in sys.modules\n"
        "from everest_kernel.languages import editing, find_language\n"
        "language = find_language('octave')\n"
        "assert editing._table.cache_info().currsize == 0\n"
        "assert language.editing.word('plot').kind == 'function'\n"
        "assert editing._table.cache_info().currsize == 1\n"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, timeout=60)


def test_names_of_windows_are_known_in_any_letters() -> None:
    assert Editing(table="cmd").word("ECHO") == Editing(table="cmd").word("echo") != None  # noqa: E711
    assert Editing(table="shell").word("ECHO") is None
    assert Editing().word("echo") is None


def test_words_of_windows_complete_in_the_letters_typed() -> None:
    editing = Editing(table="powershell", name=r"[A-Za-z_]\w*(?:-[A-Za-z]*)?")
    assert editing.complete("get-chi", 7).matches == ("get-childItem",)
    assert "Get-ChildItem" in editing.complete("Get-C", 5).matches
    assert Editing(table="cmd").complete("XCO", 3).matches == ("XCOPY",)
    assert Editing(table="shell").complete("ECH", 3).matches == ()


def test_names_of_the_text_come_first() -> None:
    found = Editing(table="octave").complete("plot_it = 1; plo plox", 16, ("plots", "x"))
    assert found.start == 13
    assert found.matches[:3] == ("plot_it", "plots", "plox")
    assert "plot3" in found.matches
    assert dict(zip(found.matches, found.kinds, strict=True))["plots"] == "name"


def test_a_languages_own_form_of_names_is_kept() -> None:
    editing = Editing(table="maxima", name=r"%?[A-Za-z_][A-Za-z0-9_]*")
    assert editing.complete("x: %p", 5).matches == ("%phi", "%pi", "%piargs")
    assert editing.word_at("x: %pi", 4) == "%pi"
    assert editing.words["%pi"] == Word("constant", "", "The ratio of a circle's circumference to its diameter.")


@given(st.text(st.sampled_from("abs_1 .\n-é🙂") | st.characters(), max_size=60), st.integers(-3, 70))
def test_completion_is_of_the_word_before_the_cursor(code: str, cursor: int) -> None:
    editing = Editing(table="octave")
    found = editing.complete(code, cursor, ("absent",))
    place = max(0, min(cursor, len(code)))
    prefix = code[found.start : place]
    assert 0 <= found.start <= place
    assert all(match.startswith(prefix) and match != "" for match in found.matches)
    assert len(found.matches) == len(found.kinds) == len(set(found.matches))
    if found.matches:
        assert prefix
    word = editing.word_at(code, cursor)
    assert word in code


def test_long_lines_and_long_cells_are_quick() -> None:
    editing = Editing(table="octave")
    editing.words  # noqa: B018 - read once
    for code in ("QUJD" * 50_000 + " x", "total = alpha * beta + linspace(0, 1, 10);\n" * 500 + "lin"):
        began = time.perf_counter()
        editing.complete(code, len(code))
        editing.word_at(code, len(code))
        assert time.perf_counter() - began < 0.5  # some ms; a bound that a busy machine keeps


@pytest.mark.parametrize(
    ("code", "indent"), [("", ""), ("x", ""), ("  x", "  "), ("if", "  "), ("\tif\n\n", "\t  "), ("if\n  x", "  ")]
)
def test_indents(code: str, indent: str) -> None:
    assert indent_after(code, r"\Aif") == indent
